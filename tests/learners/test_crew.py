"""Several processes that do an update together against one that does it alone."""

import contextlib

import numpy as np
import pytest
import torch

from chainrule.data.order import EpochOrder
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.learners.batches import Part, SplitBatches, gather_pictures, in_batches
from chainrule.learners.crew import Replicas
from chainrule.learners.objectives import cross_entropy
from chainrule.learners.supervised import SupervisedLearner
from chainrule.models.cnn import small_network
from chainrule.runtime.draws import reseed_all
from chainrule.runtime.group import joined
from chainrule.runtime.processes import ALONE, Processes, here
from chainrule.training.state_tree import copy_tree
from tests.processes.crew import in_processes
from tests.recipes.building import leaves

# An epoch ends with a batch of 2, which 3 processes cannot share.
ROWS, HELD_OUT, CLASSES, BATCH, STEPS = 23, 17, 5, 7, 9
CPU = torch.device("cpu")


def part(rows, seed):
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 256, (rows, 1, 7, 11), dtype=np.uint8)
    preprocessor = PicturePreprocessor(shape=(1, 7, 11), mean=(128.0,), deviation=(74.0,))
    targets = torch.from_numpy(draw.integers(0, CLASSES, rows))
    return Part(gather=gather_pictures(lambda places: pixels[places], preprocessor, CPU), targets=targets)


def learner(processes=ALONE, *, shard=False, parts=1, dropout=0.0):
    torch.manual_seed(1)
    model = small_network(channels=1, classes=CLASSES, widths=(3, 5), dropout=dropout)
    if shard:
        from chainrule.learners.shards import Shards

        crew = Shards(model, processes, device="cpu")
    else:
        crew = Replicas(model, processes)
    return SupervisedLearner(
        model=model,
        objective=cross_entropy(),
        optimizer=torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.1, fused=True),
        learning_rate=lambda step: 0.05 / (step + 1),
        batches=SplitBatches(
            train=part(ROWS, 1),
            held_out=part(HELD_OUT, 2),
            order=EpochOrder(examples=ROWS, batch_size=BATCH, seed=3),
            evaluation_batch_size=3,
        ),
        judge=lambda outputs, targets: {
            "accuracy": float((outputs.argmax(1) == targets).mean()),
            "first": float(outputs[0, 0]),
        },
        autocast=contextlib.nullcontext,
        clip_norm=0.5,
        parts=parts,
        crew=crew,
    )


def steps(learning, numbers=range(STEPS)):
    """The figures of some updates, as numbers."""
    seen = []
    for number in numbers:
        reseed_all(5, "step", number)
        update = learning.step(number)
        figures = {name: float(value) for name, value in update.figures.items()}
        seen.append({**figures, "examples": update.examples, "flops": float(update.flops)})
    return seen


def state(learning):
    return copy_tree(learning.state_dict())


def arrays(tree):
    """Every leaf by its path, as NumPy's arrays, which go through a pipe whole."""
    if isinstance(tree, dict):
        return {f"{key}/{k}": v for key, item in tree.items() for k, v in arrays(item).items()}
    return {"": np.asarray(tree)}


def learned(shard, parts):
    with joined(here()) as processes:
        learning = learner(processes, shard=shard, parts=parts)
        figures = steps(learning)
        return figures, learning.evaluate(), arrays(state(learning)), learning.fault()


def assert_close(figures, expected):
    for one, other in zip(figures, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5, rel=1e-5)


@pytest.mark.parametrize("shard", [False, True], ids=["replicas", "shards"])
@pytest.mark.parametrize(("count", "parts"), [(2, 1), (3, 1), (3, 2)])
def test_several_learn_what_one_learns(count, parts, shard):
    alone = learner(parts=parts)
    figures, expected = steps(alone), alone.evaluate()
    assert {line["examples"] for line in figures} == {BATCH, 2}
    outcomes = in_processes(count, learned, shard, parts)
    for theirs, evaluation, _, fault in outcomes:
        assert_close(theirs, figures)
        assert evaluation == pytest.approx(expected, abs=1e-5)
        assert fault is None
    whole = arrays(state(alone))
    _, _, together, _ = outcomes[0]
    assert together.keys() == whole.keys()
    for path, value in whole.items():
        np.testing.assert_allclose(together[path], value, rtol=1e-4, atol=1e-5, err_msg=path)
    if not shard:  # every process has all of it, the same bytes
        assert len({str({path: value.tobytes() for path, value in each.items()}) for _, _, each, _ in outcomes}) == 1


