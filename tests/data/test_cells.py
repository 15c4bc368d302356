import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.cells import cell_of, longest, present, shown, to_numbers


def test_missing_values_have_many_forms():
    cells = pa.array([" a ", "", " ", "NA", "n/a", "NaN", "Null", None, "none", "0"])
    assert present(cells).to_pylist() == ["a", None, None, None, None, None, None, None, "none", "0"]


def test_numbers_as_they_are_written():
    cells = pa.array([" 2.5", "+3", "-1e-3", ".5", "5.", "NA", None, "007"])
    numbers, others = to_numbers(cells)
    np.testing.assert_array_equal(numbers, [2.5, 3, -0.001, 0.5, 5, math.nan, math.nan, 7])
    assert not others.any()


def test_what_is_no_number_is_said():
    cells = pa.array(["1", "abc", "1,000", "0x10", "１", "1_0", "-", "", "+2", "inf", "-Infinity", "1e999", "1 2"])
    numbers, others = to_numbers(cells)
    nan = math.nan
    expected = [1, nan, nan, nan, nan, nan, nan, nan, 2, math.inf, -math.inf, math.inf, nan]
    np.testing.assert_array_equal(numbers, expected)
    expected_others = [False, True, True, True, True, True, True, False, False, False, False, False, True]
    np.testing.assert_array_equal(others, expected_others)


@given(st.lists(st.floats(allow_nan=False)))
def test_every_float_comes_back_as_it_was(values):
    numbers, others = to_numbers(pa.array([cell_of(value) for value in values], pa.string()))
    np.testing.assert_array_equal(numbers, np.array(values, np.float64))
    assert not others.any()


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, None), ("a b", "a b"), (True, "true"), (np.False_, "false"), (7, "7"), (np.int8(-3), "-3"),
     (0.25, "0.25"), (np.float32(0.5), "0.5"), (math.nan, "nan")],
)  # fmt: skip
def test_values_as_cells(value, cell):
    assert cell_of(value) == cell


def test_cells_in_messages_are_short():
    assert shown("a'b") == '"a\'b"'
    assert shown("好" * 41) == "'" + "好" * 40 + "…'"


def test_the_longest_cell_is_measured_in_characters():
    assert longest(pa.array(["ab", None, "酒店很"])) == 3
    assert longest(pa.array([None], pa.string())) == 0
