"""The learner on our own autograd does what torch's does, update by update."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from chainrule.autograd import SGD, Adam, AdamW, Tensor
from chainrule.data.order import EpochOrder
from chainrule.learners import array_objectives, objectives
from chainrule.learners.array_batches import ArrayBatches, ArrayPart
from chainrule.learners.backpropagation import BackpropagationLearner
from chainrule.learners.batches import Part, SplitBatches, gather_rows
from chainrule.learners.film import Film, frame_steps
from chainrule.models.mlp import MultilayerPerceptron
from chainrule.models.perceptron import forward_flops, perceptron
from chainrule.recipes.backprop import optimizer_of
from chainrule.recipes.backprop_settings import Perceptron
from chainrule.recipes.judging import class_figures, value_figures
from chainrule.recipes.supervised import Fitting, learner_of

ROWS, WIDTH, CLASSES = 53, 7, 3
FITTING = Fitting(batch_size=11, epochs=3, learning_rate=0.03, weight_decay=0.3, clip_norm=0.7, decay="cosine")
WEIGHTS = [0.5, 2.0, 1.25]


def rows(seed):
    draw = np.random.default_rng(seed)
    return draw.standard_normal((ROWS, WIDTH)).astype(np.float32), draw.integers(0, CLASSES, ROWS)


def learners(*, regression=False, fitting=FITTING, watcher=None):
    """One on our autograd and torch's, with the same weights and the same data."""
    (x, y), (seen, wanted) = rows(1), rows(2)
    if regression:
        y, wanted = x[:, 0] * x[:, 1], seen[:, 0] * seen[:, 1]
    outputs, judge = (1, value_figures) if regression else (CLASSES, class_figures)
    common = {"order": EpochOrder(examples=ROWS, batch_size=11, seed=5), "evaluation_batch_size": 19}
    loss = {} if regression else {"class_weights": WEIGHTS, "label_smoothing": 0.2}
    kind = "squared_error" if regression else "cross_entropy"
    ours, theirs = (getattr(module, kind) for module in (array_objectives, objectives))
    network = perceptron(
        input_size=WIDTH, hidden_sizes=(13,), output_size=outputs, activation="gelu", generator=np.random.default_rng(0)
    )
    own = BackpropagationLearner(
        model=network,
        objective=ours if regression else ours(**loss),
        optimizer=optimizer_of(network, Perceptron(), fitting),
        learning_rate=fitting.rates(60),
        batches=ArrayBatches(
            train=ArrayPart(rows=x, targets=y), held_out=ArrayPart(rows=seen, targets=wanted), **common
        ),
        judge=judge,
        forward_flops=forward_flops,
        clip_norm=fitting.clip_norm,
        parts=fitting.accumulate,
        watcher=watcher,
    )
    twin = MultilayerPerceptron(input_size=WIDTH, hidden_sizes=(13,), output_size=outputs)
    names = {"0": "hidden.0", "2": "output"}
    weights = {f"{names[name[0]]}{name[1:]}": torch.tensor(values) for name, values in network.state_dict().items()}
    twin.load_state_dict(weights)
    host = torch.device("cpu")
    batches = SplitBatches(
        train=Part(gather=gather_rows(x, host), targets=torch.from_numpy(y)),
        held_out=Part(gather=gather_rows(seen, host), targets=torch.from_numpy(wanted)),
        **common,
    )
    torch_s = learner_of(
        fitting,
        steps=60,
        model=twin,
        objective=theirs if regression else theirs(**loss),
        batches=batches,
        judge=judge,
        autocast=lambda: torch.autocast("cpu", enabled=False),
    )
    return own, torch_s


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_it_learns_as_torch_s_learner_does(regression, parts):
    fitting = Fitting(**{**vars(FITTING), "accumulate": parts})
    ours, theirs = learners(regression=regression, fitting=fitting)
    for index in range(60):
        own, other = ours.step(index), theirs.step(index)
        assert own.figures["loss"] == pytest.approx(float(other.figures["loss"]), rel=1e-4, abs=1e-6)
        assert own.figures["gradient_norm"] == pytest.approx(float(other.figures["gradient_norm"]), rel=1e-3, abs=1e-6)
        assert own.figures["learning_rate"] == other.figures["learning_rate"]
        assert (own.examples, own.flops) == (other.examples, other.flops)
    evaluated = theirs.evaluate()
    assert ours.evaluate() == pytest.approx(evaluated, rel=1e-4)
    assert evaluated["loss"] > 0
    for own, other in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        np.testing.assert_allclose(own.data, other.detach().numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("adam", Adam), ("adamw", AdamW)])
