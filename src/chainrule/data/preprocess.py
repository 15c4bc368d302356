"""Data to the numbers a network takes: fitted on the training split alone, and kept with the model."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.cells import cell_of
from chainrule.data.dataset import TARGET, Examples, Positions
from chainrule.data.own_paths import check_file
from chainrule.data.pictures import LARGEST_SIDE, Shape, read_picture
from chainrule.data.table_columns import (
    Category,
    Number,
    column_from_json,
    column_to_json,
    finite,
    fit_category,
    fit_number,
    moments,
    positive,
)
from chainrule.errors import ColumnError, ModelFolderError

BATCH_VALUES = 1 << 23
ROWS = 1 << 20  # of a column, at a time
BICUBIC = 3  # Pillow's number for this way of scaling, and the hub's
HIGHEST = 255  # the highest value of a pixel


@dataclass(frozen=True, kw_only=True)
class TablePreprocessor:
    """The columns of a table, each in its own way, one beside another."""

    columns: tuple[Number | Category, ...]
    notes: tuple[str, ...] = ()
    """A sentence on each column that says nothing and was dropped; not kept with the model."""

    @classmethod
    def fit(cls, examples: Examples) -> "TablePreprocessor":
        """A preprocessor for tables like the training split, of which few rows are in memory at a time.

        Raises:
            ColumnError: no column says anything, or one holds numbers too large to be squared.
        """
        return cls.of({name: _Cells(examples, name) for name in examples.feature_names})

    @classmethod
    def of(cls, parts: Mapping[str, Iterable[pa.Array]]) -> "TablePreprocessor":
        """A preprocessor for tables like this one.

        Args:
            parts: columns, float64 or dictionary<int32, string>, some rows at a time; gone through more than once.

        Raises:
            ColumnError: no column says anything, or one holds numbers too large to be squared.
        """
        fitted = {
            name: (fit_category if pa.types.is_dictionary(next(iter(cells)).type) else fit_number)(name, cells)
            for name, cells in parts.items()
        }
        columns = tuple(column for column in fitted.values() if column is not None)
        if not columns:
            raise ColumnError("every column is the same in all training rows; nothing can be learned from them.")
        notes = (
            f"Column {name!r} is the same in all training rows and is dropped."
            for name, column in fitted.items()
            if column is None
        )
        return cls(columns=columns, notes=tuple(notes))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns it makes."""
        return tuple(output for column in self.columns for output in column.outputs)

    @property
    def width(self) -> int:
        """How many columns it makes."""
        return len(self.outputs)

    def transform(self, rows: Mapping[str, pa.Array] | Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """The numbers of some rows.

        Args:
            rows: columns of a data set, or of texts as they stand in files; or each row as a mapping, with
                values or with texts. What is not needed is passed over.

        Returns:
            (rows, width).

        Raises:
            ColumnError: a column is missing, or holds what is no finite number where one is needed.
        """
        columns = rows if isinstance(rows, Mapping) else self._columns(rows)
        for column in self.columns:
            if column.name not in columns:
                needed = ", ".join(repr(column.name) for column in self.columns)
                raise ColumnError(f"there is no column {column.name!r}; the model needs {needed}.")
        made = np.empty((len(columns[self.columns[0].name]), self.width), np.float32)
        end = 0
        for column in self.columns:
            start, end = end, end + len(column.outputs)
            made[:, start:end] = column.transform(columns[column.name])
        return made

    def _columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, pa.Array]:
        names = [column.name for column in self.columns]
        for number, row in enumerate(rows, 1):
            if missing := [name for name in names if name not in row]:
                needed = ", ".join(map(repr, names))
                raise ColumnError(f"row {number:,} has no column {missing[0]!r}; the model needs {needed}.")
        return {name: pa.array([cell_of(row[name]) for row in rows], pa.string()) for name in names}

    def to_json(self) -> str:
        """What `from_json` takes."""
        return json.dumps({"columns": list(map(column_to_json, self.columns))}, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "TablePreprocessor":
        """The preprocessor that `to_json` wrote.

        Raises:
            ModelFolderError: it did not write this.
        """
        try:
            columns = tuple(map(column_from_json, json.loads(text)["columns"]))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ModelFolderError(f"the model's description of its columns cannot be read ({error!r}).") from error
        if not columns or len({column.name for column in columns}) < len(columns):
            raise ModelFolderError("the model's description of its columns has none, or one of them twice.")
        return cls(columns=columns)


@dataclass(frozen=True)
class _Cells:
    """A column's cells, some rows at a time."""

    examples: Examples
    name: str

    def __iter__(self) -> Iterator[pa.Array]:
        for positions in self.examples.in_parts(ROWS):
            yield self.examples.take(self.name, positions)


@dataclass(frozen=True)
class TargetScaler:
    """The values to predict: (value - mean) / deviation, and back."""

    mean: float
    deviation: float

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> "TargetScaler":
        """The scale of the training split's values.

        Raises:
            ColumnError: they are too large to be squared.
        """
        return cls(*moments(TARGET, lambda: [values]))

    def scale(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values as a network learns them."""
        return ((values - self.mean) / self.deviation).astype(np.float32)

    def restore(self, outputs: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """What a network's outputs mean."""
        return outputs.astype(np.float64) * self.deviation + self.mean

    def to_json(self) -> str:
        """What `from_json` takes."""
        return json.dumps({"mean": self.mean, "deviation": self.deviation})

    @classmethod
    def from_json(cls, text: str) -> "TargetScaler":
        """The scaler that `to_json` wrote.

        Raises:
            ModelFolderError: it did not write this.
        """
        try:
            content = json.loads(text)
            return cls(finite(content["mean"]), positive(content["deviation"]))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ModelFolderError(f"the model's scale of its target cannot be read ({error!r}).") from error


@dataclass(frozen=True, kw_only=True)
class PicturePreprocessor:
    """How pictures are brought to one shape, and what mean and deviation each of their channels has."""

    shape: Shape
    mean: tuple[float, ...]
    """Of each channel, in pixel values from 0 to 255."""
    deviation: tuple[float, ...]
    """Likewise, above 0."""

    @classmethod
    def fit(cls, examples: Examples) -> "PicturePreprocessor":
        """Mean and deviation of each channel of the training split."""
        shape = examples.dataset.picture_shape
        if shape is None:
            raise ValueError(f"{examples.dataset.name!r} holds no pictures")
        return cls.of(examples.pictures, len(examples), shape)

    @classmethod
    def of(cls, read: Callable[[Positions], NDArray[np.uint8]], examples: int, shape: Shape) -> "PicturePreprocessor":
        """Mean and deviation of each channel, from exact sums, a few pictures at a time.

        Args:
            read: positions → pixels, (pictures, channels, height, width).
            examples: how many pictures there are.
            shape: of each.
        """
        sums, squares = np.zeros(shape[0], np.int64), np.zeros(shape[0], np.int64)
        step = max(1, BATCH_VALUES // int(np.prod(shape)))
        for start in range(0, examples, step):
            pixels = read(np.arange(start, min(start + step, examples)))
            sums += pixels.sum(axis=(0, 2, 3), dtype=np.int64)
            squares += np.square(pixels.astype(np.int32)).sum(axis=(0, 2, 3), dtype=np.int64)
        count = examples * shape[1] * shape[2]
        variances = [
            (square * count - total**2) / count**2
            for total, square in zip(sums.tolist(), squares.tolist(), strict=True)
        ]
        return cls(
            shape=shape,
            mean=tuple(total / count for total in sums.tolist()),
            deviation=tuple(math.sqrt(variance) or 1.0 for variance in variances),
        )

    def load_picture(self, path: Path) -> NDArray[np.uint8]:
        """The pixels of a picture, brought to `shape` as those of folders are; (channels, height, width).

        Raises:
            FileFormatError: the file is no picture that can be read.
        """
        check_file(path)
        return read_picture(path, self.shape)

    def to_json(self) -> str:
        """What `from_json` takes, under the names of the hub's image processors, with values from 0 to 1."""
        channels, height, width = self.shape
        content = {
            "do_resize": True,
            "size": {"height": height, "width": width},
            "resample": BICUBIC,
            "num_channels": channels,
            "do_rescale": True,
            "rescale_factor": 1 / HIGHEST,
            "do_normalize": True,
            "image_mean": [value / HIGHEST for value in self.mean],
            "image_std": [value / HIGHEST for value in self.deviation],
        }
        return json.dumps(content, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "PicturePreprocessor":
        """The preprocessor that `to_json` wrote.

        Raises:
            ModelFolderError: it did not write this.
        """
        try:
            content = json.loads(text)
            shape = (content["num_channels"], content["size"]["height"], content["size"]["width"])
            mean = tuple(finite(value) * HIGHEST for value in content["image_mean"])
            deviation = tuple(positive(value) * HIGHEST for value in content["image_std"])
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ModelFolderError(f"the model's description of its pictures cannot be read ({error!r}).") from error
        is_shape = all(type(n) is int and 1 <= n <= LARGEST_SIDE for n in shape) and shape[0] in {1, 3}
        if not is_shape or not len(mean) == len(deviation) == shape[0]:
            raise ModelFolderError(
                f"the model's description of its pictures cannot be read: {shape} is no shape of channels, "
                "height and width, or each channel needs a mean and a deviation."
            )
        return cls(shape=shape, mean=mean, deviation=deviation)
