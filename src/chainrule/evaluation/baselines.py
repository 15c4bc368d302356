"""The plainest predictions there are, which every model must beat."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Examples
from chainrule.evaluation.judgement import Score
from chainrule.metrics import Statistic


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a plain method, which saw the training and validation splits alone, says of the test split."""

    name: str
    """For people, with all that limits it: "logistic regression on 20,000 of 45,000 pictures"."""
    outputs: NDArray[np.floating]
    """Probabilities (examples, classes), or predicted values (examples,)."""
    notes: tuple[str, ...] = ()


def class_count(examples: Examples) -> int:
    """How many classes the examples' data set has."""
    return len(examples.dataset.classes or ())


def majority(train: Examples, test: Examples) -> Baseline:
    """Says of every example that it is of the commonest class, each class as probable as it is frequent."""
    counts = np.bincount(train.labels(), minlength=class_count(train))
    return Baseline(name="majority class", outputs=np.broadcast_to(counts / counts.sum(), (len(test), len(counts))))


def mean(train: Examples, test: Examples) -> Baseline:
    """Predicts the mean of the training targets for every example."""
    return Baseline(name="mean", outputs=np.full(len(test), train.targets().mean()))


def scores(
    baselines: Sequence[Baseline],
    model: Statistic,
    *,
    statistic: Callable[[NDArray[np.floating]], Statistic],
    figures: Callable[[NDArray[np.floating]], Mapping[str, float]],
    seed: int,
) -> tuple[Score, ...]:
    """The baselines' figures, and how far the model is from each on the same examples.

    Args:
        baselines: of several with one name, one counts.
        model: its value of the metric.
        statistic: from a baseline's outputs to its value of the same metric.
        figures: from a baseline's outputs to further figures.
        seed: of the bootstrap.
    """
    found = []
    for baseline in {baseline.name: baseline for baseline in baselines}.values():
        own = statistic(baseline.outputs)
        score = Score(
            name=baseline.name,
            value=own.value,
            interval=own.interval(seed=seed),
            difference=(model - own).interval(seed=seed),
            figures=figures(baseline.outputs),
            notes=baseline.notes,
        )
        found.append(score)
    return tuple(found)
