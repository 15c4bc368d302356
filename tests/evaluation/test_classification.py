"""Judging a classifier: by hand, with classes that have no example, and what is refused."""

import numpy as np
import pytest

from chainrule import metrics
from chainrule.errors import DataError, NotFiniteError
from chainrule.evaluation.baselines import Baseline
from chainrule.evaluation.classification import judge_classification
from chainrule.evaluation.plots import render_png

LABELS = np.array([0, 0, 0, 1, 1])
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4], [0.9, 0.1, 0.0], [0.3, 0.6, 0.1]])
CLASSES = ("good", "bad", "odd")
MAJORITY = Baseline(name="majority class", outputs=np.broadcast_to([0.6, 0.4, 0], (5, 3)))
RIVAL = Baseline(name="rival", outputs=np.eye(3)[[0, 0, 0, 1, 0]], notes=("It was in a hurry.",))


def judge(**changes):
    parts = {
        "probabilities": PROBABILITIES,
        "labels": LABELS,
        "classes": CLASSES,
        "baselines": (MAJORITY, RIVAL),
        "describe": lambda index: f"example {index}",
    }
    return judge_classification(**(parts | changes))


def test_the_judgement_by_hand():
    found = judge()
    assert (found.metric, found.higher_is_better, found.limits, found.examples) == ("accuracy", True, (0, 1), 5)
    assert found.value == 3 / 5
    predicted = np.array([0, 1, 0, 0, 1])
    assert found.interval == metrics.accuracy(predicted, LABELS).interval()
    assert found.figures == pytest.approx(
        {
            "accuracy": 3 / 5,
            "macro_f1": (2 / 3 + 1 / 2) / 2,
            "log_loss": -np.log([0.7, 0.1, 0.5, 0.1, 0.6]).mean(),
            "expected_calibration_error": (0.3 + 0.8 + 0.5 + 0.9 + 0.4) / 5,
            "balanced_accuracy": (2 / 3 + 1 / 2) / 2,
            "brier_score": (0.14 + 1.46 + 0.42 + 1.62 + 0.26) / 5,
        }
    )


def test_the_tables_by_hand():
    found = judge().tables
    keys = ("class", "precision", "recall", "f1", "support", "predicted")
    assert found["per_class"] == [
        dict(zip(keys, ("good", 2 / 3, 2 / 3, 2 / 3, 3, 3), strict=True)),
        dict(zip(keys, ("bad", 1 / 2, 1 / 2, 1 / 2, 2, 2), strict=True)),
        dict(zip(keys, ("odd", None, None, None, 0, 0), strict=True)),
    ]
    assert found["confusion"] == {"classes": ["good", "bad", "odd"], "counts": [[2, 1, 0], [1, 1, 0], [0, 0, 0]]}


def test_the_surest_mistakes_come_first():
    found = [(m.index, m.input, m.truth, m.predicted, m.probability) for m in judge().mistakes]
    assert found == [(3, "example 3", "bad", "good", 0.9), (1, "example 1", "good", "bad", 0.8)]


def test_twenty_mistakes_are_listed_and_no_more_described():
    described = []
    found = judge(
        probabilities=np.tile(PROBABILITIES, (23, 1)),
        labels=np.tile(LABELS, 23),
        baselines=(Baseline(name="one", outputs=np.full((115, 3), 1 / 3)),),
        describe=lambda index: described.append(index) or "it",
    )
    assert [mistake.index for mistake in found.mistakes] == [5 * i + 3 for i in range(20)] == described


def test_the_baselines_are_scored_on_the_same_examples():
    scores = judge().baselines
    assert [score.name for score in scores] == ["majority class", "rival"]
    assert [score.value for score in scores] == [3 / 5, 4 / 5]
    assert judge().baseline is not None
    assert judge().baseline.name == "rival"
    assert scores[1].figures["macro_f1"] == pytest.approx((6 / 7 + 2 / 3) / 2)
    assert scores[1].notes == ("It was in a hurry.",)
    own = metrics.accuracy(np.array([0, 1, 0, 0, 1]), LABELS)
    rival = metrics.accuracy(np.array([0, 0, 0, 1, 0]), LABELS)
    assert scores[1].interval == rival.interval()
    assert scores[1].difference == (own - rival).interval()


