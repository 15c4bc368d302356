"""Columns of lists, read as sequences of steps: a step is a list of numbers, or a number where it has but one."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.data.records import SequenceBatch
from chainrule.errors import ColumnError

FLAT = pa.list_(pa.float64())
NESTED = pa.list_(FLAT)
LARGEST = f"{np.finfo(np.float32).max:.1e}".replace("e+", "e")


def is_list(kind: pa.DataType) -> bool:
    """Whether values of this type are lists."""
    checks = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in checks)


def step_type(kind: pa.DataType) -> pa.DataType | None:
    """The type of a step where a column of this type holds sequences, else None."""
    if not is_list(kind):
        return None
    step = kind.value_type
    number = step.value_type if is_list(step) else step
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return step if any(check(number) for check in checks) else None


def to_sequences(
    where: Callable[[int], str], columns: Iterable[tuple[pa.Array, Sequence[int]]]
) -> Iterator[SequenceBatch]:
    """The sequences in a column.

    Args:
        where: names a place in messages.
        columns: the parts of the column, all of one type that holds sequences, and the place of each of their rows.

    Raises:
        ColumnError: a sequence has no step, a step another number of values than the first of all, or a value
            is missing, infinite or too large.
    """
    width = 0
    for lists, places in columns:
        lengths = _lengths(lists)
        if not lengths.all():
            raise ColumnError(f"{where(places[int(np.argmin(lengths))])}: no step stands there; leave the row out.")

        def at(step: int, lengths: NDArray[np.int64] = lengths, places: Sequence[int] = places) -> str:
            """The place of one of the steps of all these sequences."""
            ends = np.cumsum(lengths)
            row = int(np.searchsorted(ends, step, side="right"))
            return f"{where(places[row])}, step {step - int(ends[row] - lengths[row]) + 1:,}"

        steps = lists.flatten()
        widths = _lengths(steps) if is_list(steps.type) else np.ones(len(steps), np.int64)
        width = width or int(widths[0])
        if width == 0:
            raise ColumnError(f"{at(0)}: no number stands there; one a step was needed, or more.")
        if (widths != width).any():
            step = int(np.argmax(widths != width))
            raise ColumnError(
                f"{at(step)}: {widths[step]:,} values stand there, and in the first step of all {width:,}; "
                "as many in every step were needed."
            )
        numbers = steps.flatten() if is_list(steps.type) else steps
        given = numbers.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
        values, wrong = to_float32(given)
        if wrong is not None:
            raise ColumnError(f"{at(wrong // width)}: {given[wrong]:g} was found; {needed()}.")
        yield SequenceBatch(values.reshape(-1, width), lengths)


def _lengths(lists: pa.Array) -> NDArray[np.int64]:
    lengths: NDArray[np.int64] = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)


def to_float32(numbers: NDArray[np.generic]) -> tuple[NDArray[np.float32], int | None]:
    """The numbers as they are learned from, and where the first one stands that is not finite then."""
    with np.errstate(over="ignore"):
        values = numbers.astype(np.float32)
    finite = np.isfinite(values)
    return values, None if finite.all() else int(np.argmin(finite))


def needed() -> str:
    """What a message asks for."""
    return f"a finite number, of at most {LARGEST}, was needed"


def large_lists(steps: NDArray[np.float32], lengths: NDArray[np.int64]) -> pa.Array:
    """Sequences as a data set keeps them.

    Args:
        steps: of all, one after another, (steps, values).
        lengths: how many each has, (sequences,).
    """
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(steps.reshape(-1)), steps.shape[1])
    return pa.LargeListArray.from_arrays(pa.array(np.cumsum([0, *lengths]), pa.int64()), vectors)
