"""Figures from predictions: by hand, beside scikit-learn's and SciPy's, and what they refuse."""

import math

import numpy as np
import pytest
import sklearn.metrics
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError, jaxtyped

from chainrule import metrics
from chainrule.errors import DataError, NotFiniteError

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 0, 0])
PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.9, 0.1, 0.0], [0.4, 0.3, 0.3]]
)


def many(examples=211, classes=7, seed=0):
    """Labels, predictions and probabilities of a middling classifier."""
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=examples)
    scores = random.normal(size=(examples, classes)) + 2 * np.eye(classes)[labels]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return labels, probabilities.argmax(axis=1), probabilities


def numbers(examples=211, seed=0):
    """Targets and middling predictions."""
    random = np.random.default_rng(seed)
    targets = random.gamma(2.0, 50.0, size=examples)
    return targets + random.normal(scale=20.0, size=examples), targets


def test_class_figures_by_hand():
    found = metrics.class_figures(PREDICTED, LABELS, classes=4)
    nan = math.nan
    assert found.support.tolist() == [3, 2, 1, 0]
    assert found.predicted.tolist() == [4, 2, 0, 0]
    np.testing.assert_allclose(found.precision, [2 / 4, 1 / 2, nan, nan])
    np.testing.assert_allclose(found.recall, [2 / 3, 1 / 2, 0, nan])
    np.testing.assert_allclose(found.f1, [4 / 7, 1 / 2, 0, nan])


def test_figures_over_classes_by_hand():
    assert metrics.accuracy(PREDICTED, LABELS).value == 3 / 6
    assert metrics.balanced_accuracy(PREDICTED, LABELS, classes=4).value == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert metrics.macro_f1(PREDICTED, LABELS, classes=4).value == pytest.approx((4 / 7 + 1 / 2 + 0) / 3)


