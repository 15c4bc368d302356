"""The examples a finished model is scored on, and the figures while it is still learning."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import metrics
from chainrule.data.dataset import Dataset, Examples
from chainrule.evaluation.judgement import Judgement


def scored_examples(dataset: Dataset, rows: Path | None, open_rows: Callable[[Path], Dataset]) -> Examples:
    """The test split, or every example of another file, in the classes of the run.

    Args:
        dataset: the run's own.
        rows: the other file, or None.
        open_rows: reads it as the run's own data are read.
    """
    if rows is None:
        return dataset.split("test")
    other = open_rows(rows)
    return (other if dataset.classes is None else other.with_classes(dataset.classes)).everything()


def judged_on(examples: Examples, judgement: Judgement) -> Judgement:
    """The judgement, knowing of which data set the examples are."""
    return replace(judgement, data=examples.dataset.summary())


def class_figures(scores: NDArray[np.float32], labels: NDArray[Any]) -> Mapping[str, float]:
    """Accuracy and macro-F1 from scores before softmax, (examples, classes)."""
    predicted = scores.argmax(axis=1)
    return {
        "accuracy": metrics.accuracy(predicted, labels).value,
        "macro_f1": metrics.macro_f1(predicted, labels, classes=scores.shape[1]).value,
    }


def value_figures(outputs: NDArray[np.float32], targets: NDArray[Any]) -> Mapping[str, float]:
    """R² of a network with one output, (examples, 1)."""
    return {"r2": metrics.r2(outputs[:, 0], targets).value}
