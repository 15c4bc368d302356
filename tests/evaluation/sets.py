"""Small data sets, and judgements of no model in particular."""

import numpy as np
import pyarrow as pa

from chainrule.data.dataset import Dataset
from chainrule.data.splits import SPLITS
from chainrule.evaluation.judgement import Judgement, Score


def codes(train, validation, test):
    """Split codes of so many rows each, in this order."""
    return np.repeat(np.arange(3, dtype=np.uint8), [train, validation, test])


def dataset(kind, columns, split_codes, **facts):
    """A data set of rows in memory."""
    return Dataset(
        name="small", kind=kind, rows=pa.table(columns), split_codes=np.asarray(split_codes), sha256="0" * 64, **facts
    )


def splits(data):
    """The three splits, training first."""
    return [data.split(name) for name in SPLITS]


def texts(strings, labels, split_codes, classes=("negative", "positive")):
    """A data set of texts."""
    columns = {"text": pa.array(strings, pa.large_string()), "label": pa.array(labels, pa.int32())}
    return dataset("text", columns, split_codes, classes=classes)


def pictures(pixels, labels, split_codes, classes):
    """A data set of pictures, (examples, channels, height, width)."""
    shape = pixels.shape[1:]
    flat = pa.FixedSizeListArray.from_arrays(pa.array(pixels.ravel()), int(np.prod(shape)))
    columns = {"picture": flat, "label": pa.array(labels, pa.int32())}
    return dataset("pictures", columns, split_codes, classes=classes, picture_shape=shape)


def table(features, split_codes, *, labels=None, targets=None, classes=None):
    """A data set of a table, (examples, features), to classify or to predict a number."""
    columns = {f"feature {index}": column for index, column in enumerate(np.asarray(features, float).T)}
    answers = {"target": targets} if labels is None else {"label": pa.array(labels, pa.int32())}
    return dataset("table", columns | answers, split_codes, classes=classes)


def matrix(examples):
    """The features of a table, (examples, features)."""
    return np.stack([column.to_numpy() for column in examples.features().values()], axis=1)


def judgement(**changes):
    """A judgement with every part that may be left out left out."""
    parts = {
        "metric": "accuracy",
        "higher_is_better": True,
        "value": 0.841,
        "interval": (0.827, 0.854),
        "limits": (0, 1),
        "examples": 3464,
        "baselines": (Score(name="majority class", value=0.517), Score(name="linear model", value=0.834)),
    }
    return Judgement(**(parts | changes))