def test_baselines_of_one_name_count_once():
    assert [score.name for score in judge(baselines=(MAJORITY, RIVAL, MAJORITY)).baselines] == [
        "majority class",
        "rival",
    ]


def test_classes_without_an_example_are_named():
    assert judge().notes == ("1 of 3 classes have no example here (odd): their recall is not known.",)
    many = tuple(f"class {index}" for index in range(16))
    found = judge(
        probabilities=np.eye(16)[LABELS],
        classes=many,
        baselines=(Baseline(name="one", outputs=np.eye(16)[LABELS]),),
    )
    shown = ", ".join(many[2:12])
    assert found.notes[0] == f"14 of 16 classes have no example here ({shown}, …): their recall is not known."


@pytest.mark.parametrize(
    ("examples", "note"),
    [
        (
            5,
            (
                "With no answer wrong the interval has no width; by the rule of three the true accuracy "
                "may still be 0.6 away."
            ),
        ),
        (1, "1 example(s) say next to nothing of the true accuracy; give more."),
    ],
)
def test_an_interval_without_width_is_explained(examples, note):
    found = judge(
        probabilities=np.eye(2)[LABELS[:examples]],
        labels=LABELS[:examples],
        classes=("good", "bad"),
        baselines=(Baseline(name="one", outputs=np.full((examples, 2), 0.5)),),
    )
    assert (found.value, found.interval) == (1, (1, 1))
    assert found.notes[-1] == note
    assert found.mistakes == ()


def test_one_class_alone_can_be_judged():
    ones = np.ones((5, 1), np.float32)
    found = judge(
        probabilities=ones,
        labels=np.zeros(5, np.int64),
        classes=("only",),
        baselines=(Baseline(name="majority class", outputs=ones),),
    )
    assert found.value == found.baseline.value == 1
    assert all(render_png(plot.draw)[:4] == b"\x89PNG" for plot in found.plots)


def test_plots_and_tables_end_where_the_classes_are_too_many():
    def files(classes):
        outputs = np.full((5, classes), 1 / classes)
        found = judge(
            probabilities=outputs,
            classes=tuple(map(str, range(classes))),
            baselines=(Baseline(name="one", outputs=outputs),),
        )
        return [plot.file_name for plot in found.plots], sorted(found.tables)

    assert files(50) == (["confusion.png", "calibration.png"], ["confusion", "per_class"])
    assert files(51) == (["calibration.png"], ["confusion", "per_class"])
    assert files(101) == (["calibration.png"], ["per_class"])


def test_the_order_of_the_examples_does_not_matter():
    order = np.array([4, 2, 0, 3, 1])
    baselines = [Baseline(name=b.name, outputs=b.outputs[order]) for b in (MAJORITY, RIVAL)]
    turned = judge(
        probabilities=PROBABILITIES[order],
        labels=LABELS[order],
        baselines=baselines,
        describe=lambda index: f"example {order[index]}",
    )
    assert turned.figures == pytest.approx(judge().figures)
    assert turned.tables == judge().tables
    assert [mistake.input for mistake in turned.mistakes] == [mistake.input for mistake in judge().mistakes]


def test_probabilities_that_are_not_finite_are_refused():
    diverged = PROBABILITIES.copy()
    diverged[2] = np.nan
    with pytest.raises(NotFiniteError) as caught:
        judge(probabilities=diverged)
    assert str(caught.value) == (
        "the predicted probabilities of 1 of 5 examples are not finite, the first of them example 2; "
        "train again with a lower learning rate."
    )


def test_too_few_names_are_refused():
    with pytest.raises(DataError) as caught:
        judge(classes=("good", "bad"))
    assert str(caught.value) == "there are probabilities of 3 classes, but names of 2; give one name a class."
