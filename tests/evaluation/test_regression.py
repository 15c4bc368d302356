"""Judging predictions of numbers: by hand, with equal targets, and what is refused."""

import numpy as np
import pytest

from chainrule import metrics
from chainrule.errors import DataError, NotFiniteError
from chainrule.evaluation.baselines import Baseline
from chainrule.evaluation.plots import render_png
from chainrule.evaluation.regression import judge_regression

TARGETS = np.array([1.0, 4.0, 4.0, 7.0])
PREDICTIONS = np.array([1.0, 2.0, 5.0, 10.0])
MEAN = Baseline(name="mean", outputs=np.full(4, 4.0))
RIVAL = Baseline(name="ridge regression", outputs=np.array([1.0, 4.0, 4.0, 6.0]))


def judge(**changes):
    parts = {
        "predictions": PREDICTIONS,
        "targets": TARGETS,
        "target": "bikers",
        "baselines": (MEAN, RIVAL),
        "describe": lambda index: f"example {index}",
    }
    return judge_regression(**(parts | changes))


def test_the_judgement_by_hand():
    found = judge()
    assert (found.metric, found.higher_is_better, found.limits, found.examples) == ("r2", True, (-np.inf, 1), 4)
    assert found.value == pytest.approx(1 - 14 / 18)
    assert found.interval == metrics.r2(PREDICTIONS, TARGETS).interval()
    assert found.figures == pytest.approx(
        {"r2": 1 - 14 / 18, "mean_absolute_error": 6 / 4, "root_mean_squared_error": np.sqrt(14 / 4)}
    )
    assert [plot.file_name for plot in found.plots] == ["residuals.png"]
    assert found.notes == ()


def test_the_largest_errors_come_first():
    found = [(m.index, m.input, m.truth, m.predicted, m.probability) for m in judge().mistakes]
    assert found == [
        (3, "example 3", 7, 10, None),
        (1, "example 1", 4, 2, None),
        (2, "example 2", 4, 5, None),
        (0, "example 0", 1, 1, None),
    ]


def test_the_baselines_are_scored_on_the_same_examples():
    mean, rival = judge().baselines
    assert (mean.value, rival.value) == (0, pytest.approx(1 - 1 / 18))
    assert judge().baseline == rival
    own = metrics.r2(PREDICTIONS, TARGETS)
    assert rival.difference == (own - metrics.r2(RIVAL.outputs, TARGETS)).interval()
    assert rival.figures["mean_absolute_error"] == 1 / 4


@pytest.mark.parametrize(("targets", "value"), [(np.full(3, 2.0), 0), (np.array([2.0]), 0)])
def test_equal_targets_are_noted(targets, value):
    found = judge(predictions=targets + 1, targets=targets, baselines=(Baseline(name="mean", outputs=targets + 1),))
    assert (found.value, found.interval) == (value, (value, value))
    assert found.notes == ("All targets are equal, so R² is not defined; 0 stands for it, or 1 without any error.",)
    assert all(render_png(plot.draw)[:4] == b"\x89PNG" for plot in found.plots)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        (
            {"predictions": np.array([1, np.nan, np.inf, 2])},
            NotFiniteError,
            (
                "the predictions of 2 of 4 examples are not finite, the first of them example 1; train again with a "
                "lower learning rate."
            ),
        ),
        (
            {"targets": np.array([1, 2, 3, np.nan])},
            DataError,
            "the target of example 3 is not finite; leave its row out.",
        ),
        (
            {"predictions": np.ones((4, 1))},
            DataError,
            (
                "predictions of shape (4, 1) do not fit targets of shape (4,); give one number an example each, and at "
                "least one example."
            ),
        ),
        (
            {"predictions": np.array([]), "targets": np.array([])},
            DataError,
            (
                "predictions of shape (0,) do not fit targets of shape (0,); give one number an example each, and at "
                "least one example."
            ),
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(changes, error, text):
    with pytest.raises(error) as caught:
        judge(**changes)
    assert str(caught.value) == text
