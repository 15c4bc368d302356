"""Judging a classifier."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule import metrics
from chainrule.errors import DataError
from chainrule.evaluation import plots
from chainrule.evaluation.baselines import Baseline, scores
from chainrule.evaluation.judgement import Judgement, Mistake, Plot
from chainrule.evaluation.wording import one_line

MISTAKES = 20
MOST_CLASSES_IN_TABLE = 100  # of the confusion matrix, which grows with their square
MOST_CLASSES_IN_PLOT = 50
MOST_CLASSES_IN_NOTE = 10


def judge_classification(
    *,
    probabilities: Float[np.ndarray, "examples classes"],
    labels: Int[np.ndarray, " examples"],
    classes: Sequence[str],
    baselines: Sequence[Baseline],
    describe: Callable[[int], str],
    seed: int = 0,
) -> Judgement:
    """Judges by accuracy; macro-F1, calibration, each class's figures and the worst mistakes stand beside it.

    Args:
        probabilities: what the model gives each class; rows sum to 1.
        labels: the true classes.
        classes: the classes' names in the order of their indices.
        baselines: what plain methods say of the same examples; of several with one name, one counts.
        describe: from an example's index to a line of text.
        seed: of the bootstrap.

    Raises:
        NotFiniteError: a probability is infinite or not a number.
        DataError: probabilities, labels and classes do not fit each other, or there is no example.
    """
    accuracy = _accuracy(labels, probabilities)
    if probabilities.shape[1] != len(classes):
        raise DataError(
            f"there are probabilities of {probabilities.shape[1]} classes, but names of {len(classes)}; "
            "give one name a class."
        )
    predicted = probabilities.argmax(axis=1)
    by_class = metrics.class_figures(predicted, labels, classes=len(classes))
    confusion = None
    if len(classes) <= MOST_CLASSES_IN_TABLE:
        confusion = metrics.confusion_matrix(predicted, labels, classes=len(classes))
    return Judgement(
        metric="accuracy",
        higher_is_better=True,
        limits=(0, 1),
        value=accuracy.value,
        interval=accuracy.interval(seed=seed),
        examples=len(labels),
        baselines=scores(
            baselines,
            accuracy,
            statistic=partial(_accuracy, labels),
            figures=lambda outputs: classification_figures(outputs, labels),
            seed=seed,
        ),
        figures=classification_figures(probabilities, labels),
        tables=_tables(by_class, confusion, classes),
        mistakes=_worst(probabilities, predicted, labels, classes, describe),
        plots=_plots(metrics.reliability(probabilities, labels), confusion, classes),
        notes=_notes(by_class, accuracy.value, len(labels), classes),
    )


def classification_figures(
    probabilities: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> dict[str, float]:
    """Every figure of a classifier, by name."""
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": metrics.accuracy(predicted, labels).value,
        "macro_f1": metrics.macro_f1(predicted, labels, classes=classes).value,
        "log_loss": metrics.log_loss(probabilities, labels),
        "expected_calibration_error": metrics.expected_calibration_error(probabilities, labels),
        "balanced_accuracy": metrics.balanced_accuracy(predicted, labels, classes=classes).value,
        "brier_score": metrics.brier_score(probabilities, labels),
    }


def _accuracy(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> metrics.Statistic:
    """The accuracy of checked probabilities."""
    metrics.check_probabilities(probabilities, labels)
    return metrics.accuracy(probabilities.argmax(axis=1), labels)


def _tables(
    by_class: metrics.ClassFigures, confusion: NDArray[np.int64] | None, classes: Sequence[str]
) -> dict[str, Any]:
    """The JSON of the figures of each class and of the confusion matrix; what is not defined is null."""

    def defined(values: NDArray[np.float64]) -> list[float | None]:
        return [None if np.isnan(value) else float(value) for value in values]

    columns = {
        "class": classes,
        "precision": defined(by_class.precision),
        "recall": defined(by_class.recall),
        "f1": defined(by_class.f1),
        "support": by_class.support.tolist(),
        "predicted": by_class.predicted.tolist(),
    }
    per_class = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if confusion is None:
        return {"per_class": per_class}
    return {"per_class": per_class, "confusion": {"classes": list(classes), "counts": confusion.tolist()}}


def _worst(
    probabilities: NDArray[np.floating],
    predicted: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    describe: Callable[[int], str],
) -> tuple[Mistake, ...]:
    """The wrong answers the model was surest of."""
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-confidence, kind="stable")[:MISTAKES]]
    return tuple(
        Mistake(
            index=int(index),
            input=describe(int(index)),
            truth=classes[labels[index]],
            predicted=classes[predicted[index]],
            probability=float(probabilities[index, predicted[index]]),
        )
        for index in worst
    )


def _plots(found: metrics.Reliability, confusion: NDArray[np.int64] | None, classes: Sequence[str]) -> tuple[Plot, ...]:
    calibration = Plot("calibration.png", partial(plots.draw_calibration, found))
    if confusion is None or len(classes) > MOST_CLASSES_IN_PLOT:
        return (calibration,)
    return (Plot("confusion.png", partial(plots.draw_confusion, confusion, classes)), calibration)


def _notes(by_class: metrics.ClassFigures, accuracy: float, examples: int, classes: Sequence[str]) -> tuple[str, ...]:
    """What limits the figures."""
    notes = []
    empty = [one_line(classes[index], 40) for index in np.flatnonzero(by_class.support == 0).tolist()]
    if empty:
        named = ", ".join(empty[:MOST_CLASSES_IN_NOTE]) + (", …" if len(empty) > MOST_CLASSES_IN_NOTE else "")
        notes.append(
            f"{len(empty)} of {len(classes)} classes have no example here ({named}): their recall is not known."
        )
    if accuracy in {0, 1}:
        notes.append(
            f"With {'no' if accuracy else 'every'} answer wrong the interval has no width; by the rule of three "
            f"the true accuracy may still be {3 / examples:.2g} away."
            if examples > 3
            else f"{examples} example(s) say next to nothing of the true accuracy; give more."
        )
    return tuple(notes)
