"""A user's .npz file of sequences: side by side and padded, or one after another, with their lengths and labels."""

import functools
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.cells import cell_of
from chainrule.data.list_columns import needed, to_float32
from chainrule.data.npz_files import StoredArray, open_npz
from chainrule.data.npz_pictures import LABELS, LARGEST_LABEL
from chainrule.data.records import Batch, Records, SequenceBatch
from chainrule.errors import FileFormatError

PADDED, FLAT, LENGTHS = ("x", "sequences"), "steps", "lengths"
BATCH_BYTES = 1 << 23


def open_npz_sequences(path: Path, *, labelled: bool) -> Records:
    """The sequences in a file: `x`, or `steps` with `lengths`; and their labels, `y`.

    Args:
        path: the file.
        labelled: whether labels must be there; otherwise they are passed over.

    Raises:
        FileFormatError: the file does not hold such arrays.
        ArchiveError: the file is damaged, or claims sizes that no honest one has.
    """
    steps, lengths, labels = _found(path, open_npz(path), labelled=labelled)
    _check_type(steps, "iufb", "numbers")
    is_padded = steps.name.casefold() != FLAT
    axes = "(sequences, time, values)" if is_padded else "(steps, values)"
    if len(steps.shape) - is_padded not in {1, 2} or min(steps.shape) < 1:
        raise FileFormatError(f"{path}: array {steps.name!r} has the shape {steps.shape}; {axes} was needed.")
    counted = _lengths(steps, lengths, is_padded=is_padded)
    if labels is not None:
        _check_labels(labels, len(counted))
    read = _read_padded if is_padded else _read_flat
    return Records(
        path=path,
        names=tuple(array.name for array in (steps, labels) if array is not None),
        batches=functools.partial(_label_batches, labels),
        place="sequence",
        lists=(steps.name,),
        sequences=lambda _: read(steps, counted),
    )


def _found(
    path: Path, arrays: Mapping[str, StoredArray], *, labelled: bool
) -> tuple[StoredArray, StoredArray | None, StoredArray | None]:
    """The arrays of steps, of lengths and of labels; the last None where none are wanted."""
    padded = next((arrays[name] for name in PADDED if name in arrays), None)
    labels = next((arrays[name] for name in LABELS if labelled and name in arrays), None)
    flat, lengths = arrays.get(FLAT), arrays.get(LENGTHS)
    steps = padded or flat
    is_plain = (padded is None) != (flat is None) and (flat is None or lengths is not None)
    if steps is None or not is_plain or (labelled and labels is None):
        raise FileFormatError(
            f"{path} holds the arrays {', '.join(map(repr, arrays)) or 'none'}; x (sequences, time, values), or "
            f"steps (steps, values) with lengths (sequences,), {'and labels y were' if labelled else 'was'} needed."
        )
    return steps, lengths, labels


def _check_labels(labels: StoredArray, count: int) -> None:
    _check_type(labels, "iufbU", "numbers or strings")
    if labels.shape not in {(count,), (count, 1)}:
        raise FileFormatError(
            f"{labels.path}: array {labels.name!r} has the shape {labels.shape}, and there are {count:,} sequences; "
            "one label a sequence was needed."
        )


def _check_type(array: StoredArray, kinds: str, wanted: str) -> None:
    if array.dtype.kind not in kinds or array.dtype.itemsize > LARGEST_LABEL:
        raise FileFormatError(
            f"{array.path}: array {array.name!r} is of type {array.dtype}, which cannot be used; {wanted} were needed."
        )


def _lengths(steps: StoredArray, lengths: StoredArray | None, *, is_padded: bool) -> NDArray[np.int64]:
    """How many steps each sequence has."""
    if lengths is None:
        return np.full(steps.shape[0], steps.shape[1], np.int64)
    _check_type(lengths, "iu", "whole numbers")
    wanted = (steps.shape[0],) if is_padded else (max(lengths.shape[:1], default=0),)
    if lengths.shape != wanted or not wanted[0]:
        raise FileFormatError(
            f"{steps.path}: array {lengths.name!r} has the shape {lengths.shape}, and {steps.name!r} has "
            f"{steps.shape}; one length a sequence was needed."
        )
    counted = np.concatenate([part.astype(np.float64) for part in lengths.rows(BATCH_BYTES)])
    most = steps.shape[1] if is_padded else steps.shape[0]
    wrong = np.flatnonzero((counted < 1) | (counted > most))
    if wrong.size:
        raise FileFormatError(
            f"{steps.path}: {lengths.name}[{wrong[0]}] is {counted[wrong[0]]:.0f}; "
            f"a length from 1 to {most:,} was needed."
        )
    if not is_padded and counted.sum() != most:  # exact: float64 holds whole numbers of this size
        raise FileFormatError(
            f"{steps.path}: the lengths sum to {counted.sum():,.0f}, and {steps.name!r} has {most:,} steps; "
            "as many were needed."
        )
    return counted.astype(np.int64)


def _label_batches(labels: StoredArray | None, wanted: Collection[str]) -> Iterator[Batch]:
    assert labels is not None, "only labels are read in batches of cells"  # noqa: S101
    done = 0
    for part in labels.rows(BATCH_BYTES):
        places = range(done, done + len(part))
        try:
            cells = pa.array([cell_of(label) for label in part.reshape(-1)], pa.string())
            cells.validate(full=True)
        except ValueError as error:  # characters that are none
            raise FileFormatError(
                f"{labels.path}: array {labels.name!r} holds what is no text ({error}); save the labels anew."
            ) from error
        yield Batch(dict.fromkeys(wanted, cells), places)
        done += len(part)


def _read_padded(array: StoredArray, lengths: NDArray[np.int64]) -> Iterator[SequenceBatch]:
    done = 0
    for part in array.rows(BATCH_BYTES):
        some = lengths[done : done + len(part)]
        inside = np.arange(part.shape[1]) < some[:, None]
        kept = part[inside].reshape(int(some.sum()), -1)
        values, wrong = to_float32(kept)
        if wrong is not None:
            row, time = np.argwhere(inside)[wrong // kept.shape[1]]
            raise _not_finite(array, (done + row, time, wrong % kept.shape[1]), kept.reshape(-1)[wrong])
        yield SequenceBatch(values, some)
        done += len(part)


def _read_flat(array: StoredArray, lengths: NDArray[np.int64]) -> Iterator[SequenceBatch]:
    groups = _groups(lengths, max(1, BATCH_BYTES * array.shape[0] // max(1, array.dtype.itemsize * _size(array))))
    done = 0
    for some, part in zip(groups, array.pieces(int(group.sum()) for group in groups), strict=True):
        rows = part.reshape(len(part), -1)
        values, wrong = to_float32(rows)
        if wrong is not None:
            raise _not_finite(array, (done + wrong // rows.shape[1], wrong % rows.shape[1]), rows.reshape(-1)[wrong])
        yield SequenceBatch(values, some)
        done += len(part)


def _size(array: StoredArray) -> int:
    return int(np.prod(array.shape))


def _groups(lengths: NDArray[np.int64], steps: int) -> list[NDArray[np.int64]]:
    """The lengths in groups of about so many steps each, a longer sequence by itself."""
    numbers = (np.cumsum(lengths) - 1) // steps
    return np.split(lengths, np.flatnonzero(np.diff(numbers)) + 1)


def _not_finite(array: StoredArray, place: tuple[int, ...], value: np.generic) -> FileFormatError:
    at = ", ".join(str(int(axis)) for axis in place[: len(array.shape)])
    return FileFormatError(f"{array.path}: {array.name}[{at}] is {float(value):g}; {needed()}.")