def test_confusion_matrix_by_hand():
    found = metrics.confusion_matrix(PREDICTED, LABELS, classes=4)
    assert found.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_log_loss_and_brier_score_by_hand():
    given_to_truth = [0.7, 0.5, 0.1, 0.6, 0.1, 0.3]
    assert metrics.log_loss(PROBABILITIES, LABELS) == pytest.approx(-np.log(given_to_truth).mean())
    rows = [0.09 + 0.04 + 0.01, 0.25 + 0.09 + 0.04, 0.81 + 0.64 + 0.01]
    rows += [0.04 + 0.16 + 0.04, 0.81 + 0.81 + 0.0, 0.16 + 0.09 + 0.49]
    assert metrics.brier_score(PROBABILITIES, LABELS) == pytest.approx(sum(rows) / 6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_true_class_of_probability_0_costs_what_the_types_precision_does(dtype):
    probabilities = np.array([[1, 0]], dtype=dtype)
    assert metrics.log_loss(probabilities, np.array([1])) == pytest.approx(-math.log(np.finfo(dtype).eps))
    assert metrics.log_loss(probabilities, np.array([0])) == 0


def test_reliability_and_calibration_error_by_hand():
    probabilities = np.array([[0.5, 0.5], [0.6, 0.4], [0.3, 0.7], [1.0, 0.0], [0.9, 0.1]])
    labels = np.array([0, 1, 1, 0, 1])
    found = metrics.reliability(probabilities, labels, bins=4)
    nan = math.nan
    # Bins end at 0.25, 0.5, 0.75 and 1, and hold their upper end.
    assert found.examples.tolist() == [0, 1, 2, 2]
    np.testing.assert_allclose(found.confidence, [nan, 0.5, 0.65, 0.95])
    np.testing.assert_allclose(found.accuracy, [nan, 1.0, 0.5, 0.5])
    expected = 1 / 5 * 0.5 + 2 / 5 * 0.15 + 2 / 5 * 0.45
    assert metrics.expected_calibration_error(probabilities, labels, bins=4) == pytest.approx(expected)


def test_reliability_keeps_every_example():
    edges = np.arange(17) / 16
    probabilities = np.stack([edges, 1 - edges], axis=1)
    found = metrics.reliability(probabilities, np.zeros(17, np.int64), bins=16)
    # One of confidence 8/16, two of each from 9/16 to 1: each the upper end of its bin.
    assert found.examples.tolist() == [0] * 7 + [1] + [2] * 8
    found = metrics.reliability(probabilities, np.zeros(17, np.int64))
    assert (len(found.examples), found.examples.sum()) == (15, 17)


def test_figures_of_classes_equal_scikit_learns():
    labels, predicted, probabilities = many()
    rows = sklearn.metrics.precision_recall_fscore_support(labels, predicted)
    found = metrics.class_figures(predicted, labels, classes=7)
    for own, reference in zip((found.precision, found.recall, found.f1, found.support), rows, strict=True):
        np.testing.assert_allclose(own, reference, rtol=1e-12)
    own = metrics.confusion_matrix(predicted, labels, classes=7)
    np.testing.assert_array_equal(own, sklearn.metrics.confusion_matrix(labels, predicted))
    pairs = {
        metrics.accuracy(predicted, labels).value: sklearn.metrics.accuracy_score(labels, predicted),
        metrics.balanced_accuracy(predicted, labels, classes=7).value: sklearn.metrics.balanced_accuracy_score(
            labels, predicted
        ),
        metrics.macro_f1(predicted, labels, classes=7).value: sklearn.metrics.f1_score(
            labels, predicted, average="macro"
        ),
        metrics.log_loss(probabilities, labels): sklearn.metrics.log_loss(labels, probabilities),
    }
    np.testing.assert_allclose(list(pairs), list(pairs.values()), rtol=1e-12)


def test_brier_score_of_two_classes_is_twice_scikit_learns():
    labels, _, probabilities = many(classes=2)
    half = sklearn.metrics.brier_score_loss(labels, probabilities[:, 1])
    assert metrics.brier_score(probabilities, labels) == pytest.approx(2 * half, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_figures_of_numbers_equal_scikit_learns(dtype):
    predictions, targets = (values.astype(dtype) for values in numbers())
    wide = predictions.astype(np.float64), targets.astype(np.float64)
    own = [figure(predictions, targets).value for figure in (metrics.r2, metrics.mae, metrics.rmse)]
    reference = [
        sklearn.metrics.r2_score(wide[1], wide[0]),
        sklearn.metrics.mean_absolute_error(wide[1], wide[0]),
        sklearn.metrics.root_mean_squared_error(wide[1], wide[0]),
    ]
    np.testing.assert_allclose(own, reference, rtol=1e-12)


def test_figures_of_numbers_by_hand():
    predictions, targets = np.array([1.0, 2.0, 6.0]), np.array([1.0, 4.0, 4.0])
    assert metrics.r2(predictions, targets).value == pytest.approx(1 - 8 / 6)
    assert metrics.mae(predictions, targets).value == pytest.approx(4 / 3)
    assert metrics.rmse(predictions, targets).value == pytest.approx(math.sqrt(8 / 3))


def test_r2_far_from_zero_keeps_its_precision():
    predictions, targets = numbers()
    near = metrics.r2(predictions, targets).value
    assert metrics.r2(predictions + 1e9, targets + 1e9).value == pytest.approx(near, abs=1e-6)


def test_r2_of_equal_targets_is_0_or_1_as_in_scikit_learn():
    targets = np.full(3, 0.5)
    assert metrics.r2(targets, targets).value == sklearn.metrics.r2_score(targets, targets) == 1
    assert metrics.r2(targets + 1, targets).value == sklearn.metrics.r2_score(targets, targets + 1) == 0
    # The mean of three times 0.1 is not quite 0.1: the rounding is no variance.
    assert metrics.r2(np.full(3, 0.2), np.full(3, 0.1)).interval() == (0, 0)


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@given(PAIRS)
def test_figures_of_any_predictions_equal_scikit_learns(pairs):
    labels, predicted = np.array(pairs).T
    own = metrics.macro_f1(predicted, labels, classes=5).value
    assert own == pytest.approx(sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0))
    found = metrics.class_figures(predicted, labels, classes=5)
    reference = sklearn.metrics.recall_score(labels, predicted, average=None, labels=range(5), zero_division=np.nan)
    np.testing.assert_allclose(found.recall, reference)


@given(PAIRS, st.permutations(range(5)))
def test_the_names_of_the_classes_do_not_matter(pairs, names):
    labels, predicted = np.array(pairs).T
    renamed = np.array(names)
    for figure in (metrics.macro_f1, metrics.balanced_accuracy):
        first, second = figure(predicted, labels, classes=5), figure(renamed[predicted], renamed[labels], classes=5)
        assert first.value == pytest.approx(second.value)


def test_one_example():
    labels, predicted = np.array([1]), np.array([1])
    assert metrics.accuracy(predicted, labels).interval() == (1, 1)
    assert metrics.macro_f1(predicted, labels, classes=3).interval() == (1, 1)
    assert metrics.r2(np.array([2.0]), np.array([3.0])).interval() == (0, 0)
    assert metrics.rmse(np.array([2.0]), np.array([3.0])).interval() == (1, 1)


def test_one_class():
    labels = np.zeros(5, np.int64)
    found = metrics.class_figures(labels, labels, classes=1)
    assert (found.precision.tolist(), found.recall.tolist(), found.f1.tolist()) == ([1], [1], [1])
    assert metrics.expected_calibration_error(np.ones((5, 1)), labels) == 0
    assert metrics.log_loss(np.ones((5, 1)), labels) == 0


def test_no_example_is_refused():
    with pytest.raises(DataError) as caught:
        metrics.accuracy(np.array([], np.int64), np.array([], np.int64))
    assert str(caught.value) == "there is no example to compute a figure from; give at least one."


def with_nan():
    probabilities = PROBABILITIES.copy()
    probabilities[4, 1] = np.nan
    probabilities[5, 0] = np.inf
    return probabilities


@pytest.mark.parametrize(
    ("probabilities", "labels", "error", "text"),
    [
        (
            with_nan(),
            LABELS,
            NotFiniteError,
            (
                "the predicted probabilities of 2 of 6 examples are not finite, the first of them example 4; "
                "train again with a lower learning rate."
            ),
        ),
        (
            PROBABILITIES[:5],
            LABELS,
            DataError,
            (
                "probabilities of shape (5, 3) do not fit labels of shape (6,); give one row an "
                "example and one column a class, and at least one example."
            ),
        ),
        (
            np.zeros((0, 3)),
            np.array([], np.int64),
            DataError,
            (
                "probabilities of shape (0, 3) do not fit labels of shape (0,); give one row an "
                "example and one column a class, and at least one example."
            ),
        ),
        (
            PROBABILITIES,
            LABELS + 1,
            DataError,
            "the labels reach from 1 to 3, but there are 3 classes; give class indices from 0 to 2.",
        ),
        (
            PROBABILITIES * np.array([[1], [1], [2], [1], [1], [1]]),
            LABELS,
            DataError,
            (
                "1 of 6 rows are no probabilities, the first of them that of example 2; give values "
                "from 0 that sum to 1, such as a softmax."
            ),
        ),
        (
            PROBABILITIES + np.array([[0, 0.5, -0.5]]),
            LABELS,
            DataError,
            (
                "6 of 6 rows are no probabilities, the first of them that of example 0; give values "
                "from 0 that sum to 1, such as a softmax."
            ),
        ),
    ],
)
def test_what_no_figure_can_be_computed_from_is_refused(probabilities, labels, error, text):
    with pytest.raises(error) as caught:
        metrics.check_probabilities(probabilities, labels)
    assert str(caught.value) == text


def test_good_probabilities_pass():
    metrics.check_probabilities(PROBABILITIES, LABELS)
    # A softmax in bf16 sums to 1 only nearly.
    metrics.check_probabilities((PROBABILITIES * 1.008).astype(np.float32), LABELS)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (metrics.accuracy, (PREDICTED, LABELS[:5])),
        (metrics.accuracy, (PROBABILITIES, LABELS)),
        (metrics.r2, (np.ones((6, 1)), np.ones(6))),
        (metrics.mae, (np.ones(6), np.ones(5))),
        (metrics.log_loss, (PROBABILITIES[:5], LABELS)),
        (metrics.brier_score, (PROBABILITIES.T, LABELS)),
    ],
)
def test_shapes_are_stated(function, arguments):
    with pytest.raises(TypeCheckError):
        jaxtyped(typechecker=beartype)(function)(*arguments)


def test_shapes_are_kept():
    checked = {
        name: jaxtyped(typechecker=beartype)(getattr(metrics, name))
        for name in ("accuracy", "r2", "mae", "rmse", "log_loss", "brier_score", "confusion_matrix", "reliability")
    }
    checked["accuracy"](PREDICTED, LABELS)
    for name in ("r2", "mae", "rmse"):
        checked[name](np.ones(3, np.float32), np.ones(3))
    for name in ("log_loss", "brier_score", "reliability"):
        checked[name](PROBABILITIES, LABELS)
    assert checked["confusion_matrix"](PREDICTED, LABELS, classes=5).shape == (5, 5)
