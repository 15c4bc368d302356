"""What a judgement is, refuses and says of its baseline, whatever the metric."""

import math

import pytest

from chainrule.errors import NotFiniteError, OptionError
from chainrule.evaluation.judgement import Score, against_baseline
from tests.evaluation.sets import judgement


def test_the_strongest_baseline_is_the_one_to_beat():
    scores = (Score(name="noise", value=310.0), Score(name="another split", value=12.5))
    assert judgement(baselines=scores).baseline.name == "noise"
    assert judgement(baselines=scores, metric="frechet_distance", higher_is_better=False).baseline.name == (
        "another split"
    )


@pytest.mark.parametrize(
    ("value", "higher_is_better", "difference", "sentence"),
    [
        (0.9, True, None, "it beats the baseline, one, at 0.800, by 0.100"),
        (0.7, True, None, "it loses to the baseline, one, at 0.800, by 0.100"),
        (0.7, False, None, "it beats the baseline, one, at 0.800, by 0.100"),
        (0.8, True, None, ("it cannot be told apart from the baseline, one, at 0.800: the difference is 0.000 [0.000, "
         "0.000]")),
        (0.9, True, (0.05, 0.15), "it beats the baseline, one, at 0.800, by 0.100 [0.050, 0.150]"),
        (0.7, True, (-0.15, -0.05), "it loses to the baseline, one, at 0.800, by 0.100 [0.050, 0.150]"),
        (0.9, False, (0.05, 0.15), "it loses to the baseline, one, at 0.800, by 0.100 [0.050, 0.150]"),
        (0.7, False, (-0.15, -0.05), "it beats the baseline, one, at 0.800, by 0.100 [0.050, 0.150]"),
        (0.81, True, (-0.01, 0.03), ("it cannot be told apart from the baseline, one, at 0.800: the difference is "
         "0.010 [-0.010, 0.030]")),
    ],
)  # fmt: skip
def test_the_baseline_sentence(value, higher_is_better, difference, sentence):
    score = Score(name="one", value=0.8, difference=difference)
    judged = judgement(value=value, higher_is_better=higher_is_better, baselines=(score,))
    assert against_baseline(judged) == sentence


def test_a_judgement_without_a_baseline_is_refused():
    with pytest.raises(OptionError) as caught:
        judgement(baselines=())
    assert str(caught.value) == ("the accuracy was judged without a baseline; give at least one to compare with.")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"value": math.nan}, "accuracy is nan"),
        ({"interval": (0, math.inf)}, "interval is inf"),
        ({"figures": {"log_loss": math.inf}}, "log loss is inf"),
    ],
)
def test_figures_that_are_not_finite_are_refused(changes, name):
    with pytest.raises(NotFiniteError) as caught:
        judgement(**changes)
    assert str(caught.value) == (
        f"the model's {name}, so there is nothing to report; train it again with a lower learning rate."
    )
