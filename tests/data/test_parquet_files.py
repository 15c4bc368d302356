import datetime as dt
import decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule.data.parquet_files import ROWS, open_parquet
from chainrule.data.records import FIELD_LIMIT
from chainrule.errors import ColumnError, FileFormatError


def read(path, *names):
    records = open_parquet(path)
    cells, places = {name: [] for name in names or records.names}, []
    for batch in records.batches(list(cells)):
        for name, column in batch.columns.items():
            cells[name] += column.to_pylist()
        places += batch.places
    return cells, places


def test_values_of_all_plain_types(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "text": ["很好", None, "b"],
            "whole": pa.array([1, -2, None], pa.int8()),
            "half": pa.array([0.1, float("nan"), 2], pa.float32()),
            "truth": [True, None, False],
            "code": pa.array(["x", "y", "x"]).dictionary_encode(),
            "exact": [decimal.Decimal("1.50"), None, decimal.Decimal("2.00")],
            "day": [dt.date(2020, 1, 2), None, None],
        }
    )
    pq.write_table(table, path)
    assert read(path) == (
        {
            "text": ["很好", None, "b"],
            "whole": ["1", "-2", None],
            "half": ["0.1", "nan", "2"],
            "truth": ["true", None, "false"],
            "code": ["x", "y", "x"],
            "exact": ["1.50", None, "2.00"],
            "day": ["2020-01-02", None, None],
        },
        [1, 2, 3],
    )


def test_rows_come_in_batches_with_their_numbers(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": range(2 * ROWS + 3), "b": ["x"] * (2 * ROWS + 3)}), path, row_group_size=700)
    cells, places = read(path, "a")
    assert cells["a"] == [str(i) for i in range(2 * ROWS + 3)]
    assert places == list(range(1, 2 * ROWS + 4))


def test_nested_and_binary_columns_are_refused_only_where_they_are_used(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1], "b": [[1, 2]], "c": [b"\xff"]}), path)
    assert read(path, "a")[0] == {"a": ["1"]}
    with pytest.raises(ColumnError, match=r"column 'b' holds lists or structures.*with --ignore-columns b\."):
        read(path, "a", "b")
    with pytest.raises(ColumnError, match=r"column 'c' is of type binary, which cannot be read as text"):
        read(path, "c")


def test_too_long_values_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": ["x", "y" * (FIELD_LIMIT + 1)]}), path)
    match = r"a\.parquet, rows 1 to 2, column 'a': a value has 1,048,577 characters; at most 1,048,576 can be read"
    with pytest.raises(FileFormatError, match=match):
        read(path)


def test_a_file_without_rows_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    with pytest.raises(FileFormatError, match=r"a\.parquet holds no row"):
        read(path)


def test_what_is_no_parquet_file_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"text,label\n")
    with pytest.raises(FileFormatError, match=r"a\.parquet does not begin like one; a \.parquet file was needed"):
        read(path)


def test_texts_that_are_no_utf8_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": ["bad text", "x"]}), path, use_dictionary=False, compression="none")
    path.write_bytes(path.read_bytes().replace(b"bad text", b"bad \xffext"))
    with pytest.raises(FileFormatError, match="a.parquet is damaged, or is no Parquet file: Invalid UTF8 sequence"):
        read(path)


def test_damaged_files_are_refused_wherever_the_damage_is(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [f"text {i * i}" for i in range(5000)]}), path, use_dictionary=False)
    whole = path.read_bytes()
    refused = 0
    for place in range(4, len(whole), len(whole) // 60):
        for damaged in (whole[:place], whole[:place] + bytes(64) + whole[place + 64 :]):
            path.write_bytes(damaged)
            try:
                read(path)
            except FileFormatError as error:
                assert str(error).startswith(f"{path} is damaged, or is no Parquet file: ")  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
                refused += 1
    assert refused >= 60
