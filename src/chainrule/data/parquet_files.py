"""Parquet files, read a few rows at a time."""

import contextlib
import functools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from chainrule.data.cells import longest
from chainrule.data.list_columns import is_list, step_type, to_sequences
from chainrule.data.own_paths import check_beginning
from chainrule.data.records import FIELD_LIMIT, Batch, Records, SequenceBatch, check_names
from chainrule.errors import ColumnError, FileFormatError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ROWS = 512  # in a batch
VALUES = 1 << 20  # in a batch of sequences, about
MOST_VALUES = 1 << 24  # of a sequence, on average


def open_parquet(path: Path) -> Records:
    """The rows of a Parquet file; columns of lists can be read as sequences, those of structures not at all.

    Raises:
        FileFormatError: the file is damaged or holds no row.
    """
    check_beginning(path, b"PAR1")
    with _opened(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    if not rows:
        raise FileFormatError(f"{path} holds no row.")
    check_names(path, schema.names)
    return Records(
        path=path,
        names=tuple(schema.names),
        batches=functools.partial(_batches, path),
        place="row",
        lists=tuple(field.name for field in schema if is_list(field.type)),
        sequences=functools.partial(_sequences, path),
    )


@contextlib.contextmanager
def _opened(path: Path) -> "Iterator[pq.ParquetFile]":
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False, memory_map=True) as file:
            yield file
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FileFormatError(f"{path} is damaged, or is no Parquet file: {reason}.") from error


def _batches(path: Path, wanted: Collection[str]) -> Iterator[Batch]:
    with _opened(path) as file:
        nested = [name for name in wanted if pa.types.is_nested(file.schema_arrow.field(name).type)]
        if nested:
            raise ColumnError(
                f"{path}: column {nested[0]!r} holds lists or structures, which cannot be used; "
                f"leave it out with --ignore-columns {nested[0]}."
            )
        place = 1
        for rows in file.iter_batches(batch_size=ROWS, columns=list(wanted), use_threads=False):
            places = range(place, place + len(rows))
            place += len(rows)
            yield Batch({name: _cells(path, name, rows.column(name), places) for name in wanted}, places)


def _cells(path: Path, name: str, values: pa.Array, places: range) -> pa.Array:
    values.validate(full=True)  # texts that are no UTF-8 are not refused by the reader
    try:
        cells = values.cast(pa.string())
    except pa.ArrowException as error:
        raise ColumnError(
            f"{path}: column {name!r} is of type {values.type}, which cannot be read as text; "
            f"leave it out with --ignore-columns {name}."
        ) from error
    if (length := longest(cells)) > FIELD_LIMIT:
        raise FileFormatError(
            f"{path}, rows {places[0]:,} to {places[-1]:,}, column {name!r}: a value has {length:,} "
            f"characters; at most {FIELD_LIMIT:,} can be read."
        )
    return cells


def _sequences(path: Path, name: str) -> Iterator[SequenceBatch]:
    return to_sequences(lambda place: f"{path}, row {place:,}, column {name!r}", _lists(path, name))


def _lists(path: Path, name: str) -> Iterator[tuple[pa.Array, range]]:
    with _opened(path) as file:
        kind = file.schema_arrow.field(name).type
        if step_type(kind) is None:
            raise ColumnError(
                f"{path}: column {name!r} is of type {kind}; lists of numbers, or of lists of numbers, were needed."
            )
        count, place = _rows_at_once(path, name, file), 1
        for rows in file.iter_batches(batch_size=count, columns=[name], use_threads=False):
            lists = rows.column(name)
            lists.validate(full=True)
            places = range(place, place + len(rows))
            place += len(rows)
            yield lists, places


def _rows_at_once(path: Path, name: str, file: "pq.ParquetFile") -> int:
    """As many rows of lists as make a batch, by what the file says it holds."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    parts = [group.column(place) for group in groups for place in range(group.num_columns)]
    values = sum(part.num_values for part in parts if part.path_in_schema.startswith(f"{name}."))
    a_row: int = values // file.metadata.num_rows
    if a_row > MOST_VALUES:
        raise FileFormatError(
            f"{path}: column {name!r} claims {a_row:,} values a row; sequences of at most {MOST_VALUES:,} were needed."
        )
    return max(1, min(ROWS, VALUES // max(1, a_row)))
