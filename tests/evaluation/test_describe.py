"""Examples as a line of text."""

import numpy as np
import pyarrow as pa

from chainrule.evaluation.describe import describer
from tests.evaluation.sets import codes, dataset, pictures, texts


def test_a_text_is_shown_itself():
    data = texts(["不", "看\n这", "好" * 300], [0, 1, 1], codes(1, 0, 2))
    describe = describer(data.split("test"))
    assert describe(0) == "看 这"
    assert describe(1) == "好" * 199 + "…"


def test_a_tables_row_is_shown_by_its_columns():
    columns = {
        "hour": pa.array([1.0, 17.0]),
        "warmth": pa.array([0.5, float("nan")]),
        "huge": pa.array([1.0, float("inf")]),
        "weather": pa.array(["clear", None]).dictionary_encode(),
        "target": pa.array([1.0, 2.0]),
    }
    describe = describer(dataset("table", columns, codes(0, 0, 2)).split("test"))
    assert describe(0) == "hour 1, warmth 0.5, huge 1, weather clear"
    assert describe(1) == "hour 17, warmth missing, huge inf, weather missing"


def test_a_picture_is_shown_by_its_row():
    data = pictures(np.zeros((5, 1, 2, 3), np.uint8), [0] * 5, [2, 0, 2, 0, 2], ("a",))
    describe = describer(data.split("test"))
    assert [describe(index) for index in range(3)] == ["row 1", "row 3", "row 5"]


def test_a_sequence_is_shown_by_its_row_and_length():
    kind = pa.large_list(pa.list_(pa.float32(), 2))
    columns = {"sequence": pa.array([[[0, 1]], [[0, 1], [2, 3], [4, 5]]], kind), "label": pa.array([0, 0], pa.int32())}
    describe = describer(dataset("sequences", columns, codes(1, 0, 1), classes=("a",)).split("test"))
    assert describe(0) == "row 2, 3 steps"
