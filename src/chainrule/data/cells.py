"""What stands in a cell of a table: nothing, a number, or something else."""

import numbers
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MISSING = ("", "na", "n/a", "nan", "null")  # in lower case
NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
INFINITE = r"^(?i)[+-]?inf(?:inity)?$"
LONGEST_NAME = 200  # characters of a class or category; what is longer is a text
SHOWN = 40  # characters of a cell in a message


def shown(cell: str) -> str:
    """A cell as it may stand in a message: quoted, and not too long."""
    return repr(cell if len(cell) <= SHOWN else cell[:SHOWN] + "…")


def cell_of(value: Any) -> str | None:
    """A Python value as it would stand in a file."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    if isinstance(value, numbers.Integral):
        return str(int(value))
    return repr(float(value)) if isinstance(value, numbers.Real) else str(value)


def present(cells: pa.Array) -> pa.Array:
    """The cells without white space around them, and null where they say that a value is missing."""
    trimmed = pc.utf8_trim_whitespace(cells)
    absent = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING, cells.type))
    return pc.if_else(absent, pa.scalar(None, cells.type), trimmed)


def longest(cells: pa.Array) -> int:
    """Characters of the longest cell."""
    return pc.max(pc.utf8_length(cells)).as_py() or 0


def to_numbers(cells: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The numbers in some cells.

    Returns:
        The numbers, NaN where there is none, and where a cell holds something that is not a number, (cells,).
    """
    given = present(cells)
    try:
        return _float64(given), np.zeros(len(cells), np.bool_)
    except pa.ArrowInvalid:
        plain = pc.or_(pc.match_substring_regex(given, NUMBER), pc.match_substring_regex(given, INFINITE))
        other = pc.and_kleene(given.is_valid(), pc.invert(plain))
        kept = pc.if_else(other, pa.scalar(None, cells.type), given)
        return _float64(pc.utf8_ltrim(kept, "+")), other.to_numpy(zero_copy_only=False)


def _float64(cells: pa.Array) -> NDArray[np.float64]:
    values: NDArray[np.float64] = cells.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return values
