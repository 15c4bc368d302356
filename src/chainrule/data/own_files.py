"""A user's own data: any file or folder of theirs, converted once and mapped from the cache ever after."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from chainrule.data import store
from chainrule.data.columns import Answer, Choice
from chainrule.data.dataset import Dataset, Kind
from chainrule.data.known_hashes import recall_sha256, remember_sha256
from chainrule.data.npz_pictures import convert_npz, open_pairs
from chainrule.data.npz_sequences import open_npz_sequences
from chainrule.data.own_paths import check_file, check_folder
from chainrule.data.own_sequences import convert_sequences
from chainrule.data.own_table import convert_table
from chainrule.data.own_text import convert_text
from chainrule.data.picture_folders import convert_folder, open_folder
from chainrule.data.pictures import LARGEST_SCALED_SIDE, Shape
from chainrule.data.record_files import open_records, open_sequences
from chainrule.data.records import Records
from chainrule.data.taught import Taught
from chainrule.errors import FileFormatError, OptionError
from chainrule.runtime.files import sha256_file

Opened = TypeVar("Opened")
VERSION = 2  # of the conversion: a change in what it makes of equal files raises it


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
    like: Taught | None = None,
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
        like: what a model was taught, where the data are only to be scored by it: then classes, kinds of columns
            and the pictures' shape are not guessed, and no example is left out for being like another.

    Raises:
        FileFormatError: the file cannot be read.
        ArchiveError: an .npz file is damaged or hostile.
        ColumnError: a column is missing, cannot be guessed, or holds the wrong thing.
        OptionError: an option does not fit the kind of data.
        DataError: no row is left, or one is of a class that `like` has not.
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
        dataset = _pictures(place, choice, like.picture_shape if like else picture_shape, like)
    else:
        if picture_shape is not None:
            raise OptionError(f"a picture's shape was given for {kind} data; leave it out.")
        _check_columns(kind, choice)
        check_file(place)
        dataset = _sequences(place, choice, like) if kind == "sequences" else _rows(place, kind, choice, like)
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


def _rows(path: Path, kind: Literal["text", "table"], choice: Choice, like: Taught | None) -> Dataset:
    convert = convert_text if kind == "text" else convert_table
    return _cached(
        path,
        (kind, path.suffix.lower(), dataclasses.astuple(choice), *_taught(like)),
        open_records,
        lambda records, key, sha256: convert(records, choice, key=key, sha256=sha256, like=like),
    )


def _sequences(path: Path, choice: Choice, like: Taught | None) -> Dataset:
    if path.suffix.lower() != ".npz":
        return _cached(
            path,
            ("sequences", path.suffix.lower(), dataclasses.astuple(choice), *_taught(like)),
            open_sequences,
            lambda records, key, sha256: convert_sequences(records, choice, key=key, sha256=sha256, like=like),
        )
    if choice != Choice():
        raise OptionError("columns were named, and an .npz file has none; call its arrays x and y instead.")

    def convert(records: Records, key: str, sha256: str) -> None:
        sequence, label = records.names
        named = Choice(sequence=sequence, label=label)
        convert_sequences(records, named, key=key, sha256=sha256, like=like)

    return _cached(
        path, ("npz sequences", *_taught(like)), functools.partial(open_npz_sequences, labelled=True), convert
    )


def _pictures(path: Path, choice: Choice, shape: Shape | None, like: Taught | None) -> Dataset:
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
            ("npz", shape, *_taught(like)),
            open_pairs,
            lambda pairs, key, sha256: convert_npz(path, pairs, shape, key=key, sha256=sha256, like=like),
        )
    check_folder(path)
    folder = open_folder(path)
    sha256 = folder.sha256()
    key = _key(("folder", shape, *_taught(like)), sha256)
    known = store.open_dataset(key)
    return known or _converted(key, lambda: convert_folder(folder, shape, key=key, sha256=sha256, like=like))


def _taught(like: Taught | None) -> tuple[Any, ...]:
    return () if like is None else (dataclasses.astuple(like),)


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
    sha256 = recall_sha256([path])
    if sha256 is None:
        opened = opener(path)
        sha256 = sha256_file(path)
        remember_sha256([path], sha256)
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
