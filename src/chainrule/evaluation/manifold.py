"""How near made examples are to real ones: figures of two clouds of points in one space of features."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.metrics import Interval

Points = Float[np.ndarray, "examples features"]

NEIGHBOURS = 3  # as in the paper on precision and recall
GROUPS = 20  # of the jackknife
FEWEST = 4  # points of a cloud whose distance can have an interval
COVERED = 0.1  # share of its due that a class must have to count as covered
ROWS = 1024  # of a matrix of distances, at a time


def frechet_distance(real: Points, made: Points) -> float:
    """The squared Fréchet distance of two normal distributions with the clouds' means and covariances.

        d² = ‖μ − ν‖² + tr(Σ + T − 2 (Σ T)^½)

    Heusel et al., arXiv 1706.08500; there in Inception's features, and here in those that are given.

    Args:
        real: features of real examples, at least two.
        made: features of made ones, at least two.

    Returns:
        A number from 0, in the features' unit squared.
    """
    first, second = _moments(real), _moments(made)
    return _distance(first, second)


Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def _moments(points: Points) -> Moments:
    wide = points.astype(np.float64)
    return wide.mean(axis=0), np.atleast_2d(np.cov(wide, rowvar=False))


def _distance(first: Moments, second: Moments) -> float:
    (mean, covariance), (other_mean, other_covariance) = first, second
    # tr (Σ T)^½ is the sum of the singular values of Σ^½ T^½, which stays real however singular the two are.
    nuclear = np.linalg.svd(_root(covariance) @ _root(other_covariance), compute_uv=False).sum()
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * nuclear
    return float(max(0.0, np.square(mean - other_mean).sum() + spread))


def _root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    root: NDArray[np.float64] = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    return root


@dataclass(frozen=True)
class Jackknifed:
    """A Fréchet distance, and the same with one group of examples after the other left out."""

    value: float
    without: NDArray[np.float64]
    """(groups,)"""

    @property
    def interval(self) -> Interval:
        """95 % by the grouped jackknife: value ± t · √((g − 1) / g · Σ (dᵢ − d̄)²)."""
        return jackknife_interval(self.value, self.without)


def jackknifed_distance(real: Points, made: Points, *, groups: int = GROUPS) -> Jackknifed:
    """The Fréchet distance with what its interval takes.

    A bootstrap would not do: examples drawn twice make a cloud look narrower than it is, and so every resample lies
    further away than the clouds themselves. Groups are left out of both clouds at once; example i is in group
    i mod g, so that distances of several clouds from the same real examples are paired.

    Args:
        real: features of real examples, in an order that has nothing to do with their kind.
        made: features of made ones, likewise.
        groups: g; fewer where there are too few examples.

    Raises:
        DataError: there are fewer than 4 of either.
    """
    if (fewest := min(len(real), len(made))) < FEWEST:
        raise DataError(f"{fewest} pictures cannot be compared by their distribution; give at least {FEWEST}.")
    groups = max(2, min(groups, len(real) // 2, len(made) // 2))
    without = [
        _distance(*(_moments(points[np.arange(len(points)) % groups != group]) for points in (real, made)))
        for group in range(groups)
    ]
    return Jackknifed(frechet_distance(real, made), np.array(without))


def jackknife_interval(value: float, without: NDArray[np.float64]) -> Interval:
    """The interval of a figure from its values with one group after the other left out."""
    from scipy.stats import t

    groups = len(without)
    reach = float(t.ppf(0.975, groups - 1)) * float(
        np.sqrt((groups - 1) / groups * np.square(without - without.mean()).sum())
    )
    return value - reach, value + reach


def precision_and_recall(real: Points, made: Points, *, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """How much of what is made looks real, and how much of what is real is made.

    A cloud's manifold is the union of balls around its points, each as wide as to the point's k-th nearest neighbour
    in the cloud. Precision is the share of made points within the real manifold, recall the share of real points
    within the made one. Kynkäänniemi et al., arXiv 1904.06991.

    Args:
        real: features of real examples, more than `neighbours`.
        made: features of made ones, likewise.
        neighbours: k.
    """
    return _share_within(made, real, neighbours), _share_within(real, made, neighbours)


def _share_within(points: Points, cloud: Points, neighbours: int) -> float:
    """The share of points that lie within the manifold of a cloud."""
    k = min(neighbours, len(cloud) - 1)
    # A point is its own nearest, at distance 0, so the k-th neighbour is the (k+1)-th of the sorted row.
    radii = np.concatenate([np.partition(rows, k, axis=1)[:, k] for rows in _distances(cloud, cloud)])
    return float(np.concatenate([(rows <= radii).any(axis=1) for rows in _distances(points, cloud)]).mean())


def _distances(points: Points, others: Points) -> Iterator[NDArray[np.float64]]:
    """Squared distances of each point from each other one, some rows at a time."""
    wide = others.astype(np.float64)
    squares = np.square(wide).sum(axis=1)
    for start in range(0, len(points), ROWS):
        part = points[start : start + ROWS].astype(np.float64)
        found = np.square(part).sum(axis=1)[:, None] + squares - 2 * part @ wide.T
        yield np.maximum(found, 0)


def nearest(points: Points, others: Points) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The place of the nearest other point of each point, and its distance."""
    rows = list(_distances(points, others))
    return (
        np.concatenate([row.argmin(axis=1) for row in rows]),
        np.sqrt(np.concatenate([row.min(axis=1) for row in rows])),
    )


@dataclass(frozen=True)
class Coverage:
    """Which classes are made, and how often beside how often they ought to be."""

    shares: NDArray[np.float64]
    """Of each class among what is made, (classes,)."""
    covered: int
    """Classes made at least a tenth as often as they ought to be."""
    divergence: float
    """Kullback and Leibler's: Σ p ln(p / q) of the shares p beside those that ought to be, q; in nats, from 0."""


def class_coverage(found: Int[np.ndarray, " examples"], wanted: Float[np.ndarray, " classes"]) -> Coverage:
    """Compares the classes of what is made with those of what it was learned from.

    Args:
        found: the class of each made example, as a classifier sees it.
        wanted: the share of each class in the training data; where it is 0, the class does not count.
    """
    shares = np.bincount(found, minlength=len(wanted)) / len(found)
    due = wanted > 0
    both = due & (shares > 0)
    divergence = float((shares[both] * np.log(shares[both] / wanted[both])).sum())
    return Coverage(shares, int((shares[due] >= COVERED * wanted[due]).sum()), max(0.0, divergence))
