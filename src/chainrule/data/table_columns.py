"""A column of a table to the numbers a network takes."""

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.data.cells import present, shown, to_numbers
from chainrule.errors import ColumnError

HIGHEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class Number:
    """A column of numbers: (value - mean) / deviation, where a missing value counts as the mean."""

    name: str
    mean: float
    deviation: float
    has_indicator: bool
    """Whether a second column says where a value is missing: where one was when it was fitted."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns made of it."""
        return (self.name, f"{self.name} is missing") if self.has_indicator else (self.name,)

    def transform(self, cells: pa.Array) -> NDArray[np.float32]:
        """Numbers, or texts as they stand in files, to (rows, outputs).

        Raises:
            ColumnError: a text is no finite number.
        """
        values = self._values(cells)
        missing = np.isnan(values)
        scaled = np.where(missing, 0.0, (values - self.mean) / self.deviation).clip(-HIGHEST, HIGHEST)
        return np.stack([scaled, missing][: len(self.outputs)], axis=1).astype(np.float32)

    def _values(self, cells: pa.Array) -> NDArray[np.float64]:
        if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
            return floats(cells)
        texts = cells.cast(pa.string())
        values, others = to_numbers(texts)
        wrong = np.flatnonzero(others | np.isinf(values))
        if wrong.size:
            row = int(wrong[0])
            raise ColumnError(
                f"row {row + 1:,}, column {self.name!r}: {shown(texts[row].as_py())} was found; "
                "a finite number was needed."
            )
        return values


@dataclass(frozen=True, kw_only=True)
class Category:
    """A column of categories: one column of 0 and 1 for each; a category never seen gives 0 in all."""

    name: str
    categories: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns made of it."""
        return tuple(f"{self.name} = {category}" for category in self.categories)

    def transform(self, cells: pa.Array) -> NDArray[np.float32]:
        """Categories, or texts as they stand in files, to (rows, outputs)."""
        codes = self.codes(cells)
        made = np.zeros((len(codes), len(self.categories)), np.float32)
        known = np.flatnonzero(codes >= 0)
        made[known, codes[known]] = 1
        return made

    def codes(self, cells: pa.Array) -> NDArray[np.int32]:
        """The place of each cell's category among `categories`, -1 for one never seen, (rows,)."""
        known = pa.array(self.categories, pa.string())
        found = pc.index_in(present(cells.cast(pa.string())), value_set=known)
        places: NDArray[np.int32] = found.fill_null(-1).to_numpy()
        return places


def fit_number(name: str, parts: Iterable[pa.Array]) -> Number | None:
    """Mean and deviation of the values that are there; None where they are all the same.

    Args:
        name: the column's.
        parts: its cells, some rows at a time; gone through more than once.

    Raises:
        ColumnError: the numbers are too large to be squared.
    """
    has_missing = any(np.isnan(floats(cells)).any() for cells in parts)
    low, high = extremes(map(_given, parts))
    if low > high or (low == high and not has_missing):
        return None
    mean, deviation = moments(name, lambda: map(_given, parts))
    return Number(name=name, mean=mean, deviation=deviation, has_indicator=has_missing)


def fit_category(name: str, parts: Iterable[pa.Array]) -> Category | None:
    """The categories that are there; None where they are all the same.

    Args:
        name: the column's.
        parts: its cells, some rows at a time.
    """
    found: set[str] = set()
    has_missing = False
    for cells in parts:
        found.update(pc.unique(cells).drop_null().cast(pa.string()).to_pylist())
        has_missing |= cells.null_count > 0
    if not found or (len(found) == 1 and not has_missing):
        return None
    return Category(name=name, categories=tuple(sorted(found)))


def moments(name: str, parts: Callable[[], Iterable[NDArray[np.float64]]]) -> tuple[float, float]:
    """Mean and standard deviation; the latter is 1 where all values are equal.

    Args:
        name: the column's.
        parts: gives its values from the first, some at a time; there is one at least.

    Raises:
        ColumnError: the numbers are too large to be squared.
    """
    count = sum(map(len, parts()))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(sum(values.sum() for values in parts()) / count)
        deviation = math.sqrt(sum(np.square(values - mean).sum() for values in parts()) / count)
    if not math.isfinite(mean + deviation):
        raise ColumnError(f"column {name!r} holds numbers too large to be squared; give it in a larger unit.")
    low, high = extremes(parts())
    return mean, deviation if low < high else 1.0


def extremes(parts: Iterable[NDArray[np.float64]]) -> tuple[float, float]:
    """The lowest and the highest value, infinity and -infinity where there is none."""
    low, high = math.inf, -math.inf
    for values in parts:
        low, high = min(low, values.min(initial=math.inf)), max(high, values.max(initial=-math.inf))
    return low, high


def _given(cells: pa.Array) -> NDArray[np.float64]:
    values = floats(cells)
    return values[~np.isnan(values)]


def floats(cells: pa.Array) -> NDArray[np.float64]:
    """Numbers of any type, NaN where one is missing."""
    values: NDArray[np.float64] = cells.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return values


def column_to_json(column: Number | Category) -> dict[str, Any]:
    """What `column_from_json` takes."""
    if isinstance(column, Category):
        return {"name": column.name, "kind": "category", "categories": list(column.categories)}
    return {
        "name": column.name,
        "kind": "number",
        "mean": column.mean,
        "deviation": column.deviation,
        "has_indicator": column.has_indicator,
    }


def column_from_json(content: Any) -> Number | Category:
    """The column that `column_to_json` described.

    Raises:
        KeyError, TypeError, ValueError: it described none.
    """
    if content["kind"] == "category":
        categories = tuple(map(_text, content["categories"]))
        if not categories or len(set(categories)) < len(categories):
            raise ValueError(f"the categories of {content['name']!r} are not all different")
        return Category(name=_text(content["name"]), categories=categories)
    if content["kind"] != "number" or not isinstance(content["has_indicator"], bool):
        raise ValueError(f"{content['kind']!r} is no kind of column, or it does not say has_indicator")
    return Number(
        name=_text(content["name"]),
        mean=finite(content["mean"]),
        deviation=positive(content["deviation"]),
        has_indicator=content["has_indicator"],
    )


def finite(value: Any) -> float:
    """A number out of a file, checked."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{value!r} is no finite number")
    return float(value)


def positive(value: Any) -> float:
    """A number above 0 out of a file, checked."""
    if finite(value) <= 0:
        raise ValueError(f"{value!r} is not above 0")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
