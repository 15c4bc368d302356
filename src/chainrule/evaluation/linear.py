"""Linear models as baselines: on characters, on pixels, on the columns of a table.

Each learns from the training split alone; how strongly it is held back, C or alpha, is chosen on validation. Of large
splits as much is used as memory allows, spread evenly.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.data.dataset import CONTENT, Examples
from chainrule.evaluation.baselines import Baseline, class_count, majority

Features = Callable[[Examples], NDArray[np.floating]]
"""From examples to (examples, features), numbers of like size without a missing one."""

MOST_ROWS = 200_000
MOST_CHARACTERS = 2**25  # about 1 GiB of 1–3-grams
MOST_PIXELS = 2**26  # 256 MiB in fp32
MOST_PICTURES_TO_CHOOSE = 10_000
MOST_VALUES = 2**24  # of a table, 64 MiB in fp32
SHARE_TO_CHOOSE = 4  # of those limits a fourth, for the validation split
PART = 10_000
PART_VALUES = 2**20
TEXTS_PART = 500
ITERATIONS = 1000
TOLERANCE = 1e-4  # of the gradient's largest part; scikit-learn's own
PICTURE_TOLERANCE = 1e-3  # on pixels as good on validation, in a third of the iterations
TEXT_STRENGTHS = (1.0, 3.0, 10.0, 30.0)
PICTURE_STRENGTHS = (0.01, 0.1, 1.0)
TABLE_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
RIDGE_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)


def tfidf_logistic_regression(train: Examples, validation: Examples, test: Examples) -> Baseline:
    """Logistic regression on TF-IDF of the texts' 1–3-grams of characters that stand in two texts or more."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    used = _few_texts(train)
    answers = used.labels()
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    try:
        features = vectorizer.fit_transform(used.texts())
    except ValueError:  # what scikit-learn says of texts that have no character in common
        return majority(train, test)
    if len(set(answers)) < 2:
        return majority(train, test)
    checked = _few_texts(validation, SHARE_TO_CHOOSE)
    seen, wanted = vectorizer.transform(checked.texts()), checked.labels()
    model = max(
        (_Fitted(features, answers, strength) for strength in TEXT_STRENGTHS),
        key=lambda fitted: fitted.score(seen, wanted),
    )
    name = _named("TF-IDF with logistic regression", used, train, "texts")
    return model.baseline(name, test, lambda part: vectorizer.transform(part.texts()), part=TEXTS_PART)


