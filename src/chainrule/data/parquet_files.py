"""Parquet files, read a few rows at a time."""

import contextlib
import functools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from chainrule.data.cells import longest
from chainrule.data.own_paths import check_beginning
from chainrule.data.records import FIELD_LIMIT, Batch, Records, check_names
from chainrule.errors import ColumnError, FileFormatError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ROWS = 512  # in a batch


def open_parquet(path: Path) -> Records:
    """The rows of a Parquet file; columns of lists and structures cannot be used.

    Raises:
        FileFormatError: the file is damaged or holds no row.
    """
    check_beginning(path, b"PAR1")
    with _opened(path) as file:
        names, rows = tuple(file.schema_arrow.names), file.metadata.num_rows
    if not rows:
        raise FileFormatError(f"{path} holds no row.")
    check_names(path, names)
    return Records(path=path, names=names, batches=functools.partial(_batches, path), place="row")


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
