"""Rows of a user's file, whatever its format: batches of cells that know where they stand."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.errors import ColumnError, FileFormatError

ROWS = 4096  # the most rows in a batch
CHARACTERS = 1 << 23  # a batch ends when it has this many
FIELD_LIMIT = 1 << 20  # characters in a cell
COLUMN_LIMIT = 10_000
UNNAMED = "(column {})"


class Batch(NamedTuple):
    """Some rows: a string array a column, null where there is no cell, and the number of each row's place."""

    columns: dict[str, pa.Array]
    places: Sequence[int]


class SequenceBatch(NamedTuple):
    """Some sequences: the steps of all, one after another, and how many of them each has."""

    steps: NDArray[np.float32]
    """(steps, values), finite."""
    lengths: NDArray[np.int64]
    """(sequences,), ≥ 1."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """A file of rows that can be gone through again and again, in little memory."""

    path: Path
    names: tuple[str, ...]
    """Its columns, all different."""
    batches: Callable[[Collection[str]], Iterator[Batch]]
    """Begins anew, and reads some of the columns."""
    place: str = "line"
    """What `Batch.places` counts."""
    lists: tuple[str, ...] = ()
    """The columns that hold lists; `batches` refuses them."""
    sequences: Callable[[str], Iterator[SequenceBatch]] | None = None
    """Begins anew, and reads a column of lists; None where the format has none."""
    notes: tuple[str, ...] = ()

    def where(self, batch: Batch, row: int, column: str) -> str:
        """A cell's place as a message names it."""
        return f"{self.path}, {self.place} {batch.places[row]:,}, column {column!r}"


def unnamed(name: str) -> bool:
    """Whether the file gives this column no name; such columns mostly hold the numbers of the rows."""
    return name.startswith("(column ")


def check_names(path: Path, names: Sequence[str]) -> None:
    """Checks the names of a file's columns.

    Raises:
        ColumnError: there are too many, or two of one name.
    """
    if len(names) > COLUMN_LIMIT:
        raise ColumnError(f"{path} has {len(names):,} columns; at most {COLUMN_LIMIT:,} can be read.")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ColumnError(f"{path} has two columns {name!r}; rename one of them.")
        seen.add(name)


def string_columns(path: Path, columns: Mapping[str, Sequence[str | None]], places: Sequence[int]) -> Batch:
    """A batch of cells.

    Raises:
        FileFormatError: a cell is too long, or holds half of a surrogate pair, which no encoding can write.
    """
    arrays = {}
    for name, cells in columns.items():
        try:
            arrays[name] = pa.array(cells, pa.string())
        except UnicodeEncodeError as error:
            row = next(i for i, cell in enumerate(cells) if cell is not None and not _encodable(cell))
            raise FileFormatError(
                f"{path}, line {places[row]:,}, column {name!r}: half of a surrogate pair stands there "
                "alone; write the whole character."
            ) from error
    return Batch(arrays, places)


def _encodable(cell: str) -> bool:
    return cell.isascii() or cell.encode("utf-8", "ignore").decode() == cell
