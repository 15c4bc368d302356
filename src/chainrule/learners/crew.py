"""Who does an update: one process, or several that each have the model and take a share of the batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from chainrule.learners.batch import Batch, Batches
from chainrule.learners.contract import Tree
from chainrule.learners.network_update import clip_gradient
from chainrule.models.batch_norm import share_batch_norms
from chainrule.runtime.draws import part_ways
from chainrule.runtime.processes import ALONE, Processes


@dataclass(frozen=True)
class Work:
    """What one process does of an update."""

    parts: Sequence[Batch]
    """Its share of the batch, in parts that go through the model one by one."""
    examples: int
    """Of the whole batch, over all processes: what the sum of the losses is divided by."""


@runtime_checkable
class Crew(Protocol):
    """Does an update together with the same crew in every other process.

    All processes take the same steps; each method is an exchange between them.
    """

    processes: Processes

    def take(self, batches: Batches, index: int, parts: int) -> Work:
        """This process's part of update number `index`, in at most `parts` parts."""
        ...

    def add_up(self, loss: Tensor, flops: float | Tensor) -> tuple[Tensor, float | Tensor]:
        """Makes the gradients of the parameters, and the two figures, those of the whole batch."""
        ...

    def clip(self, largest: float) -> Tensor:
        """Scales the gradient down to the norm `largest` where it is larger; returns the norm it had."""
        ...

    def weights_norms(self) -> Tensor:
        """The norm of each parameter, (parameters,)."""
        ...

    def whole(self, state: Tree) -> Tree:
        """A state as one process alone would have it."""
        ...

    def own(self, state: Tree) -> Tree:
        """What this process holds of such a state."""
        ...


class Replicas:
    """Every process has the whole model, and learns from its share of each batch.

    The order of the data is a function of (seed, epoch), so each process finds its share by itself. Gradients, loss
    and operations are added up in one exchange of a layout that never changes, and then all do the same update.
    torch's `DistributedDataParallel` would overlap the exchange with the backward pass, but it sorts its buckets
    anew after the first step: with more than two processes a run that was resumed would add up in another order, and
    end with other bytes.

    A batch with fewer examples than there are processes is done whole by each of them, with the same draws, and
    nothing is exchanged.

    Args:
        model: the whole model, on its device, the same in all processes; its batch normalisations are exchanged for
            ones that span the processes where there are several.
        processes: which this is, and of how many.
    """

    def __init__(self, model: nn.Module, processes: Processes = ALONE) -> None:
        self.model = model
        self.processes = processes
        self._norms = share_batch_norms(model) if processes.count > 1 else []
        self._sharing = ALONE

    def take(self, batches: Batches, index: int, parts: int) -> Work:
        """This process's part of an update."""
        if self.processes.count == 1:
            whole = batches.training(index, parts)
            return Work(whole, sum(map(len, whole)))
        examples = batches.examples(index)
        self._sharing = self.processes if examples >= self.processes.count else ALONE
        for norm in self._norms:
            norm.processes = self._sharing
        part_ways(self._sharing.rank)
        return Work(batches.training(index, parts, self._sharing), examples)

    @property
    def is_sharing(self) -> bool:
        """Whether the processes share the present batch, or each does the whole of it."""
        return self._sharing.count > 1

    def add_up(self, loss: Tensor, flops: float | Tensor) -> tuple[Tensor, float | Tensor]:
        """Adds up over the processes; a parameter that got no gradient in any of them gets one of zeros."""
        if not self.is_sharing:
            return loss, flops
        learned = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        for parameter in learned:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in learned if parameter.grad is not None]
        figures = torch.stack([loss, torch.as_tensor(flops, device=loss.device, dtype=loss.dtype)])
        flat = torch.cat([figures, *(gradient.reshape(-1) for gradient in gradients)])
        self.processes.add_up(flat)
        figures, *pieces = torch.split(flat, [2, *(gradient.numel() for gradient in gradients)])
        for gradient, piece in zip(gradients, pieces, strict=True):
            gradient.copy_(piece.view_as(gradient))
        return figures[0].clone(), figures[1].clone()

    def clip(self, largest: float) -> Tensor:
        """Scales the gradient down; the same in every process, which all have the whole of it."""
        return clip_gradient(self.model.parameters(), largest)

    def weights_norms(self) -> Tensor:
        """The norm of each parameter."""
        return torch.stack(torch._foreach_norm([parameter.detach() for parameter in self.model.parameters()]))

    def whole(self, state: Tree) -> Tree:
        """The state as it is: every process has all of it."""
        return state

    def own(self, state: Tree) -> Tree:
        """The state as it is."""
        return state
