"""The supervised learner against plain torch, and what it promises the loop."""

import contextlib
import math

import numpy as np
import pytest
import torch
from torch import nn

from chainrule.data.order import EpochOrder
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.learners.batches import Part, SplitBatches, gather_pictures, gather_rows, in_batches
from chainrule.learners.objectives import balanced_class_weights, cross_entropy, squared_error
from chainrule.learners.schedule import learning_rate_factor
from chainrule.learners.supervised import SupervisedLearner
from chainrule.models.mlp import MultilayerPerceptron

ROWS, HELD_OUT, WIDTH, CLASSES, BATCH = 23, 13, 7, 5, 11
CPU = torch.device("cpu")


def part(rows, seed):
    draw = np.random.default_rng(seed)
    features = draw.standard_normal((rows, WIDTH)).astype(np.float32)
    targets = torch.from_numpy(draw.integers(0, CLASSES, rows))
    return Part(gather=gather_rows(features, CPU), targets=targets)


def learner(*, parts=1, clip_norm=None, rate=0.05, objective=None, judge=None):
    torch.manual_seed(1)
    model = MultilayerPerceptron(input_size=WIDTH, hidden_sizes=(17,), output_size=CLASSES)
    return SupervisedLearner(
        model=model,
        objective=objective or cross_entropy(),
        optimizer=torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1),
        learning_rate=lambda step: rate / (step + 1),
        batches=SplitBatches(
            train=part(ROWS, 1),
            held_out=part(HELD_OUT, 2),
            order=EpochOrder(examples=ROWS, batch_size=BATCH, seed=3),
            evaluation_batch_size=3,
        ),
        judge=judge or (lambda outputs, targets: {"accuracy": float((outputs.argmax(1) == targets).mean())}),
        autocast=contextlib.nullcontext,
        clip_norm=clip_norm,
        parts=parts,
    )


