"""Figures from predictions, and how sure they are.

How sure: the examples are drawn anew with replacement, many times, and the figure is computed each time
(Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979). A figure is therefore
written once, as a `Statistic`: `accuracy(predicted, labels).value` is the number, `.interval()` its reach.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.errors import DataError, NotFiniteError
from chainrule.runtime.draws import generator

Interval = tuple[float, float]

CONFIDENCE = 0.95
RESAMPLES = 1000  # these give the limits to about a tenth of the interval's width
CALIBRATION_BINS = 15
POSITIONS_AT_ONCE = 2**20  # 8 MiB of positions: enough to be fast, little enough for any machine
SUM_TOLERANCE = 0.02  # a softmax in bf16 sums to 1 within less than this


@dataclass(frozen=True)
class Statistic:
    """A figure of some examples, which can be computed for any draw of them."""

    examples: int
    of: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    """From positions of examples, (resamples, examples), to one figure a row, (resamples,)."""

    def __post_init__(self) -> None:
        """Refuses the figure of nothing."""
        if self.examples < 1:
            raise DataError("there is no example to compute a figure from; give at least one.")

    @property
    def value(self) -> float:
        """The figure of all examples, each counted once."""
        return float(self.of(np.arange(self.examples, dtype=np.int64)[None])[0])

    def bootstrap(self, *, seed: int = 0, resamples: int = RESAMPLES) -> Float[np.ndarray, " resamples"]:
        """The figure of each of many resamples.

        Equal seeds draw equal positions from equally many examples, so that two figures of them are paired.
        """
        random = generator(seed, "bootstrap", self.examples)
        rows = max(1, POSITIONS_AT_ONCE // self.examples)
        counts = [min(rows, resamples - start) for start in range(0, resamples, rows)]
        draws = [self.of(random.integers(self.examples, size=(count, self.examples))) for count in counts]
        return np.concatenate(draws)

    def interval(self, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
        """The percentile interval that holds the figure of 95 % of the resamples."""
        draws = self.bootstrap(seed=seed, resamples=resamples)
        low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    def __sub__(self, other: "Statistic") -> "Statistic":
        """The difference on the same examples; its interval is that of a paired bootstrap."""
        if self.examples != other.examples:
            raise DataError(
                f"figures of {self.examples} and of {other.examples} examples cannot be paired; "
                "compute both on the same examples."
            )
        return Statistic(self.examples, lambda positions: self.of(positions) - other.of(positions))


def mean(values: Float[np.ndarray, " examples"]) -> Statistic:
    """The mean of one value an example."""
    wide = values.astype(np.float64)
    return Statistic(len(wide), lambda positions: wide[positions].mean(axis=1))


def accuracy(predicted: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"]) -> Statistic:
    """The share of examples whose predicted class is the true one."""
    right = predicted == labels
    return Statistic(len(right), lambda positions: right[positions].mean(axis=1))


def balanced_accuracy(
    predicted: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"], *, classes: int
) -> Statistic:
    """The mean recall of the classes that have examples."""
    return Statistic(
        len(labels),
        lambda positions: _mean_over_classes(_figures(predicted, labels, positions, classes).recall),
    )


def macro_f1(
    predicted: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"], *, classes: int
) -> Statistic:
    """The mean F1 of the classes that have examples or were predicted: rare classes count as much."""
    return Statistic(
        len(labels),
        lambda positions: _mean_over_classes(_figures(predicted, labels, positions, classes).f1),
    )


def r2(predictions: Float[np.ndarray, " examples"], targets: Float[np.ndarray, " examples"]) -> Statistic:
    """The share of the targets' variance that the predictions explain: 1 - Σ(y - ŷ)² / Σ(y - ȳ)².

    Where all targets are equal there is no variance to explain: then 1 stands for predictions without error
    and 0 for all others, as in scikit-learn.
    """
    true = targets.astype(np.float64)
    errors = (true - predictions) ** 2

    def of(positions: NDArray[np.int64]) -> NDArray[np.float64]:
        drawn = true[positions]
        flat = drawn.min(axis=1) == drawn.max(axis=1)
        drawn -= drawn.mean(axis=1, keepdims=True)
        residual, total = errors[positions].sum(axis=1), np.square(drawn).sum(axis=1)
        return np.asarray(np.where(flat, residual == 0, 1 - residual / np.where(flat, 1, total)))

    return Statistic(len(true), of)


def mae(predictions: Float[np.ndarray, " examples"], targets: Float[np.ndarray, " examples"]) -> Statistic:
    """The mean absolute error, in the target's unit."""
    return mean(np.abs(targets.astype(np.float64) - predictions))


def rmse(predictions: Float[np.ndarray, " examples"], targets: Float[np.ndarray, " examples"]) -> Statistic:
    """The square root of the mean squared error, in the target's unit."""
    squared = mean((targets.astype(np.float64) - predictions) ** 2)
    return Statistic(squared.examples, lambda positions: np.sqrt(squared.of(positions)))


