"""Which columns of a user's table describe its rows, and how: by a number or by a category."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chainrule.data.cells import LONGEST_NAME, longest, present, shown, to_numbers
from chainrule.data.columns import listed
from chainrule.data.dataset import LABEL, TARGET
from chainrule.data.records import Batch, Records, unnamed
from chainrule.data.taught import Taught
from chainrule.errors import ColumnError

MOST_CATEGORIES = 1000
MOST_SHARE = 0.5  # different categories of all rows; a column with more identifies the rows


@dataclass
class _Column:
    """What is known of a column after some of its rows."""

    is_number: bool = True
    rows: int = 0
    values: int = 0
    longest: int = 0
    """Characters of a value."""
    categories: set[str] = field(default_factory=set)
    infinite: str = ""
    """Where the first infinite value stands."""

    def see(self, records: Records, batch: Batch, name: str) -> None:
        """Takes the column's next rows."""
        cells = present(batch.columns[name])
        self.rows += len(cells)
        self.values += len(cells) - cells.null_count
        self.longest = max(self.longest, longest(cells))
        if self.longest <= LONGEST_NAME and len(self.categories) <= MOST_CATEGORIES:
            self.categories.update(pc.unique(cells.drop_null()).to_pylist())
        if self.is_number:
            numbers, others = to_numbers(cells)
            self.is_number = not others.any()
            if not self.infinite and (infinite := np.flatnonzero(np.isinf(numbers))).size:
                self.infinite = records.where(batch, int(infinite[0]), name)

    def reason_against(self, name: str) -> str | None:
        """Why the column describes nothing; None where it does."""
        if not self.values:
            return f"Column {name!r} holds no value and is left out."
        if self.is_number:
            return None
        if self.longest > LONGEST_NAME:
            what = f"values of up to {self.longest:,} characters"
            return f"Column {name!r} has {what} and is left out: it looks like text."
        count = len(self.categories)
        if count > min(MOST_CATEGORIES, self.rows * MOST_SHARE):
            many = f"more than {MOST_CATEGORIES:,}" if count > MOST_CATEGORIES else f"{count:,}"
            return (
                f"Column {name!r} has {many} different values in {self.rows:,} rows and is left out: "
                "it looks like an identifier."
            )
        return None


def find_features(records: Records, names: Sequence[str]) -> tuple[dict[str, list[str] | None], list[str]]:
    """Goes through all rows to see what the columns hold.

    Args:
        records: the rows.
        names: the columns that may describe them.

    Returns:
        The columns that do, each with its categories in order, None where it holds numbers; and a sentence on
        each of the other columns.

    Raises:
        ColumnError: no column is left, or one holds an infinite number.
    """
    against = [f"A column without a name, {name}, is left out." for name in names if unnamed(name)]
    found = {name: _Column() for name in names if not unnamed(name)}
    for batch in records.batches(found):
        for name, column in found.items():
            column.see(records, batch, name)
    kept: dict[str, list[str] | None] = {}
    for name, column in found.items():
        reason = column.reason_against(name)
        if reason is not None:
            against.append(reason)
            continue
        if name in {LABEL, TARGET}:
            raise ColumnError(
                f"{records.path}: column {name!r} would be a feature beside the column that is predicted; "
                f"rename it, or leave it out with --ignore-columns {name}."
            )
        if column.is_number and column.infinite:
            raise ColumnError(f"{column.infinite}: an infinite value was found; a finite number was needed.")
        kept[name] = None if column.is_number else sorted(column.categories)
    if not kept:
        raise ColumnError(
            f"{records.path} has no column to predict from: its columns are {listed(records.names)}. "
            + " ".join(against[:3])
        )
    return kept, against


def taught_features(like: Taught) -> dict[str, list[str] | None]:
    """The columns that a model was taught, each with its categories, None where it holds numbers."""
    return {name: None if categories is None else list(categories) for name, categories in like.columns}


class UnknownCategories:
    """Counts the rows in which a column holds a category that a model was not taught."""

    def __init__(self, like: Taught | None) -> None:
        columns = like.columns if like else ()
        self._taught = {name: len(categories) for name, categories in columns if categories is not None}
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def see(self, features: Mapping[str, pa.Array]) -> None:
        """Takes the next rows, whose dictionaries begin with the categories that were taught."""
        for name, taught in self._taught.items():
            new = np.flatnonzero(features[name].indices.fill_null(-1).to_numpy() >= taught)
            if new.size:
                self._counts[name] += new.size
                self._examples.setdefault(name, features[name][int(new[0])].as_py())

    def notes(self, rows: int) -> list[str]:
        """A sentence on each column with such categories, in a file of so many rows."""
        return [
            f"Column {name!r} holds categories in {count:,} of {rows:,} rows that the model was not taught, "
            f"such as {shown(self._examples[name])}."
            for name, count in self._counts.items()
        ]
