"""A user's own data: any file or folder of theirs, converted once and mapped from the cache ever after."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from chainrule.data import store
from chainrule.data.columns import Answer, Choice
from chainrule.data.csv_files import open_csv
from chainrule.data.dataset import Dataset, Kind
from chainrule.data.json_lines import open_json_lines
from chainrule.data.known_hashes import recall_sha256, remember_sha256
from chainrule.data.npz_pictures import convert_npz, open_pairs
from chainrule.data.npz_sequences import open_npz_sequences
from chainrule.data.own_paths import check_beginning, check_file, check_folder
from chainrule.data.own_sequences import convert_sequences
from chainrule.data.own_table import convert_table
from chainrule.data.own_text import convert_text
from chainrule.data.parquet_files import open_parquet
from chainrule.data.picture_folders import convert_folder, open_folder
from chainrule.data.pictures import LARGEST_SCALED_SIDE, Shape
from chainrule.data.records import Records
from chainrule.errors import FileFormatError, OptionError
from chainrule.runtime.files import sha256_file

Opened = TypeVar("Opened")
VERSION = 1  # of the conversion: a change in what it makes of equal files raises it
OPENERS: Mapping[str, Callable[[Path], Records]] = {
    ".csv": open_csv,
    ".tsv": open_csv,
    ".tab": open_csv,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".json": open_json_lines,
    ".parquet": open_parquet,
    ".pq": open_parquet,
}
WITH_LISTS = (open_json_lines, open_parquet)


def read_own(
    path: str | Path,
    *,
    kind: Kind,
    text_column: str | None = None,
    sequence_column: str | None = None,
    label_column: str | None = None,
    target_column: str | None = None,
    ignore_columns: Sequence[str] = (),
    picture_shape: Shape | None = None,
    answer: Answer | None = None,
) -> Dataset:
    """Reads a user's data.

    Rows may come as CSV, TSV, JSON Lines or Parquet; sequences as JSON Lines, Parquet or an .npz file; pictures as
    a folder with a folder for each class, or as an .npz file. Nothing is kept in memory as a whole. What was
    guessed (encoding, columns) is in the data set's notes.

    Args:
        path: the file or folder.
        kind: what an example is.
        text_column: the column of texts; None to guess.
        sequence_column: the column of sequences, lists of steps; None to guess.
        label_column: the column of classes; None to guess.
        target_column: in a table, the column of numbers to predict.
        ignore_columns: columns that are not to be features, nor to be guessed as texts or labels.
        answer: in a table, whether classes or numbers are to be predicted; None where the file is to tell.
        picture_shape: channels (1 or 3), height and width of the pictures; None to choose by their own.

    Raises:
        FileFormatError: the file cannot be read.
        ArchiveError: an .npz file is damaged or hostile.
        ColumnError: a column is missing, cannot be guessed, or holds the wrong thing.
        OptionError: an option does not fit the kind of data.
        DataError: no row is left.
    """
    place = Path(path)
    choice = Choice(
        text=text_column,
        sequence=sequence_column,
        label=label_column,
        target=target_column,
        ignored=tuple(ignore_columns),
        answer=answer,
    )
    if kind == "pictures":
        dataset = _pictures(place, choice, picture_shape)
    else:
        if picture_shape is not None:
            raise OptionError(f"a picture's shape was given for {kind} data; leave it out.")
        _check_columns(kind, choice)
        check_file(place)
        dataset = _sequences(place, choice) if kind == "sequences" else _rows(place, kind, choice)
    return dataclasses.replace(dataset, name=place.name or str(place), source=str(place))


def _check_columns(kind: Kind, choice: Choice) -> None:
    """Checks that no column was named that this kind of data has not."""
    for name, column, where, owner in (
        ("text", choice.text, "text", "text"),
        ("sequence", choice.sequence, "sequences", "sequences"),
        ("target", choice.target, "tables", "table"),
    ):
        if column is not None and kind != owner:
            asked = "a table" if kind == "table" else kind
            raise OptionError(f"--{name}-column is for {where}; leave it out for {asked}.")


def _rows(path: Path, kind: Literal["text", "table"], choice: Choice) -> Dataset:
    convert = convert_text if kind == "text" else convert_table
    return _cached(
        path,
        (kind, path.suffix.lower(), dataclasses.astuple(choice)),
        open_records,
        lambda records, key, sha256: convert(records, choice, key=key, sha256=sha256),
    )


def _sequences(path: Path, choice: Choice) -> Dataset:
    if path.suffix.lower() != ".npz":
        return _cached(
            path,
            ("sequences", path.suffix.lower(), dataclasses.astuple(choice)),
            open_sequences,
            lambda records, key, sha256: convert_sequences(records, choice, key=key, sha256=sha256),
        )
    if choice != Choice():
        raise OptionError("columns were named, and an .npz file has none; call its arrays x and y instead.")

    def convert(records: Records, key: str, sha256: str) -> None:
        sequence, label = records.names
        convert_sequences(records, Choice(sequence=sequence, label=label), key=key, sha256=sha256)

    return _cached(path, ("npz sequences",), functools.partial(open_npz_sequences, labelled=True), convert)


def open_sequences(path: Path) -> Records:
    """The rows of a regular file that can hold lists, by its name's ending.

    Raises:
        FileFormatError: it cannot be read, or its format has no lists.
        ColumnError: two columns have one name.
    """
    if OPENERS.get(path.suffix.lower()) not in WITH_LISTS:
        endings = ", ".join(ending for ending, opener in OPENERS.items() if opener in WITH_LISTS)
        raise FileFormatError(f"{path} cannot be read as sequences; a file in {endings} or .npz was needed.")
    return open_records(path)


def open_records(path: Path) -> Records:
    """The rows of a regular file, by its name's ending.

    Raises:
        FileFormatError: it cannot be read.
        ColumnError: two columns have one name.
    """
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        raise FileFormatError(f"{path} cannot be read; a file in {', '.join(OPENERS)} was needed.")
    if opener is not open_parquet:
        check_beginning(path)
    return opener(path)


def _pictures(path: Path, choice: Choice, shape: Shape | None) -> Dataset:
    if choice != Choice():
        raise OptionError("columns were named, and pictures have none; leave the options out.")
    if shape is not None and not (shape[0] in {1, 3} and all(1 <= n <= LARGEST_SCALED_SIDE for n in shape[1:])):
        raise OptionError(
            f"the shape {shape} of pictures was asked for; 1 or 3 channels, and a height and a width of "
            f"1 to {LARGEST_SCALED_SIDE:,} pixels were needed."
        )
    if path.suffix.lower() == ".npz" and not path.is_dir():
        check_file(path)
        return _cached(
            path,
            ("npz", shape),
            open_pairs,
            lambda pairs, key, sha256: convert_npz(path, pairs, shape, key=key, sha256=sha256),
        )
    check_folder(path)
    folder = open_folder(path)
    sha256 = folder.sha256()
    key = _key(("folder", shape), sha256)
    return store.open_dataset(key) or _converted(key, lambda: convert_folder(folder, shape, key=key, sha256=sha256))


def _cached(
    path: Path,
    options: tuple[Any, ...],
    opener: Callable[[Path], Opened],
    convert: Callable[[Opened, str, str], None],
) -> Dataset:
    """The data set that the cache holds of a file, after converting it where it holds none.

    A file that was never seen is opened before its hash is taken: what is hostile is refused without reading on.
    """
    opened = None
    sha256 = recall_sha256(path)
    if sha256 is None:
        opened = opener(path)
        sha256 = sha256_file(path)
        remember_sha256(path, sha256)
    key = _key(options, sha256)
    known = store.open_dataset(key)
    return known or _converted(key, lambda: convert(opened or opener(path), key, sha256))


def _key(options: tuple[Any, ...], sha256: str) -> str:
    content = json.dumps([VERSION, options, sha256])
    return f"own-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _converted(key: str, convert: Callable[[], None]) -> Dataset:
    convert()
    dataset = store.open_dataset(key)
    if dataset is None:
        raise FileFormatError("the converted data vanished from the cache; run the command again.")
    return dataset
