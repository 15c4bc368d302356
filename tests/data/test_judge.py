"""Splits, duplicates and conflicts, against a plain count in dictionaries."""

import hashlib
import math
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.judge import Judge, published_codes, table_contents
from chainrule.data.splits import LEFT_OUT, example_digest, normalise_text, split_code

TRAIN, VALIDATION, TEST = 0, 1, 2


def plain_verdict(rows: list[tuple[str, int]]) -> tuple[list[int], dict[str, int], int]:
    """The rule as it reads: first of equal texts kept, none where labels differ."""
    labels = defaultdict(set)
    for text, label in rows:
        labels[normalise_text(text)].add(label)
    codes, reasons, seen = [], Counter[str](), set()
    for text, _ in rows:
        form = normalise_text(text)
        if not form:
            reason = "empty"
        elif len(labels[form]) > 1:
            reason = "conflicting labels"
        elif form in seen:
            reason = "duplicate"
        else:
            reason = ""
        seen.add(form)
        reasons[reason] += bool(reason)
        codes.append(LEFT_OUT if reason else split_code(example_digest(form.encode())))
    conflicts = sum(len(different) > 1 for form, different in labels.items() if form)
    return codes, dict(+reasons), conflicts


@given(st.lists(st.tuples(st.text("aA！b ", max_size=3), st.integers(-1, 2))))
def test_texts_are_judged_as_the_rule_reads(rows: list[tuple[str, int]]) -> None:
    judge = Judge(unique=True)
    for text, label in rows:
        judge.see_text(text, label)
    codes, left_out = judge.verdict()
    assert (codes.tolist(), left_out, judge.conflicts) == plain_verdict(rows)


def test_a_hand_made_case() -> None:
    judge = Judge(unique=True)
    for text, label in [("好！", 1), ("!?", 0), ("好", 1), ("坏", 0), ("坏 ", 1), ("ＡＢ", 0), ("a-b", 0)]:
        judge.see_text(text, label)
    judge.leave_out("unreadable")
    codes, left_out = judge.verdict()
    # The SHA-256 of 好 begins with f867f341, 9 modulo 10; that of ab with fb8e20fc, 2 modulo 10.
    assert codes.tolist() == [TRAIN, *[LEFT_OUT] * 4, VALIDATION, LEFT_OUT, LEFT_OUT]
    assert left_out == {"empty": 1, "unreadable": 1, "duplicate": 2, "conflicting labels": 2}
    assert judge.conflicts == 1


@given(st.lists(st.binary(max_size=2)))
def test_equal_examples_stay_where_they_need_not_be_unique(contents: list[bytes]) -> None:
    judge = Judge(unique=False)
    for content in contents:
        judge.see(content)
    codes, left_out = judge.verdict()
    assert codes.tolist() == [split_code(example_digest(content)) for content in contents]
    assert left_out == {}


def test_no_rows() -> None:
    codes, left_out = Judge(unique=True).verdict()
    assert (codes.tolist(), left_out) == ([], {})


def test_half_a_surrogate_pair_is_a_text_like_any_other() -> None:
    judge = Judge(unique=True)
    judge.see_text("a\ud800", 0)
    judge.see_text("A", 0)
    assert judge.verdict()[1] == {"duplicate": 1}


def test_published_test_rows_stay_and_validation_comes_from_training() -> None:
    codes = np.array([TRAIN, VALIDATION, TEST, TRAIN, VALIDATION, TEST], np.uint8)
    in_test = np.array([False, False, False, True, True, True])
    assert published_codes(codes, in_test).tolist() == [TRAIN, VALIDATION, TRAIN, TEST, TEST, TEST]


def categories(values: list[str | None], dictionary: list[str]) -> pa.Array:
    indices = [None if value is None else dictionary.index(value) for value in values]
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(dictionary))


def test_the_canonical_bytes_of_a_row() -> None:
    number = pa.array([1.5, 0.0, None, math.inf], pa.float64())
    category = categories(["x", None, "y", "x"], ["x", "y"])
    x, y = (hashlib.sha256(value).digest()[:8] for value in (b"x", b"y"))
    nan = np.array([np.nan]).tobytes()
    expected = [
        x + bytes.fromhex("000000000000f83f"),
        bytes(8) + bytes(8),
        y + nan,
        x + bytes.fromhex("000000000000f07f"),
    ]
    assert table_contents({"b": number, "a": category}) == expected
    assert table_contents({"a": category, "b": number}) == expected


def test_equal_rows_have_equal_bytes_however_they_are_stored() -> None:
    one = table_contents({"a": pa.array([0.0, math.nan]), "b": categories(["x", "y"], ["x", "y"])})
    other = table_contents({"a": pa.array([-0.0, None]), "b": categories(["x", "y"], ["y", "z", "x"])})
    assert one == other
    negative = -np.array([np.nan])
    assert table_contents({"a": pa.array(negative)}) == table_contents({"a": pa.array([math.nan])})


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_of_no_row_or_one(rows: int) -> None:
    assert len(table_contents({"a": pa.array([2.0] * rows, pa.float64())})) == rows
