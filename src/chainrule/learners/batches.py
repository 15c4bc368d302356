"""Examples on disk → batches on the device, in the order of (seed, epoch)."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.data.dataset import Examples, Positions
from chainrule.data.order import EpochOrder
from chainrule.data.preprocess import PicturePreprocessor, TablePreprocessor
from chainrule.data.row_store import RowStore, rows_of
from chainrule.data.sequence_store import SequenceStore
from chainrule.data.token_store import TokenStore
from chainrule.learners.batch import Batch
from chainrule.runtime.processes import ALONE, Processes

SHORTEST_SPAN = 5  # tokens; less says nothing

Gather = Callable[[Positions], tuple[Tensor, ...]]
"""Positions within a split → the model's arguments for those examples."""

Augment = Callable[[Tensor, Positions, int], Tensor]
"""(what a `gather` gave, the positions, the epoch) → the model's argument as training is to see it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split, ready for a model."""

    gather: Gather
    targets: Tensor
    """(examples,), on the device."""
    lengths: Positions | None = None
    """(examples,) where examples differ in length."""


@dataclass(frozen=True, kw_only=True)
class SplitBatches:
    """The batches of a training and a validation split.

    Args:
        train: what is learned from.
        held_out: the validation split.
        order: the order of the training split.
        evaluation_batch_size: examples a batch where nothing is learned.
        augment: what training examples, of one tensor each, go through.
    """

    train: Part
    held_out: Part
    order: EpochOrder
    evaluation_batch_size: int
    augment: Augment | None = None

    def examples(self, step: int) -> int:
        """Examples in the whole batch of update number `step`."""
        return len(self.order.positions(step))

    def training(self, step: int, parts: int, processes: Processes = ALONE) -> list[Batch]:
        """The batch of update number `step`, in at most `parts` parts that differ in size by one at most.

        Several processes get a share of each part, these too differing by one at most.
        """
        positions = self.order.positions(step)
        cut = np.array_split(positions, min(parts, len(positions) // processes.count))
        own = [np.array_split(part, processes.count)[processes.rank] for part in cut]
        epoch = step // self.order.steps_per_epoch
        return [self._augmented(_batch(self.train, part), part, epoch) for part in own]

    def _augmented(self, batch: Batch, positions: Positions, epoch: int) -> Batch:
        if self.augment is None:
            return batch
        (pixels,) = batch.inputs
        return replace(batch, inputs=(self.augment(pixels, positions, epoch),))

    def validation(self, processes: Processes = ALONE) -> Iterator[Batch]:
        """Every example once, those of like length together; batch by batch to one process after the other."""
        cut = in_batches(len(self.held_out.targets), self.evaluation_batch_size, self.held_out.lengths)
        while hand := list(itertools.islice(cut, processes.count)):
            place = min(processes.rank, len(hand) - 1)
            yield _batch(self.held_out, hand[place], is_spare=place < processes.rank)


def _batch(part: Part, positions: Positions, *, is_spare: bool = False) -> Batch:
    targets = part.targets[torch.from_numpy(positions).to(part.targets.device)]
    return Batch(part.gather(positions), targets, is_spare)


def in_batches(examples: int, batch_size: int, lengths: Positions | None = None) -> Iterator[Positions]:
    """Every position once, none dropped, sorted by length where there are lengths."""
    order = np.arange(examples) if lengths is None else np.argsort(lengths, kind="stable")
    for start in range(0, examples, batch_size):
        yield order[start : start + batch_size]


def gather_tokens(store: TokenStore, device: torch.device, *, crop: float = 0.0) -> Gather:
    """Texts as (tokens (batch, time), lengths (batch,)).

    Args:
        store: the texts.
        device: where the tensors are wanted.
        crop: share of the texts of which a random span is taken instead, as likely a short one as a long one, so
            that a model cannot go by the length; drawn from torch's global generator.
    """

    def gather(positions: Positions) -> tuple[Tensor, ...]:
        starts, lengths = store.offsets[positions], store.lengths[positions]
        if crop:
            starts, lengths = _random_spans(starts, lengths, crop)
        tokens = store.padded_spans(starts, lengths)
        return torch.from_numpy(tokens).to(device), torch.from_numpy(lengths).to(device)

    return gather


def gather_packed(store: TokenStore, device: torch.device) -> Gather:
    """Texts without padding, as (tokens of all, one text after another (tokens,), lengths (batch,))."""

    def gather(positions: Positions) -> tuple[Tensor, ...]:
        tokens = torch.from_numpy(store.packed(positions))
        return tokens.to(device), torch.from_numpy(store.lengths[positions]).to(device)

    return gather


def _random_spans(starts: Positions, lengths: Positions, share: float) -> tuple[Positions, Positions]:
    """A span inside some of the texts, its length drawn evenly on a logarithmic scale."""
    chosen, size, place = torch.rand(3, len(starts), dtype=torch.float64).numpy()
    low, high = math.log(SHORTEST_SPAN), np.log(np.maximum(lengths, SHORTEST_SPAN) + 1)
    spans = np.minimum(np.exp(low + size * (high - low)).astype(np.int64), lengths)
    spans = np.where(chosen < share, spans, lengths)
    return starts + (place * (lengths - spans + 1)).astype(np.int64), spans


def gather_rows(features: NDArray[np.floating[Any]], device: torch.device) -> Gather:
    """Rows of a table as (features (batch, width),)."""
    table = torch.from_numpy(features).to(device)
    return lambda positions: (table[torch.from_numpy(positions).to(device)],)


def gather_table(examples: Examples, preprocessor: TablePreprocessor, device: torch.device) -> Gather:
    """Rows of a data set as (features (batch, width),): from memory where they are few, else from disk.

    Args:
        examples: the rows.
        preprocessor: makes them into features.
        device: where the tensors are wanted.
    """
    rows = rows_of(examples, preprocessor)
    if not isinstance(rows, RowStore):
        return gather_rows(rows, device)
    return lambda positions: (torch.from_numpy(rows.features(positions)).to(device),)


def gather_pictures(
    read: Callable[[Positions], NDArray[np.uint8]], preprocessor: PicturePreprocessor, device: torch.device
) -> Gather:
    """Pictures as (standardised pixels (batch, channels, height, width),), channels last in memory.

    Args:
        read: positions → pixels, (batch, channels, height, width).
        preprocessor: what they are standardised by.
        device: where the pictures are wanted.
    """
    mean = torch.tensor(preprocessor.mean, device=device).view(-1, 1, 1)
    scale = 1 / torch.tensor(preprocessor.deviation, device=device).view(-1, 1, 1)

    def gather(positions: Positions) -> tuple[Tensor, ...]:
        pixels = torch.tensor(read(positions), device=device)
        return (((pixels - mean) * scale).contiguous(memory_format=torch.channels_last),)

    return gather


def gather_sequences(store: SequenceStore, device: torch.device) -> Gather:
    """Sequences of vectors as (steps (batch, time, values), lengths (batch,))."""

    def gather(positions: Positions) -> tuple[Tensor, ...]:
        steps, lengths = store.padded(positions), store.lengths[positions]
        return torch.from_numpy(steps).to(device), torch.from_numpy(lengths).to(device)

    return gather