def _few_texts(examples: Examples, share: int = 1) -> Examples:
    """As many texts as fit into memory, or that number's `share`-th part, spread evenly over all."""
    few, most = examples.limited_to(max(1, MOST_ROWS // share)), MOST_CHARACTERS // share
    found = sum(pc.sum(pc.utf8_length(part.take(CONTENT["text"]))).as_py() for part in _parts(few, TEXTS_PART))
    return few.limited_to(max(1, len(few) * most // max(found, most)))


def logistic_regression_pixels(train: Examples, validation: Examples, test: Examples) -> Baseline:
    """Logistic regression on pixels from 0 to 1; C is chosen with at most 10,000 of the pictures."""
    pixels_each = int(np.prod(train.dataset.picture_shape or ()))
    used = train.limited_to(min(MOST_ROWS, max(1, MOST_PIXELS // pixels_each)))
    answers = used.labels()
    if len(set(answers)) < 2:
        return majority(train, test)
    few, checked = used.limited_to(MOST_PICTURES_TO_CHOOSE), validation.limited_to(MOST_PICTURES_TO_CHOOSE)
    pixels, labels, seen, wanted = _pixels(few), few.labels(), _pixels(checked), checked.labels()
    strength = max(
        PICTURE_STRENGTHS,
        key=lambda strength: _Fitted(pixels, labels, strength, PICTURE_TOLERANCE).score(seen, wanted),
    )
    model = _Fitted(_pixels(used), answers, strength, PICTURE_TOLERANCE)
    return model.baseline(_named("logistic regression on pixels", used, train, "pictures"), test, _pixels, part=PART)


def logistic_regression(train: Examples, validation: Examples, test: Examples, *, features: Features) -> Baseline:
    """Logistic regression on the columns of a table.

    Args:
        train: to learn from.
        validation: to choose C on.
        test: to predict.
        features: the matrix that the model to be judged sees too.
    """
    width = _width(train, features)
    used, checked = _few_rows(train, width), _few_rows(validation, width, SHARE_TO_CHOOSE)
    answers = used.labels()
    if len(set(answers)) < 2:
        return majority(train, test)
    matrix, seen = _matrix(used, features, width, np.float32), _matrix(checked, features, width, np.float32)
    wanted = checked.labels()
    model = max(
        (_Fitted(matrix, answers, strength) for strength in TABLE_STRENGTHS),
        key=lambda fitted: fitted.score(seen, wanted),
    )
    name = _named("logistic regression", used, train, "rows")
    return model.baseline(name, test, features, part=_part_rows(width))


def ridge(train: Examples, validation: Examples, test: Examples, *, features: Features) -> Baseline:
    """Linear regression with a penalty on the squared weights.

    Args:
        train: to learn from.
        validation: to choose the penalty on.
        test: to predict.
        features: the matrix that the model to be judged sees too.
    """
    from sklearn.linear_model import Ridge

    width = _width(train, features)
    used, checked = _few_rows(train, 2 * width), _few_rows(validation, 2 * width, SHARE_TO_CHOOSE)  # fp64 is twice fp32
    matrix, seen = _matrix(used, features, width, np.float64), _matrix(checked, features, width, np.float64)
    answers, wanted = used.targets(), checked.targets()
    centre, mean_answer = matrix.mean(axis=0), answers.mean()
    matrix -= centre  # in place; with an intercept scikit-learn would copy the matrix for each penalty
    seen -= centre
    fits = (
        Ridge(alpha=penalty, solver="cholesky", fit_intercept=False, copy_X=False).fit(matrix, answers - mean_answer)
        for penalty in RIDGE_PENALTIES
    )
    model = min(fits, key=lambda fitted: float(np.square(fitted.predict(seen) + mean_answer - wanted).mean()))
    outputs = [
        model.predict(features(part).astype(np.float64) - centre) + mean_answer
        for part in _parts(test, _part_rows(width))
    ]
    return Baseline(name=_named("ridge regression", used, train, "rows"), outputs=np.concatenate(outputs))


class _Fitted:
    """A logistic regression, fitted without a word on the terminal."""

    def __init__(self, features: Any, labels: NDArray[np.int64], strength: float, tolerance: float = TOLERANCE) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        self._model = LogisticRegression(C=strength, max_iter=ITERATIONS, tol=tolerance)
        # On two threads OpenBLAS takes far longer than on one for the gradient's tall, thin product.
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1, user_api="blas"):
            warnings.simplefilter("always", ConvergenceWarning)
            self._model.fit(features, labels)
        self._converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)

    def score(self, features: Any, labels: NDArray[np.int64]) -> float:
        """The accuracy."""
        return float(self._model.score(features, labels))

    def baseline(self, name: str, test: Examples, features: Callable[[Examples], Any], *, part: int) -> Baseline:
        """What the model says of the test split, `part` examples at a time, 0 for classes it has not seen."""
        outputs = np.zeros((len(test), class_count(test)))
        done = 0
        for few in _parts(test, part):
            rows = slice(done, done + len(few))
            outputs[rows, self._model.classes_] = self._model.predict_proba(features(few))
            done += len(few)
        notes = () if self._converged else (f"The baseline's fitting, {name}, stopped before it converged.",)
        return Baseline(name=name, outputs=outputs, notes=notes)


def _named(name: str, used: Examples, train: Examples, unit: str) -> str:
    """The name, which says so where not all examples were used."""
    return name if len(used) == len(train) else f"{name} (fitted to {len(used):,} of {len(train):,} {unit})"


def _parts(examples: Examples, count: int) -> Iterator[Examples]:
    """The examples in order, few enough at a time for their features to fit into memory."""
    for positions in examples.in_parts(count):
        yield Examples(examples.dataset, examples.row_numbers[positions])


def _width(table: Examples, features: Features) -> int:
    width: int = features(Examples(table.dataset, table.row_numbers[:1])).shape[1]
    return width


def _few_rows(table: Examples, width: int, share: int = 1) -> Examples:
    """As many rows as fit into memory, or that number's `share`-th part, spread evenly over all."""
    return table.limited_to(max(1, min(MOST_ROWS, MOST_VALUES // width) // share))


def _matrix(table: Examples, features: Features, width: int, kind: type[np.floating]) -> NDArray[np.floating]:
    """The features of all rows, (rows, width), made a few rows at a time."""
    matrix = np.empty((len(table), width), kind)
    done = 0
    for part in _parts(table, _part_rows(width)):
        matrix[done : done + len(part)] = features(part)
        done += len(part)
    return matrix


def _part_rows(width: int) -> int:
    return max(1, min(PART, PART_VALUES // width))


def _pixels(pictures: Examples) -> NDArray[np.float32]:
    """(examples, pixels), from 0 to 1."""
    return pictures.pictures().reshape(len(pictures), -1).astype(np.float32) / np.float32(255)