def test_updates_equal_plain_torch():
    ours = learner()
    torch.manual_seed(1)
    model = MultilayerPerceptron(input_size=WIDTH, hidden_sizes=(17,), output_size=CLASSES)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.1)
    order, train = EpochOrder(examples=ROWS, batch_size=BATCH, seed=3), part(ROWS, 1)
    for index in range(7):
        seen = ours.step(index)
        optimizer.param_groups[0]["lr"] = 0.05 / (index + 1)
        positions = order.positions(index)
        loss = nn.functional.cross_entropy(model(*train.gather(positions)), train.targets[positions])
        optimizer.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
        optimizer.step()
        assert float(seen.figures["loss"]) == pytest.approx(float(loss.detach()), abs=1e-6)
        assert float(seen.figures["gradient_norm"]) == pytest.approx(norm, rel=1e-5)
        assert seen.figures["learning_rate"] == 0.05 / (index + 1)
        assert seen.examples == len(positions)
        assert seen.flops == 3 * 2 * (WIDTH * 17 + 17 * CLASSES) * len(positions)
    for one, other in zip(ours.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parts", [2, 3, 11, 50])
def test_a_batch_in_parts_gives_the_same_update(parts):
    whole, cut = learner(clip_norm=0.1), learner(parts=parts, clip_norm=0.1)
    for index in range(5):
        one, other = whole.step(index), cut.step(index)
        assert float(one.figures["loss"]) == pytest.approx(float(other.figures["loss"]), abs=1e-6)
        assert one.examples == other.examples
    for first, second in zip(whole.model.parameters(), cut.model.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


def test_the_gradient_is_clipped_to_its_norm():
    ours = learner(clip_norm=1e-3)
    ours.step(0)
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in ours.model.parameters()))
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_evaluation_sees_every_example_and_changes_nothing():
    seen = {}

    def judge(outputs, targets):
        seen["outputs"], seen["targets"] = outputs, targets
        return {"accuracy": 0.5}

    ours = learner(judge=judge)
    ours.step(0)
    before = {name: value.clone() for name, value in ours.model.state_dict().items()}
    figures = ours.evaluate()
    held_out = part(HELD_OUT, 2)
    with torch.no_grad():
        outputs = ours.model(*held_out.gather(np.arange(HELD_OUT)))
    np.testing.assert_allclose(seen["outputs"], outputs.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(seen["targets"], held_out.targets.numpy())
    assert figures["loss"] == pytest.approx(float(nn.functional.cross_entropy(outputs, held_out.targets)), abs=1e-6)
    assert figures["accuracy"] == 0.5
    assert all(torch.equal(before[name], value) for name, value in ours.model.state_dict().items())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_first_fault_is_kept(bad):
    calls = []

    def objective(outputs, targets):
        calls.append(1)
        return cross_entropy()(outputs, targets) * (bad if len(calls) >= 3 else 1.0)

    ours = learner(objective=objective)
    for index in range(5):
        ours.step(index)
        assert (ours.fault() is None) == (index < 2)
    fault = ours.fault()
    assert fault.step == 2
    assert not math.isfinite(fault.figures["loss"])
    assert fault.figures["learning_rate"] == 0.05 / 3


def test_class_weights_and_smoothing_equal_torch():
    scores, labels = torch.randn(ROWS, CLASSES), torch.arange(ROWS) % CLASSES
    weights = [0.5, 2.0, 1.0, 3.0, 0.25]
    ours = cross_entropy(class_weights=weights)(scores, labels)
    theirs = nn.functional.cross_entropy(scores, labels, weight=torch.tensor(weights), reduction="none")
    torch.testing.assert_close(ours, theirs)
    smooth = cross_entropy(label_smoothing=0.2)(scores, labels)
    spread = 0.8 * nn.functional.one_hot(labels, CLASSES) + 0.2 / CLASSES
    torch.testing.assert_close(smooth, -(spread * scores.log_softmax(1)).sum(1))


def test_balanced_weights_make_every_class_count_the_same():
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 3])
    weights = balanced_class_weights(labels, 4)
    assert weights == [9 / 24, 9 / 8, 0.0, 9 / 4]
    totals = np.bincount(labels, weights=np.array(weights)[labels], minlength=4)
    np.testing.assert_allclose(totals, [9 / 4, 9 / 4, 0, 9 / 4])


def test_squared_error_by_hand():
    assert squared_error(torch.tensor([[1.0], [3.0]]), torch.tensor([4.0, 1.0])).tolist() == [9.0, 4.0]


def test_learning_rate_by_hand():
    linear = [learning_rate_factor(step, steps=10, warmup=0.2, decay="linear") for step in range(10)]
    assert linear == pytest.approx([1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    cosine = [learning_rate_factor(step, steps=4, warmup=0.0, decay="cosine") for step in range(4)]
    assert cosine == pytest.approx([1, 0.5 + 0.5 * math.sqrt(0.5), 0.5, 0.5 - 0.5 * math.sqrt(0.5)])
    constant = [learning_rate_factor(step, steps=3, warmup=0.0, decay="constant") for step in range(3)]
    assert constant == [1, 1, 1]


def test_pictures_are_standardised_by_channel():
    pixels = np.arange(2 * 3 * 5 * 7, dtype=np.uint8).reshape(2, 3, 5, 7)
    preprocessor = PicturePreprocessor(shape=(3, 5, 7), mean=(1.0, 2.0, 3.0), deviation=(2.0, 4.0, 8.0))
    (batch,) = gather_pictures(lambda positions: pixels[positions], preprocessor, CPU)(np.array([1, 0]))
    expected = (pixels[[1, 0]] - np.array([[[1]], [[2]], [[3]]])) / np.array([[[2]], [[4]], [[8]]])
    np.testing.assert_allclose(batch.numpy(), expected, rtol=1e-6)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_every_position_once_by_length():
    lengths = np.array([5, 1, 4, 1, 3])
    assert [batch.tolist() for batch in in_batches(5, 2, lengths)] == [[1, 3], [4, 2], [0]]
    assert [batch.tolist() for batch in in_batches(5, 2)] == [[0, 1], [2, 3], [4]]
