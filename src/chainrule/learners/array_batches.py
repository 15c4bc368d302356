"""Rows of tables → batches in NumPy's arrays, in the order of (seed, epoch), for networks on our own autograd."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Positions
from chainrule.data.order import EpochOrder
from chainrule.data.row_store import RowStore, rows_at
from chainrule.learners.batches import in_batches


@dataclass(frozen=True)
class ArrayBatch:
    """What one forward pass takes."""

    inputs: NDArray[np.float32]
    """(examples, width)."""
    targets: NDArray[Any]
    """Class indices or values, (examples,)."""

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, kw_only=True)
class ArrayPart:
    """One split, ready for a network."""

    rows: NDArray[np.float32] | RowStore
    """(examples, width), in memory or on disk."""
    targets: NDArray[Any]
    """(examples,)."""

    def batch(self, positions: Positions) -> ArrayBatch:
        """The examples at some positions."""
        return ArrayBatch(rows_at(self.rows, positions), self.targets[positions])


@dataclass(frozen=True, kw_only=True)
class ArrayBatches:
    """The batches of a training and a validation split.

    Args:
        train: what is learned from.
        held_out: the validation split.
        order: the order of the training split.
        evaluation_batch_size: examples a batch where nothing is learned.
    """

    train: ArrayPart
    held_out: ArrayPart
    order: EpochOrder
    evaluation_batch_size: int

    def training(self, step: int, parts: int) -> list[ArrayBatch]:
        """The batch of update number `step`, in at most `parts` parts that differ in size by one at most."""
        positions = self.order.positions(step)
        return [self.train.batch(part) for part in np.array_split(positions, min(parts, len(positions)))]

    def validation(self) -> Iterator[ArrayBatch]:
        """Every example once."""
        return map(self.held_out.batch, in_batches(len(self.held_out.targets), self.evaluation_batch_size))
