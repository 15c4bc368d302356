"""What a model is shown at a time, and where it comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from chainrule.runtime.processes import ALONE, Processes


@dataclass(frozen=True)
class Batch:
    """What one forward pass takes."""

    inputs: tuple[Tensor, ...]
    """The model's arguments."""
    targets: Tensor
    """Class indices or values, (examples,)."""
    is_spare: bool = False
    """Whether another process has the same: this one only goes along, since a divided model computes everywhere."""

    def __len__(self) -> int:
        return len(self.targets)


@runtime_checkable
class Batches(Protocol):
    """Where batches come from."""

    def examples(self, step: int) -> int:
        """Examples in the whole batch of update number `step`."""
        ...

    def training(self, step: int, parts: int, processes: Processes = ALONE) -> Sequence[Batch]:
        """This process's share of the batch of update number `step`, cut into at most `parts`.

        All processes, no more than there are examples, get as many parts, none of them empty.
        """
        ...

    def validation(self, processes: Processes = ALONE) -> Iterator[Batch]:
        """Every batch of the validation split, dealt out in turns: to all processes as many, some of them spare."""
        ...
