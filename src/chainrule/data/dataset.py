"""Checked examples: Arrow rows on disk, and which of them form the training, validation and test split."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.splits import LEFT_OUT, SPLITS, Split
from chainrule.errors import DataError

Kind = Literal["text", "pictures", "table", "sequences"]
Positions = NDArray[np.int64]

LABEL = "label"  # the column of class indices, int32, in every classified data set
TARGET = "target"  # the column of values to predict, float64, in every data set for regression
CONTENT: Mapping[Kind, str] = {"text": "text", "pictures": "picture", "sequences": "sequence"}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One data set, read and checked.

    The rows hold, by kind, beside `label` or `target`:

    - text: `text`, large_string;
    - pictures: `picture`, fixed_size_list<uint8> of channels x height x width values in that order;
    - sequences: `sequence`, large_list<fixed_size_list<float32>>, one inner list a time step;
    - table: a column a feature, float64 for numbers (missing ones are NaN), dictionary<int32, string> for
      categories (missing ones are null).
    """

    name: str
    kind: Kind
    rows: pa.Table
    """All rows that could be read, in the order of the origin, mapped from a file where they came from one."""
    split_codes: NDArray[np.uint8]
    """One code a row: its place in `SPLITS`, or `LEFT_OUT`."""
    sha256: str
    """Of the origin's files, so that two runs can be told to have seen the same data."""
    classes: tuple[str, ...] | None = None
    """The names of the classes in the order of their indices; None for regression."""
    picture_shape: tuple[int, int, int] | None = None
    """(channels, height, width) of every picture."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many rows are in no split, by reason ("empty", "duplicate", "conflicting labels", "unreadable" …)."""
    unreadable: tuple[str, ...] = ()
    """A sentence on each file of a folder that could not be read, beginning with its place in the folder."""
    notes: tuple[str, ...] = ()
    """Sentences on how the data were read: the encoding found, the columns guessed, pictures resized."""
    licence: str = "not stated"
    source: str = ""
    """Where the data come from, for people: publisher, paper or path."""
    same_splits: bool = False
    """Whether all splits hold the same examples, so that a model is scored on what it learned from."""

    def split(self, name: Split) -> "Examples":
        """The examples of one split, in the order of the rows."""
        chosen = np.flatnonzero(self.split_codes == SPLITS.index(name))
        if not len(chosen):
            raise DataError(
                f"data set {self.name!r} has no example in its {name} split (of {len(self.split_codes)} rows, "
                f"{int((self.split_codes == LEFT_OUT).sum())} were left out); give more rows: about 50 fill "
                "every split."
            )
        return Examples(self, chosen)

    def everything(self) -> "Examples":
        """The examples of all splits, in the order of the rows."""
        return Examples(self, np.flatnonzero(self.split_codes != LEFT_OUT))

    def summary(self) -> dict[str, Any]:
        """What `run.json` keeps of the data: name, hash, counts by split and class, what was left out."""
        counts = {name: int((self.split_codes == code).sum()) for code, name in enumerate(SPLITS)}
        return {
            "name": self.name,
            "kind": self.kind,
            "sha256": self.sha256,
            "rows": len(self.split_codes),
            "splits": counts,
            "classes": None if self.classes is None else list(self.classes),
            "left_out": dict(self.left_out),
            "unreadable": list(self.unreadable),
            "notes": list(self.notes),
            "licence": self.licence,
            "source": self.source,
        }


class Examples:
    """The examples of one split; every method takes positions within the split and reads only those rows."""

    def __init__(self, dataset: Dataset, row_numbers: Positions) -> None:
        self.dataset = dataset
        self.row_numbers = row_numbers
        chunks = dataset.rows.to_batches()
        self._batches = chunks
        self._starts = np.cumsum([0, *(len(batch) for batch in chunks)])

    def __len__(self) -> int:
        return len(self.row_numbers)

    def limited_to(self, count: int) -> "Examples":
        """At most `count` of the examples, spread evenly over all."""
        if count >= len(self):
            return self
        return Examples(self.dataset, self.row_numbers[np.linspace(0, len(self) - 1, count).astype(np.int64)])

    def in_parts(self, count: int) -> Iterator[Positions]:
        """All positions in order, at most `count` at a time."""
        for start in range(0, len(self), count):
            yield np.arange(start, min(start + count, len(self)))

    def take(self, column: str, positions: Positions | None = None) -> pa.Array:
        """The values of one column, in the order of `positions` (all where None)."""
        rows = self.row_numbers if positions is None else self.row_numbers[positions]
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        place = self.dataset.rows.schema.get_field_index(column)
        cuts = np.searchsorted(ordered, self._starts)
        pieces = [
            batch.column(place).take(pa.array(ordered[low:high] - start))
            for batch, start, low, high in zip(self._batches, self._starts, cuts, cuts[1:], strict=False)
            if high > low
        ]
        if not pieces:
            return pa.array([], type=self.dataset.rows.schema.field(place).type)
        gathered = pa.concat_arrays(pieces)
        if len(order) > 1 and (np.diff(order) != 1).any():
            gathered = gathered.take(pa.array(np.argsort(order, kind="stable")))
        return gathered

    def labels(self, positions: Positions | None = None) -> NDArray[np.int64]:
        """Class indices, (examples,)."""
        indices: NDArray[np.int64] = self.take(LABEL, positions).to_numpy().astype(np.int64)
        return indices

    def targets(self, positions: Positions | None = None) -> NDArray[np.float64]:
        """Values to predict, (examples,)."""
        values: NDArray[np.float64] = self.take(TARGET, positions).to_numpy(zero_copy_only=False).astype(np.float64)
        return values

    def texts(self, positions: Positions | None = None) -> list[str]:
        """The texts as they were written."""
        texts: list[str] = self.take(CONTENT["text"], positions).to_pylist()
        return texts

    def pictures(self, positions: Positions | None = None) -> NDArray[np.uint8]:
        """Pixels, (examples, channels, height, width)."""
        assert self.dataset.picture_shape is not None, "only data sets of kind 'pictures' have pixels"  # noqa: S101
        flat: NDArray[np.uint8] = self.take(CONTENT["pictures"], positions).flatten().to_numpy()
        return flat.reshape(-1, *self.dataset.picture_shape)

    def sequences(self, positions: Positions | None = None) -> list[NDArray[np.float32]]:
        """One array (time, values) an example."""
        lists = self.take(CONTENT["sequences"], positions)
        values = lists.type.value_type.list_size
        steps = lists.flatten().flatten().to_numpy().reshape(-1, values)
        ends = np.cumsum(lists.value_lengths().to_numpy())
        return np.split(steps, ends[:-1])

    def features(self, positions: Positions | None = None) -> dict[str, pa.Array]:
        """The columns of a table that describe the example, without label and target."""
        return {name: self.take(name, positions) for name in self.feature_names}

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of a table that describe the example."""
        return tuple(name for name in self.dataset.rows.column_names if name not in {LABEL, TARGET})
