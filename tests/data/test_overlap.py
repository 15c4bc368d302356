import numpy as np
import pyarrow as pa
import pytest

from chainrule.data.dataset import Dataset
from chainrule.data.overlap import count_shared


def examples(kind, columns, **facts):
    rows = pa.table(columns)
    codes = np.zeros(len(rows), np.uint8)
    return Dataset(name="x", kind=kind, rows=rows, split_codes=codes, sha256="", **facts).everything()


def test_texts_are_equal_in_their_letters_and_digits():
    own = examples("text", {"text": ["Good!", "bad", "good", "new"]})
    others = examples("text", {"text": ["ｇｏｏｄ", "BAD?", "other"]})
    assert count_shared(own, others) == 3
    assert count_shared(others, own) == 2


def test_more_texts_than_are_compared_at_once():
    own = examples("text", {"text": [f"a{i}" for i in range(2503)]})
    others = examples("text", {"text": [f"a{i}" for i in range(1401, 5003)]})
    assert count_shared(own, others) == 2503 - 1401


def test_rows_are_compared_by_the_named_columns():
    def table(dictionary, places, numbers, kept):
        colour = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(dictionary))
        return examples("table", {"colour": colour, "size": pa.array(numbers, pa.float64()), "kept": kept})

    own = table(["red", "blue"], [0, 1, None], [1.0, -0.0, None], ["a", "b", "c"])
    others = table(["blue", "red"], [1, 0, None, 0], [1.0, 0.0, None, 5.0], ["x", "x", "x", "x"])
    assert count_shared(own, others, ["colour", "size"]) == 3
    assert count_shared(others, own, ["size"]) == 3
    assert count_shared(others, own, ["colour"]) == 4


@pytest.mark.parametrize("changed", [False, True])
def test_pictures_and_sequences(changed):
    pixels = np.arange(2 * 6, dtype=np.uint8).reshape(2, 6)
    other = pixels.copy()
    other[1, 5] += changed
    of = {
        name: examples(
            "pictures",
            {"picture": pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), 6)},
            picture_shape=(1, 2, 3),
        )
        for name, values in (("own", pixels), ("other", other))
    }
    assert count_shared(of["own"], of["other"]) == 2 - changed
    steps = pa.list_(pa.float32(), 2)
    own, others = (
        examples("sequences", {"sequence": pa.array(values, pa.large_list(steps))})
        for values in ([[[1, 2]], [[3, 4], [5, 6]]], [[[1, 2 + changed]], [[3, 4], [5, 6]], [[3, 4]]])
    )
    assert count_shared(own, others) == 2 - changed
