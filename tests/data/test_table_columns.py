import numpy as np
import pyarrow as pa
import pytest
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule.data.table_columns import (
    Category,
    Number,
    column_from_json,
    column_to_json,
    fit_category,
    fit_number,
    moments,
)
from chainrule.errors import ColumnError

VALUES = np.random.default_rng(1).normal(50, 7, 101)


def test_numbers_are_standardised_as_scikit_learn_does():
    column = fit_number("x", [pa.array(VALUES)])
    expected = StandardScaler().fit_transform(VALUES[:, None])
    assert column.outputs == ("x",)
    made = column.transform(pa.array(VALUES))
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_missing_numbers_are_the_mean_and_said():
    column = fit_number("x", [pa.array([1.0, np.nan, 5.0, None])])
    assert column == Number(name="x", mean=3.0, deviation=2.0, has_indicator=True)
    assert column.outputs == ("x", "x is missing")
    np.testing.assert_array_equal(column.transform(pa.array([None, 5.0, np.nan])), [[0, 1], [1, 0], [0, 1]])


def test_numbers_missing_only_later_are_the_mean():
    column = fit_number("x", [pa.array([1.0, 5.0])])
    np.testing.assert_array_equal(column.transform(pa.array(["NA", " 7 ", "", "-1e0"])), [[0], [2], [0], [-2]])
    np.testing.assert_array_equal(column.transform(pa.array([3, 5], pa.int64())), [[0], [1]])


@pytest.mark.parametrize("cell", ["abc", "inf", "1,5"])
def test_what_is_no_number_is_named(cell):
    column = Number(name="x", mean=0.0, deviation=1.0, has_indicator=False)
    match = f"^row 2, column 'x': '{cell}' was found; a finite number was needed.$"
    with pytest.raises(ColumnError, match=match):
        column.transform(pa.array(["1", cell]))


def test_columns_that_say_nothing():
    assert fit_number("x", [pa.array([0.1] * 7)]) is None
    assert fit_number("x", [pa.array([np.nan, None])]) is None
    assert fit_category("x", [pa.array(["a", "a"]).dictionary_encode()]) is None
    assert fit_category("x", [pa.array([None, None], pa.string()).dictionary_encode()]) is None
    assert fit_number("x", [pa.array([0.1, None])]) == Number(name="x", mean=0.1, deviation=1.0, has_indicator=True)
    assert fit_category("x", [pa.array(["a", None]).dictionary_encode()]) == Category(name="x", categories=("a",))


def test_numbers_too_large_to_be_squared():
    with pytest.raises(ColumnError, match="column 'x' holds numbers too large to be squared; give it in a larger unit"):
        moments("x", lambda: [np.array([1e200, -1e200])])


def test_categories_as_scikit_learn_does():
    seen = pa.array(["red", "blue", None, "red"]).dictionary_encode()
    column = fit_category("colour", [seen])
    assert column.outputs == ("colour = blue", "colour = red")
    later = ["green", "red", "blue"]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit([["red"], ["blue"]])
    expected = encoder.transform([[value] for value in later])
    for cells in (pa.array(later), pa.array(later).dictionary_encode(), pa.array([" green", "red ", "blue"])):
        made = column.transform(cells)
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(column.transform(pa.array(["", None, "NA"])), np.zeros((3, 2)))


def test_categories_may_be_given_as_numbers():
    column = Category(name="month", categories=("1", "12", "x"))
    np.testing.assert_array_equal(column.transform(pa.array([12, 7])), [[0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    "column",
    [Number(name="好", mean=-0.1, deviation=1e-9, has_indicator=True), Category(name="c", categories=("b", "a"))],
)
def test_columns_come_back_from_json(column):
    assert column_from_json(column_to_json(column)) == column


NUMBER = {"name": "x", "kind": "number", "mean": 0, "deviation": 1, "has_indicator": False}


@pytest.mark.parametrize(
    "content",
    [
        {**NUMBER, "deviation": 0},
        {**NUMBER, "deviation": True},
        {**NUMBER, "mean": "1"},
        {**NUMBER, "mean": float("nan")},
        {**NUMBER, "mean": 10**400},
        {**NUMBER, "name": 3},
        {**NUMBER, "kind": "date"},
        {**NUMBER, "has_indicator": 1},
        {"name": "x", "kind": "category", "categories": ["a", "a"]},
        {"name": "x", "kind": "category", "categories": []},
        {"name": "x", "kind": "category", "categories": [1]},
        {"name": "x"},
        None,
        [],
    ],
)
def test_what_describes_no_column(content):
    with pytest.raises((KeyError, TypeError, ValueError)):
        column_from_json(content)