def drawn():
    with joined(here()) as processes:
        learning = learner(processes, dropout=0.5)
        weights = []
        for number in range(4):  # the last one is done whole by each
            steps(learning, [number])
            weights.append(learning.model.head[-1].weight.detach().numpy().tobytes())
        return weights, torch.rand(3).tolist()


def test_draws_differ_where_work_is_shared_and_do_not_where_all_do_the_same():
    outcomes = in_processes(3, drawn)
    for number in range(4):
        assert len({weights[number] for weights, _ in outcomes}) == 1
    after_whole = [draws for _, draws in outcomes]
    assert after_whole[0] == after_whole[1] == after_whole[2]
    draws = in_processes(3, shared_draws)
    assert len({tuple(each) for each in draws}) == 3
    reseed_all(5, "step", 0)
    assert draws[0] == torch.rand(3).tolist()


def shared_draws():
    with joined(here()) as processes:
        learning = learner(processes)
        reseed_all(5, "step", 0)
        learning.crew.take(learning.batches, 0, 1)
        return torch.rand(3).tolist()


def moved(kind, tree):
    """Takes a state over into a crew of a kind, goes on with it, and gives the state back."""
    with joined(here()) as processes:
        learning = learner(processes, shard=kind == "shards")
        learning.load_state_dict(copy_tree(tree))  # what comes through a pipe is shared memory
        taken = leaves(state(learning))
        steps(learning, range(4, 6))
        after = state(learning)
        return taken if processes.is_first else None, arrays(after) if processes.is_first else None


@pytest.mark.parametrize("kind", ["replicas", "shards"])
def test_a_state_loads_anywhere_bit_for_bit(kind):
    alone = learner()
    steps(alone, range(4))
    tree = state(alone)
    (taken, after), _ = in_processes(2, moved, kind, tree)
    assert taken == leaves(tree)
    steps(alone, range(4, 6))
    for path, value in arrays(state(alone)).items():
        np.testing.assert_allclose(after[path], value, rtol=1e-4, atol=1e-5, err_msg=path)


def not_finite(shard):
    with joined(here()) as processes:
        learning = learner(processes, shard=shard)
        objective = learning.objective

        def spoiled(outputs, targets):
            # In one process alone, and in one step.
            bad = processes.rank == 1 and learning._last == 1
            return objective(outputs, targets) * (float("nan") if bad else 1.0)

        learning.objective = spoiled
        steps(learning, range(3))
        return learning.fault().step


@pytest.mark.parametrize("shard", [False, True], ids=["replicas", "shards"])
def test_all_see_a_fault_that_one_had(shard):
    assert in_processes(2, not_finite, shard) == [1, 1]


def test_the_shares_are_the_batch():
    batches = learner().batches
    for step in range(4):
        for count in (1, 2, 3, 5, 7):
            crew = [Processes(rank=rank, count=count, local_rank=rank, local_count=count) for rank in range(count)]
            if count > batches.examples(step):
                continue
            for parts in (1, 2, 3, 50):
                shares = [batches.training(step, parts, each) for each in crew]
                assert len({len(share) for share in shares}) == 1
                sizes = [len(batch) for share in shares for batch in share]
                assert min(sizes) > 0
                assert max(sizes) - min(sizes) <= 1
                pieces = [batch.targets for part in zip(*shares, strict=True) for batch in part]
                (whole,) = batches.training(step, 1)
                assert torch.equal(torch.cat(pieces), whole.targets)


def test_validation_is_dealt_out_in_turns():
    batches = learner().batches
    whole = [batch.targets.tolist() for batch in batches.validation()]
    assert len(whole) == 6
    for count in (2, 4, 7):
        hands = [
            list(batches.validation(Processes(rank=rank, count=count, local_rank=rank, local_count=count)))
            for rank in range(count)
        ]
        assert len({len(hand) for hand in hands}) == 1, "a divided model computes everywhere at once"
        dealt = [batch for turn in zip(*hands, strict=True) for batch in turn if not batch.is_spare]
        assert [batch.targets.tolist() for batch in dealt] == whole
    assert [len(places) for places in in_batches(HELD_OUT, 3)] == [3, 3, 3, 3, 3, 2]
