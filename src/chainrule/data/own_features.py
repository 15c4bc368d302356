"""Which columns of a user's table describe its rows, and how: by a number or by a category."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc

from chainrule.data.cells import LONGEST_NAME, longest, present, to_numbers
from chainrule.data.columns import listed
from chainrule.data.dataset import LABEL, TARGET
from chainrule.data.records import Batch, Records, unnamed
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