@dataclass(frozen=True)
class ClassFigures:
    """One number a class in each array, (…, classes); a figure that is not defined is NaN."""

    support: NDArray[np.int64]
    """Examples of the class."""
    predicted: NDArray[np.int64]
    """Examples said to be of the class."""
    precision: NDArray[np.float64]
    """The share of the predicted that are right; not defined where the class was never predicted."""
    recall: NDArray[np.float64]
    """The share of the examples that were found; not defined where the class has none."""
    f1: NDArray[np.float64]
    """The harmonic mean of the two, 2·right / (support + predicted); not defined where both are 0."""


def class_figures(
    predicted: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"], *, classes: int
) -> ClassFigures:
    """Precision, recall, F1 and support of each class.

    Args:
        predicted: class indices, each in [0, classes).
        labels: the true ones.
        classes: how many there are, also those without an example.
    """
    every = _figures(predicted, labels, np.arange(len(labels), dtype=np.int64)[None], classes)
    return ClassFigures(every.support[0], every.predicted[0], every.precision[0], every.recall[0], every.f1[0])


def _figures(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], positions: NDArray[np.int64], classes: int
) -> ClassFigures:
    """The figures of the classes in each resample, (resamples, classes)."""
    rows = len(positions)
    start = classes * np.arange(rows)[:, None]  # each resample counts in cells of its own
    named, true = predicted[positions] + start, labels[positions] + start

    def count(cells: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(cells.ravel(), minlength=rows * classes).reshape(rows, classes)

    right, support, guessed = count(true[named == true]), count(true), count(named)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: not defined
        return ClassFigures(support, guessed, right / guessed, right / support, 2 * right / (support + guessed))


def _mean_over_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of what is defined in each row."""
    return np.asarray(np.nanmean(values, axis=1))


def confusion_matrix(
    predicted: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"], *, classes: int
) -> Int[np.ndarray, "classes classes"]:
    """How many examples of each true class (row) were said to be of each class (column)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def check_probabilities(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
    """Refuses what no figure can be computed from.

    Args:
        probabilities: (examples, classes), rows that sum to 1.
        labels: (examples,), class indices.

    Raises:
        NotFiniteError: a probability is infinite or not a number.
        DataError: the shapes do not fit, there is no example, a label is none of the classes, or the rows are
            no distributions.
    """
    if probabilities.ndim != 2 or probabilities.shape[:1] != labels.shape or not probabilities.size:
        raise DataError(
            f"probabilities of shape {probabilities.shape} do not fit labels of shape {labels.shape}; "
            "give one row an example and one column a class, and at least one example."
        )
    finite = np.isfinite(probabilities).all(axis=1)
    if not finite.all():
        raise NotFiniteError(
            f"the predicted probabilities of {np.sum(~finite)} of {len(labels)} examples are not finite, "
            f"the first of them example {np.argmin(finite)}; train again with a lower learning rate."
        )
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"the labels reach from {labels.min()} to {labels.max()}, but there are {classes} classes; "
            f"give class indices from 0 to {classes - 1}."
        )
    sums = probabilities.sum(axis=1, dtype=np.float64)
    off = (np.abs(sums - 1) > SUM_TOLERANCE) | (probabilities < 0).any(axis=1)
    if off.any():
        raise DataError(
            f"{np.sum(off)} of {len(labels)} rows are no probabilities, the first of them that of example "
            f"{np.argmax(off)}; give values from 0 that sum to 1, such as a softmax."
        )


def log_loss(probabilities: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]) -> float:
    """The mean of -ln p(true class), in nats.

    A p below the precision of its type counts as that, so that 0 does not make the loss infinite.
    """
    smallest = np.finfo(probabilities.dtype).eps
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(given, smallest, 1)).mean())


def brier_score(probabilities: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]) -> float:
    """The mean over examples of Σ (p(class) - [class is true])², from 0, perfect, to 2 (Brier 1950).

    For two classes it is twice the form that looks at the positive class alone.
    """
    wide = probabilities.astype(np.float64)
    given = wide[np.arange(len(labels)), labels]
    return float((np.square(wide).sum(axis=1) + 1 - 2 * given).mean())


@dataclass(frozen=True)
class Reliability:
    """How often a model is right where it is so sure; one number a bin, (bins,), NaN where a bin is empty."""

    examples: NDArray[np.int64]
    confidence: NDArray[np.float64]
    """The mean probability of the predicted class."""
    accuracy: NDArray[np.float64]


def reliability(
    probabilities: Float[np.ndarray, "examples classes"],
    labels: Int[np.ndarray, " examples"],
    *,
    bins: int = CALIBRATION_BINS,
) -> Reliability:
    """Sorts the examples into bins of equal width by the probability of their predicted class.

    Bin k of n holds the probabilities in (k/n, (k+1)/n]; the first holds 0 too.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: an empty bin
        return Reliability(
            counts,
            np.bincount(bin_of, weights=confidence, minlength=bins) / counts,
            np.bincount(bin_of, weights=right, minlength=bins) / counts,
        )


def expected_calibration_error(
    probabilities: Float[np.ndarray, "examples classes"],
    labels: Int[np.ndarray, " examples"],
    *,
    bins: int = CALIBRATION_BINS,
) -> float:
    """The mean over examples of |accuracy - confidence| of the example's bin, the bins being `reliability`'s.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    found = reliability(probabilities, labels, bins=bins)
    gaps = np.abs(found.accuracy - found.confidence)
    return float(np.nansum(gaps * found.examples) / len(labels))
