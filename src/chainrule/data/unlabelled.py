"""What a user gives for prediction: texts, rows, sequences or pictures that nobody labelled."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import guess_text, listed
from chainrule.data.encodings import detect_encoding
from chainrule.data.npz_sequences import open_npz_sequences
from chainrule.data.own_paths import check_beginning, check_file, check_folder
from chainrule.data.picture_folders import picture_files
from chainrule.data.record_files import open_records, open_sequences
from chainrule.data.sequence_columns import guess_sequence
from chainrule.data.text_lines import TextLines
from chainrule.errors import ColumnError, FileFormatError


def read_texts(path: Path, *, text_column: str | None = None) -> Iterator[str]:
    """The texts in a file: each line of a .txt file, or a column of CSV, TSV, JSON Lines or Parquet.

    Args:
        path: the file.
        text_column: the column; None to guess.

    Raises:
        FileFormatError: the file cannot be read.
        ColumnError: the column is missing, or it is not plain which one is meant.
    """
    check_file(path)
    if path.suffix.lower() == ".txt":
        check_beginning(path)
        yield from (line.rstrip("\r\n") for line in TextLines(path, detect_encoding(path).codec))
        return
    records = open_records(path)
    column = text_column or guess_text(records, ())
    if column is None and len(records.names) == 1:
        column = records.names[0]
    if column not in records.names:
        what = "it is not plain which holds the texts" if column is None else f"none is called {column!r}"
        raise ColumnError(f"{path} has the columns {listed(records.names)}, and {what}; name it 'text'.")
    for batch in records.batches([column]):
        yield from batch.columns[column].fill_null("").to_pylist()


def read_rows(path: Path) -> Iterator[Mapping[str, str | None]]:
    """The rows of a CSV, TSV, JSON Lines or Parquet file, with cells as they stand in it.

    Raises:
        FileFormatError: the file cannot be read.
    """
    check_file(path)
    records = open_records(path)
    for batch in records.batches(records.names):
        cells = [column.to_pylist() for column in batch.columns.values()]
        yield from (dict(zip(records.names, row, strict=True)) for row in zip(*cells, strict=True))


def read_sequences(path: Path, *, sequence_column: str | None = None) -> Iterator[NDArray[np.float32]]:
    """The sequences in a JSON Lines, Parquet or .npz file, one array (time, values) each.

    Args:
        path: the file.
        sequence_column: the column; None to guess.

    Raises:
        FileFormatError: the file cannot be read.
        ArchiveError: an .npz file is damaged or hostile.
        ColumnError: the column is missing, it is not plain which one is meant, or it holds no sequences.
    """
    check_file(path)
    is_npz = path.suffix.lower() == ".npz"
    records = open_npz_sequences(path, labelled=False) if is_npz else open_sequences(path)
    column = sequence_column or guess_sequence(records, ())
    if column is None or column not in records.names:
        what = "it is not plain which holds the sequences" if column is None else f"none is called {column!r}"
        raise ColumnError(f"{path} has the columns {listed(records.names)}, and {what}; name it 'sequence'.")
    assert records.sequences is not None, "the format has lists"  # noqa: S101
    for steps, lengths in records.sequences(column):
        yield from np.split(steps, np.cumsum(lengths)[:-1])


def read_picture_paths(path: Path) -> Iterator[Path]:
    """The pictures below a folder, in the order of their names; or the path itself where it is a file.

    Raises:
        FileFormatError: there is no picture.
    """
    if path.is_file():
        yield path
        return
    check_folder(path)
    found = list(picture_files(path))
    if not found:
        raise FileFormatError(f"{path} holds no picture.")
    yield from found
