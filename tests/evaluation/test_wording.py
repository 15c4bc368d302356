"""Numbers and foreign text as people read them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.evaluation.wording import figure_name, figure_rows, figure_text, interval_text, one_line, range_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8412, "0.841"),
        (0, "0.000"),
        (0.0006, "0.001"),
        (0.00049, "0.00049"),
        (-0.25, "-0.250"),
        (9.9994, "9.999"),
        (12.345, "12.35"),
        (123.456, "123.5"),
        (1234.5678, "1,235"),
        (-98765.4, "-98,765"),
    ],
)
def test_figures_have_as_many_decimals_as_their_size_deserves(value, text):
    assert figure_text(value) == text


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (0.5, 108.9, "0.5"),
        (29.61, -108.9, "29.6"),
        (-3.2e-05, 0.9, "0.000"),
        (12.0, 1.0, "12.00"),
        (2e-05, 1e-04, "2e-05"),
    ],
)
def test_figures_share_the_decimals_of_larger_ones_beside_them(value, scale, text):
    assert figure_text(value, scale) == text


def test_the_figures_of_a_report_share_decimals_column_by_column():
    report = {"value": 0.9, "interval": [0.88, 0.91], "figures": {"mean_absolute_error": 9.87654}}
    baselines = [
        {"name": "mean", "value": -3.2e-05, "interval": [-0.003, -6e-07], "figures": {"mean_absolute_error": 108.94}},
        {"name": "other", "value": 0.5, "interval": None, "figures": {}},
    ]
    assert figure_rows(report | {"baselines": baselines}, ["mean_absolute_error"], "–") == [
        ["this model", "0.900", "[0.880, 0.910]", "9.9"],
        ["mean", "0.000", "[-0.003, 0.000]", "108.9"],
        ["other", "0.500", "", "–"],
    ]


def test_intervals_and_ranges():
    assert interval_text((0.827, 0.854)) == "[0.827, 0.854]"
    assert interval_text((-0.003, -6e-07)) == "[-0.003, 0.000]"
    assert interval_text((1.25, 9.5), 80) == "[1.25, 9.50]"
    assert range_text((0.826, 0.848)) == "0.826–0.848"
    assert range_text((-0.1, 0.2)) == "-0.100 to 0.200"


def test_names():
    assert figure_name("r2") == "R²"
    assert figure_name("mean_absolute_error") == "mean absolute error"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a  b\n\tc ", "a b c"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("half \ud800 pair", "half \\ud800 pair"),
        ("好" * 10, "好" * 10),
        ("好" * 11, "好" * 9 + "…"),
        ("x" * 10_000_000, "x" * 9 + "…"),
        (" " * 100 + "late", "…"),
    ],
)
def test_foreign_text_becomes_one_line(text, line):
    assert one_line(text, 10 if len(line) <= 10 else 40) == line


@given(st.text(), st.integers(2, 50))
def test_any_text_becomes_one_printable_line(text, limit):
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert all(unicodedata.category(c) != "Cs" for c in line)
