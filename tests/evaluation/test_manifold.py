"""The figures of made pictures, by hand and beside SciPy."""

import math

import numpy as np
import pytest
import scipy.linalg

from chainrule.errors import DataError
from chainrule.evaluation import manifold
from chainrule.evaluation.manifold import (
    class_coverage,
    frechet_distance,
    jackknifed_distance,
    nearest,
    precision_and_recall,
)


def cloud(seed, examples=53, features=7):
    random = np.random.default_rng(seed)
    return (random.normal(size=(examples, features)) @ random.normal(size=(features, features))).astype(np.float32)


def test_in_one_dimension_it_is_the_difference_of_means_and_of_deviations():
    # means 1 and 4, deviations √2 and 2√2 with n - 1: (4 - 1)² + (2√2 - √2)² = 9 + 2
    real, made = np.array([[0.0], [2.0]]), np.array([[2.0], [6.0]])
    assert frechet_distance(real, made) == pytest.approx(11)


def test_it_equals_the_formula_with_scipys_square_root():
    real, made = cloud(1), cloud(2, examples=41)
    covariances = [np.cov(points.astype(np.float64), rowvar=False) for points in (real, made)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    means = np.square(real.mean(axis=0, dtype=np.float64) - made.mean(axis=0, dtype=np.float64)).sum()
    expected = means + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root)
    assert frechet_distance(real, made) == pytest.approx(expected, rel=1e-6)


def test_a_cloud_is_at_no_distance_from_itself_also_where_it_is_flat():
    flat = np.repeat(cloud(3)[:, :1], 7, axis=1)
    for points in (cloud(3), flat):
        assert frechet_distance(points, points) == pytest.approx(0, abs=1e-5)


def test_the_jackknife_by_hand():
    real, made = cloud(1, 8), cloud(2, 8)
    found = jackknifed_distance(real, made, groups=4)
    without = [frechet_distance(*(np.delete(p, [g, g + 4], axis=0) for p in (real, made))) for g in range(4)]
    np.testing.assert_allclose(found.without, without, rtol=1e-9)
    reach = 3.182446 * math.sqrt(3 / 4 * sum((d - np.mean(without)) ** 2 for d in without))
    assert found.interval == pytest.approx((found.value - reach, found.value + reach))


@pytest.mark.parametrize(("real", "made"), [(3, 8), (8, 1)])
def test_too_few_pictures_are_refused_in_one_sentence(real, made):
    with pytest.raises(DataError, match=f"^{min(real, made)} pictures cannot be compared .* give at least 4"):
        jackknifed_distance(cloud(1, real), cloud(2, made))


def test_the_interval_holds_what_other_draws_give():
    held = 0
    for seed in range(40):
        found = jackknifed_distance(cloud_of(seed, 0.0), cloud_of(1000 + seed, 0.6))
        held += found.interval[0] <= 3 * 0.36 + 0.05 <= found.interval[1]  # 3 features, means 0.6 apart, a small bias
    assert held >= 34


def cloud_of(seed, mean):
    return np.random.default_rng(seed).normal(mean, size=(400, 3))


def test_precision_and_recall_by_hand():
    # With one neighbour the balls around the real points reach 1 (0 and 1), 1 and 8 (9).
    real, made = np.array([[0.0], [1.0], [9.0]]), np.array([[1.5], [2.5], [30.0]])
    # 1.5 lies within 1 of 1, 2.5 within 8 of 9, 30 within nothing; made reach 1, 1, 27.5: 0 is within none of the
    # first two but 30 ± 27.5 begins at 2.5, so of the real ones 1 (within 1 of 1.5) and 9 are reached.
    assert precision_and_recall(real, made, neighbours=1) == pytest.approx((2 / 3, 2 / 3))


def test_rows_in_parts_change_nothing(monkeypatch):
    whole = precision_and_recall(cloud(1), cloud(2))
    monkeypatch.setattr(manifold, "ROWS", 7)
    assert precision_and_recall(cloud(1), cloud(2)) == whole


def test_nearest_by_hand():
    places, distances = nearest(np.array([[0.0, 0.0], [5.0, 5.0]]), np.array([[3.0, 4.0], [5.0, 5.0], [9.0, 9.0]]))
    assert places.tolist() == [0, 1]
    assert distances == pytest.approx([5, 0])


def test_coverage_by_hand():
    found = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 3])
    coverage = class_coverage(found, np.array([0.3, 0.3, 0.2, 0.2, 0.0]))
    assert coverage.shares.tolist() == [0.6, 0.3, 0.0, 0.1, 0.0]
    assert coverage.covered == 3
    assert coverage.divergence == pytest.approx(0.6 * math.log(2) + 0.1 * math.log(0.5))


def test_a_class_made_less_than_a_tenth_of_its_due_is_not_covered():
    found = np.array([0] * 97 + [1] * 3)
    assert class_coverage(found, np.array([0.6, 0.4])).covered == 1
