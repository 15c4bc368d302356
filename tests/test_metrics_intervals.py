"""Bootstrap intervals: of each figure, of differences, beside exact ones, and what they cost."""

import time
import tracemalloc

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from chainrule import metrics
from chainrule.errors import DataError
from chainrule.runtime.draws import generator
from tests.test_metrics import many, numbers

STATISTICS = {
    "accuracy": lambda order: metrics.accuracy(many()[1][order], many()[0][order]),
    "balanced accuracy": lambda order: metrics.balanced_accuracy(many()[1][order], many()[0][order], classes=7),
    "macro-F1": lambda order: metrics.macro_f1(many()[1][order], many()[0][order], classes=7),
    "mean": lambda order: metrics.mean(numbers()[0][order]),
    "R²": lambda order: metrics.r2(numbers()[0][order], numbers()[1][order]),
    "MAE": lambda order: metrics.mae(numbers()[0][order], numbers()[1][order]),
    "RMSE": lambda order: metrics.rmse(numbers()[0][order], numbers()[1][order]),
}
IN_ORDER = np.arange(211)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_resample_is_the_figure_of_the_examples_it_names(name):
    drawn = generator(5, "bootstrap", 211).integers(211, size=(3, 211))
    found = STATISTICS[name](IN_ORDER).bootstrap(seed=5, resamples=3)
    np.testing.assert_allclose(found, [STATISTICS[name](positions).value for positions in drawn], rtol=1e-12)


@pytest.mark.parametrize("name", STATISTICS)
def test_the_order_of_the_examples_does_not_matter(name):
    shuffled = np.random.default_rng(1).permutation(211)
    assert STATISTICS[name](shuffled).value == pytest.approx(STATISTICS[name](IN_ORDER).value, rel=1e-12)


@pytest.mark.parametrize("name", STATISTICS)
def test_intervals_hold_the_value_and_depend_on_the_seed_alone(name):
    statistic = STATISTICS[name](IN_ORDER)
    low, high = statistic.interval(seed=1)
    assert low < statistic.value < high
    assert statistic.interval(seed=1) == (low, high)
    assert statistic.interval(seed=2) != (low, high)


@pytest.mark.parametrize("name", STATISTICS)
def test_the_memory_at_hand_does_not_change_the_draws(name, monkeypatch):
    whole = STATISTICS[name](IN_ORDER).bootstrap(resamples=41)
    monkeypatch.setattr(metrics, "POSITIONS_AT_ONCE", 7 * 211)
    np.testing.assert_array_equal(STATISTICS[name](IN_ORDER).bootstrap(resamples=41), whole)


def test_the_interval_of_an_accuracy_is_the_binomial_distributions():
    right = np.arange(400) < 300
    low, high = metrics.accuracy(right.astype(np.int64), np.ones(400, np.int64)).interval()
    exact = scipy.stats.binom.ppf([0.025, 0.975], 400, 0.75) / 400
    np.testing.assert_allclose([low, high], exact, atol=0.005)


def test_the_interval_of_r2_is_scipys():
    predictions, targets = numbers()
    reference = scipy.stats.bootstrap(
        (predictions, targets),
        lambda p, t: sklearn.metrics.r2_score(t, p),
        paired=True,
        vectorized=False,
        n_resamples=1000,
        method="percentile",
        rng=0,
    ).confidence_interval
    np.testing.assert_allclose(metrics.r2(predictions, targets).interval(), reference, atol=0.01)


def test_the_difference_is_paired():
    labels, predicted, _ = many()
    better = np.where(np.arange(211) % 5 == 0, labels, predicted)
    first, second = metrics.accuracy(better, labels), metrics.accuracy(predicted, labels)
    difference = first - second
    assert difference.value == pytest.approx(first.value - second.value)
    np.testing.assert_allclose(difference.bootstrap(seed=3), first.bootstrap(seed=3) - second.bootstrap(seed=3))
    # Where one is right the other mostly is: apart, the two would be far less sure.
    low, high = difference.interval()
    assert 0 < low < high < (first.interval()[1] - first.interval()[0])
    assert (first - first).interval() == (0, 0)


def test_figures_of_other_examples_cannot_be_paired():
    first, second = metrics.mean(np.ones(3)), metrics.mean(np.ones(5))
    with pytest.raises(DataError) as caught:
        first - second
    assert str(caught.value) == ("figures of 3 and of 5 examples cannot be paired; compute both on the same examples.")


@pytest.mark.parametrize("name", ["accuracy", "R²"])
def test_intervals_over_10_000_examples_take_little_time_and_memory(name):
    random = np.random.default_rng(0)
    labels, targets = random.integers(2, size=10_007), random.normal(size=10_007)
    accuracy, r2 = metrics.accuracy(1 - labels, labels), metrics.r2(targets + 1, targets)
    statistic = {"accuracy": accuracy, "R²": r2}[name]
    begun = time.process_time()
    statistic.interval()
    assert time.process_time() - begun < 1
    tracemalloc.start()
    statistic.bootstrap(resamples=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 2**32))
def test_the_interval_of_an_accuracy_holds_it(right, seed):
    statistic = metrics.accuracy(np.array(right, np.int64), np.ones(len(right), np.int64))
    low, high = statistic.interval(seed=seed, resamples=200)
    assert 0 <= low <= statistic.value <= high <= 1
