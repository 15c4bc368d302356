"""The order of the data is a function of (seed, epoch) and shows every example once an epoch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.order import EpochOrder


def epoch(order, number):
    steps = order.steps_per_epoch
    return [order.positions(number * steps + place) for place in range(steps)]


@given(
    examples=st.integers(1, 300),
    batch_size=st.integers(1, 17),
    seed=st.integers(0, 10**9),
    by_length=st.booleans(),
)
def test_every_example_once_an_epoch(examples, batch_size, seed, by_length):
    lengths = np.arange(examples) % 7 if by_length else None
    order = EpochOrder(examples=examples, batch_size=batch_size, seed=seed, lengths=lengths)
    for number in range(2):
        batches = epoch(order, number)
        assert sorted(np.concatenate(batches)) == list(range(examples))
        assert sum(len(batch) < batch_size for batch in batches) <= 1


@given(step=st.integers(0, 200), seed=st.integers(0, 10**9))
def test_a_step_does_not_depend_on_the_steps_before(step, seed):
    one, other = (EpochOrder(examples=53, batch_size=5, seed=seed) for _ in range(2))
    for before in range(step):
        one.positions(before)
    np.testing.assert_array_equal(one.positions(step), other.positions(step))


def test_epochs_and_seeds_differ():
    order = EpochOrder(examples=1009, batch_size=1009, seed=1)
    assert not np.array_equal(order.positions(0), order.positions(1))
    assert not np.array_equal(order.positions(0), EpochOrder(examples=1009, batch_size=1009, seed=2).positions(0))


def test_texts_of_like_length_stand_together_but_batches_come_in_no_order():
    lengths = np.random.default_rng(1).integers(1, 200, 5003)
    order = EpochOrder(examples=5003, batch_size=32, seed=1, lengths=lengths)
    batches = [lengths[positions] for positions in epoch(order, 0)]
    padding = sum(batch.max() * len(batch) for batch in batches) / lengths.sum() - 1
    assert padding < 0.05
    assert abs(np.corrcoef(range(len(batches)), [batch.mean() for batch in batches])[0, 1]) < 0.3