def test_weight_decay_is_for_matrices_alone(name, kind):
    network = perceptron(input_size=2, hidden_sizes=(3,), output_size=5, generator=np.random.default_rng(0))
    optimizer = optimizer_of(network, Perceptron(optimizer=name, momentum=0.6), FITTING)
    assert type(optimizer) is kind
    matrices, vectors = optimizer.param_groups
    assert [(weight.ndim, group["weight_decay"]) for group in (matrices, vectors) for weight in group["params"]] == [
        (2, 0.3),
        (2, 0.3),
        (1, 0.0),
        (1, 0.0),
    ]
    assert {group["lr"] for group in optimizer.param_groups} == {0.03}
    assert matrices.get("momentum", 0.6) == 0.6


def test_an_update_that_is_not_finite_is_noted_once():
    ours, _ = learners()
    ours.step(0)
    assert ours.fault() is None
    ours.batches.train.rows[:] = np.inf
    ours.step(1)
    ours.step(2)
    fault = ours.fault()
    assert fault.step == 1
    assert math.isnan(fault.figures["loss"])
    assert fault.figures["learning_rate"] == FITTING.rates(60)(1)


def test_weights_that_are_not_finite_are_noted():
    ours, _ = learners()
    ours.step(4)
    next(ours.model.parameters()).data[0, 0] = np.inf
    assert (ours.fault().step, ours.fault().figures) == (4, {"weights' norm": math.inf})


def film(steps=()):
    return Film(points=np.zeros((2, WIDTH), np.float32), steps=steps, probabilities=lambda x: x.astype(np.float64))


def test_a_film_keeps_what_the_network_said_then():
    watcher = film(steps=(0, 2, 3))
    ours, _ = learners(watcher=watcher)
    said = []
    for index in range(4):
        said.append(ours.model(Tensor(watcher.points)).data.astype(np.float16))
        ours.step(index)
    said.append(ours.model(Tensor(watcher.points)).data.astype(np.float16))
    assert [frame.updates for frame in watcher.frames] == [0, 2, 3]
    for frame in watcher.frames:
        assert np.array_equal(frame.probabilities, said[frame.updates])


def test_a_film_goes_on_from_its_state_in_the_order_of_the_updates():
    watcher, later = film(), film()
    frames = {str(updates): np.full((2, 3), updates, np.float16) for updates in (100, 0, 20)}
    watcher.load_state_dict(frames)
    assert [frame.updates for frame in watcher.frames] == [0, 20, 100]
    later.load_state_dict(watcher.state_dict())
    assert [frame.updates for frame in later.frames] == [0, 20, 100]


@pytest.mark.parametrize("steps", [1, 2, 13, 1000, 4600])
def test_frames_begin_before_the_first_update_and_end_with_the_last(steps):
    found = frame_steps(steps)
    assert found[0] == 0
    assert found[-1] == steps
    assert found == sorted(set(found))
    assert len(found) <= 25
    if steps == 4600:
        ratios = np.array(found[2:]) / found[1:-1]
        assert ratios.max() < 1.35


def test_batches_hold_every_row_once_an_epoch():
    ours, _ = learners()
    seen = [row for step in range(5) for batch in ours.batches.training(step, 2) for row in batch.inputs.tolist()]
    assert sorted(seen) == sorted(ours.batches.train.rows.tolist())
    sizes = [[len(batch) for batch in ours.batches.training(step, 2)] for step in range(5)]
    assert sizes == [[6, 5]] * 4 + [[5, 4]]
    assert [len(batch) for batch in ours.batches.validation()] == [19, 19, 15]


def test_nothing_of_torch_is_touched():
    ours, _ = learners()
    before = torch.get_rng_state()
    ours.step(0)
    ours.evaluate()
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(isinstance(value, nn.Module | torch.Tensor) for value in vars(ours).values())
