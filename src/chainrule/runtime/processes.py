"""The processes of a run: which of them this is, and what they tell each other.

They are started by `torchrun`, which says in the environment who each is. Where it does not there is one process,
every exchange below does nothing, and `torch.distributed` is not imported.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chainrule.errors import ProcessLostError, UsageError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

Value = TypeVar("Value")
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes of a run, as one of them sees them.

    Every method but `is_first` is an exchange: all processes call it, in the same order, or all of them wait.
    """

    rank: int = 0
    """This process among all, from 0; the first alone writes files and speaks."""
    count: int = 1
    local_rank: int = 0
    """This process among those of its machine, from 0; the number of its GPU."""
    local_count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and speaks to the user."""
        return self.rank == 0

    def add_up(self, tensor: "torch.Tensor") -> None:
        """Puts into a contiguous tensor the sum of those that the processes hold, the same bytes in each."""
        if self.count > 1:
            import torch.distributed

            with peer_errors():
                torch.distributed.all_reduce(tensor)

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers."""
        if self.count == 1:
            return number
        import torch.distributed

        held = torch.tensor(number)
        with peer_errors():
            torch.distributed.all_reduce(held, torch.distributed.ReduceOp.MAX)
        return int(held)

    def on_first(self, work: Callable[[], Value]) -> Value:
        """What the first process gets for a piece of work that no other does: a JSON value, for all."""
        if self.count == 1:
            return work()
        text = json.dumps(work()).encode() if self.is_first else b""
        import torch

        buffer = torch.empty(self.largest(len(text)), dtype=torch.uint8)
        if self.is_first:
            buffer.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))
        self.send(buffer)
        value: Value = json.loads(buffer.numpy().tobytes())
        return value

    def send(self, buffer: "torch.Tensor") -> None:
        """Puts into a contiguous tensor on the host what the first process holds in it."""
        if self.count > 1 and buffer.numel():
            import torch.distributed

            with peer_errors():
                torch.distributed.broadcast(buffer, 0)

    def gather(self, arrays: "Sequence[NDArray[Any]]") -> "list[Sequence[NDArray[Any]]]":
        """The arrays of all processes, in the order of their ranks, for the first; nothing for the others."""
        if self.count == 1:
            return [arrays]
        import numpy as np
        import torch.distributed
        from safetensors.numpy import load, save

        packed = save({str(number): np.asarray(array, order="C") for number, array in enumerate(arrays)})
        sizes = torch.zeros(self.count, dtype=torch.int64)
        sizes[self.rank] = len(packed)
        self.add_up(sizes)
        if not self.is_first:
            with peer_errors():
                torch.distributed.send(torch.frombuffer(bytearray(packed), dtype=torch.uint8), 0)
            return []
        gathered = [arrays]
        for rank, size in enumerate(sizes.tolist()[1:], start=1):
            buffer = torch.empty(size, dtype=torch.uint8)
            with peer_errors():
                torch.distributed.recv(buffer, rank)
            named = load(buffer.numpy().tobytes())
            gathered.append([named[str(number)] for number in range(len(named))])
        return gathered


ALONE = Processes()
"""One process."""


def here() -> Processes:
    """This process, by what `torchrun` says in the environment.

    Raises:
        UsageError: it says it in part, or not in numbers that fit together.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return ALONE
    if missing := [name for name in VARIABLES if not os.environ.get(name)]:
        raise UsageError(
            f"WORLD_SIZE is set in the environment and {missing[0]} is not; "
            "start several processes with torchrun, or unset WORLD_SIZE for one."
        )
    given = {name: os.environ[name] for name in VARIABLES[:4]}
    try:
        rank, count, local_rank, local_count = map(int, given.values())
        fits = 0 <= rank < count and 0 <= local_rank < local_count <= count
    except ValueError:
        fits = False
    if not fits:
        told = ", ".join(f"{name}={value}" for name, value in given.items())
        raise UsageError(f"the environment names no process: {told}; start several processes with torchrun.")
    return Processes(rank=rank, count=count, local_rank=local_rank, local_count=local_count)


@contextlib.contextmanager
def peer_errors() -> Iterator[None]:
    """Turns what an exchange raises where another process is gone into one sentence.

    Raises:
        ProcessLostError: that happened in the block.
    """
    try:
        yield
    except RuntimeError as error:
        import torch.distributed

        # gloo's own errors have no class; their texts begin with the place in its source.
        if not isinstance(error, torch.distributed.DistError) and "gloo" not in str(error):
            raise
        raise ProcessLostError(
            "a process of this run has ended or cannot be reached, so the others end too; every checkpoint that is "
            "written is whole, and `chainrule resume`, started in as many processes, goes on from the newest."
        ) from error
