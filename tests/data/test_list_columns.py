import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule.data import json_lines
from chainrule.data.own_files import read_own
from chainrule.data.unlabelled import read_sequences
from chainrule.errors import ColumnError, DataError
from tests.data.sequence_files import jsonl, measured, parquet, written

pytestmark = pytest.mark.usefixtures("empty_cache")

GOOD = [{"sequence": [[1, 2], [3, 4]], "label": "a"}, {"sequence": [[5, 6]], "label": "b"}]
FIRST = "values stand there, and in the first step of all 2; as many in every step were needed."
FINITE = "was found; a finite number, of at most 3.4e38, was needed."


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([[1, 2, 3]], f", step 1: 3 {FIRST}"),
        ([[1, 2], []], f", step 2: 0 {FIRST}"),
        ([[1, 2], None], f", step 2: 0 {FIRST}"),
        ([[1, 2], [3, None]], f", step 2: nan {FINITE}"),
        ([[1, 2], [float("nan"), 3]], f", step 2: nan {FINITE}"),
        ([[1, 2], [3, 4], [float("-inf"), 3]], f", step 3: -inf {FINITE}"),
        ([[1, 1e39]], f", step 1: 1e+39 {FINITE}"),
        ([], ": no step stands there; leave the row out."),
        (None, ": no step stands there; leave the row out."),
    ],
)
def test_values_that_cannot_be_used_are_named_by_row_and_column(tmp_path, empty_cache, value, sentence):
    rows = [*GOOD, {"label": "a", "sequence": value}, *GOOD]
    columns = {name: [row[name] for row in rows] for name in ("sequence", "label")}
    for path, place in ((jsonl(tmp_path, rows), "line 3"), (parquet(tmp_path, **columns), "row 3")):
        for read in (lambda path=path: read_own(path, kind="sequences"), lambda path=path: list(read_sequences(path))):
            with pytest.raises(ColumnError) as caught:
                read()
            assert str(caught.value) == f"{path}, {place}, column 'sequence'{sentence}"
    assert not list(empty_cache.glob("datasets/*"))


def test_a_number_of_5000_digits(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"sequence": [[1, 2], [3, {"9" * 5000}]]}}\n')
    with pytest.raises(ColumnError, match=f"line 1, column 'sequence', step 2: inf {FINITE}"):
        list(read_sequences(path))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("[[1, 2]]", ": '[[1, 2]]' was found; a list of steps was needed."),
        (17, ": 17.0 was found; a list of steps was needed."),
        ({"a": 1}, ": an object was found; a list of steps was needed."),
        ([1, 2], ", step 1: 1.0 was found; a list of numbers was needed."),
        ([[1, 2], "3"], ", step 2: '3' was found; a list of numbers was needed."),
        ([[1, 2], [3, "4"]], ", step 2: '4' was found; a number was needed."),
        ([[1, 2], [3, [4]]], ", step 2: a list was found; a number was needed."),
        ([[1, 2], [3, {}]], ", step 2: an object was found; a number was needed."),
    ],
)
def test_other_values_in_json_are_named_by_row_and_column(tmp_path, value, sentence):
    path = jsonl(tmp_path, [*GOOD, {"label": "a", "sequence": value}])
    with pytest.raises(ColumnError) as caught:
        read_own(path, kind="sequences")
    assert str(caught.value) == f"{path}, line 3, column 'sequence'{sentence}"


def test_a_list_among_plain_numbers(tmp_path):
    path = jsonl(tmp_path, [{"sequence": [1, 2, [3]], "label": 1}])
    with pytest.raises(ColumnError, match="line 1, column 'sequence', step 3: a list was found; a number was needed"):
        list(read_sequences(path))
    path = jsonl(tmp_path, [{"sequence": [[], []], "label": 1}])
    with pytest.raises(ColumnError, match="step 1: no number stands there; one a step was needed, or more"):
        list(read_sequences(path))


def test_the_width_is_that_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "ROWS", 2)
    path = jsonl(tmp_path, [*GOOD, *GOOD, {"sequence": [[1], [2]]}, {"sequence": [[3]]}])
    with pytest.raises(ColumnError, match="line 5, column 'sequence', step 1: 1 values stand there, and in the first "):
        list(read_sequences(path))
    path = jsonl(tmp_path, [*GOOD, *GOOD, {"sequence": [1, 2]}])
    with pytest.raises(ColumnError, match="line 5, column 'sequence', step 1: 1.0 was found; a list of numbers was "):
        list(read_sequences(path))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([["a", "b"]], "list<element: string>"),
        ([[{"a": 1}]], "list<element: struct<a: int64>>"),
        ([[[[1.0]]]], "list<element: list<element: list<element: double>>>"),
        (["[[1, 2]]"], "string"),
    ],
)
def test_parquet_columns_of_other_types(tmp_path, column, kind):
    path = parquet(tmp_path, sequence=column * 2, label=["a", "b"])
    with pytest.raises(ColumnError) as caught:
        read_own(path, kind="sequences", sequence_column="sequence")
    assert str(caught.value) == (
        f"{path}: column 'sequence' is of type {kind}; lists of numbers, or of lists of numbers, were needed."
    )


def test_damaged_parquet_files_are_refused_wherever_the_damage_is(tmp_path):
    path = written(tmp_path, "parquet")
    whole = path.read_bytes()
    refused = 0
    for place in range(4, len(whole), len(whole) // 40):
        path.write_bytes(whole[:place] + bytes(64) + whole[place + 64 :])
        try:
            for sequence in read_sequences(path):
                assert sequence.shape[1] == 3
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 5  # zeros among the numbers are numbers


def test_claims_of_endless_sequences_are_refused_in_little_memory(tmp_path):
    count = 40_000_000
    path = tmp_path / "a.parquet"
    offsets = pa.array([0, count // 2, count], pa.int64())
    steps = pa.LargeListArray.from_arrays(offsets, pa.array(np.zeros(count, np.float32)))
    pq.write_table(pa.table({"sequence": steps, "label": ["a", "b"]}), path)
    assert path.stat().st_size < 1e6
    del steps
    said, mebibytes = measured(path)
    assert said == (
        f"{path}: column 'sequence' claims 20,000,000 values a row; sequences of at most 16,777,216 were needed."
    )
    assert mebibytes < 60
