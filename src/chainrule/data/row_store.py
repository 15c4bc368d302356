"""Rows of a table ready for a network, on disk, categories as codes, so that their size does not matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.data.dataset import Examples, Positions
from chainrule.data.preprocess import TablePreprocessor
from chainrule.data.table_columns import Category
from chainrule.runtime import cache
from chainrule.runtime.files import storage_errors

ROWS = 1 << 14  # written at a time
MOST_VALUES = 1 << 24  # of a table in memory, 64 MiB


@dataclass(frozen=True, kw_only=True)
class RowStore:
    """Many rows, in files without a name that go when the store goes."""

    numbers: Float[np.ndarray, "rows numbers"]
    """What the columns of numbers make, mapped."""
    codes: Int[np.ndarray, "rows categories"]
    """Each category's place in its column, -1 for one never seen, mapped."""
    number_places: NDArray[np.bool_]
    """Which of the columns made are numbers, (width,)."""
    starts: Int[np.ndarray, " categories"]
    """Where the columns made of each column of categories begin."""

    @classmethod
    def of(cls, examples: Examples, preprocessor: TablePreprocessor) -> "RowStore":
        """The rows of some examples, as `preprocessor` makes them."""
        widths = [len(column.outputs) for column in preprocessor.columns]
        is_category = np.array([isinstance(column, Category) for column in preprocessor.columns])
        number_places = np.repeat(~is_category, widths)
        starts = np.cumsum([0, *widths[:-1]])[is_category]
        with (
            storage_errors(cache.folder()),
            cache.nameless_file() as numbers,
            cache.nameless_file() as codes,
        ):
            for positions in examples.in_parts(ROWS):
                cells = examples.features(positions)
                made: list[NDArray[np.float32]] = []
                coded: list[NDArray[np.int32]] = []
                for column in preprocessor.columns:
                    if isinstance(column, Category):
                        coded.append(column.codes(cells[column.name])[:, None])
                    else:
                        made.append(column.transform(cells[column.name]))
                numbers.write(_side_by_side(made))
                codes.write(_side_by_side(coded))
            return cls(
                numbers=_mapped(numbers, np.float32, (len(examples), int(number_places.sum()))),
                codes=_mapped(codes, np.int32, (len(examples), len(starts))),
                number_places=number_places,
                starts=starts,
            )

    def features(self, positions: Positions) -> Float[np.ndarray, "batch width"]:
        """Some rows, equal to what the preprocessor makes of them."""
        batch = np.zeros((len(positions), len(self.number_places)), np.float32)
        batch[:, self.number_places] = self.numbers[positions]
        codes = self.codes[positions]
        rows, columns = np.nonzero(codes >= 0)
        batch[rows, self.starts[columns] + codes[rows, columns]] = 1
        return batch


def rows_of(examples: Examples, preprocessor: TablePreprocessor) -> NDArray[np.float32] | RowStore:
    """The rows of some examples as `preprocessor` makes them: in memory, (rows, width), where they are few."""
    if len(examples) * preprocessor.width <= MOST_VALUES:
        return preprocessor.transform(examples.features())
    return RowStore.of(examples, preprocessor)


def rows_at(rows: NDArray[np.float32] | RowStore, positions: Positions) -> Float[np.ndarray, "batch width"]:
    """Some of the rows that `rows_of` gave."""
    return rows.features(positions) if isinstance(rows, RowStore) else rows[positions]


def _side_by_side(columns: Sequence[NDArray[Any]]) -> bytes:
    return np.concatenate(columns, axis=1).tobytes() if columns else b""


def _mapped(file: IO[bytes], kind: type[np.generic], shape: tuple[int, int]) -> NDArray[Any]:
    file.flush()
    return np.memmap(file, kind, "r", shape=shape) if all(shape) else np.empty(shape, kind)
