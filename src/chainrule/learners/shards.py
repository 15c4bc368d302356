"""A model divided among the processes of a run, for one that is larger than a device."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from chainrule.learners.batch import Batches
from chainrule.learners.contract import Tree
from chainrule.learners.crew import Replicas, Work
from chainrule.learners.network_update import NORM_MARGIN
from chainrule.runtime.processes import Processes

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Shards:
    """Every process holds a share of each parameter and its moments, and learns from its share of each batch.

    torch's own `fully_shard` (Zhao et al., "PyTorch FSDP", arXiv 2304.11277; Rajbhandari et al., "ZeRO", arXiv
    1910.02054) puts a block's parameters together when the block computes and adds up their gradients afterwards.
    The blocks are the members of the model's containers and those of its direct parts that are made of parts
    themselves; what remains belongs to the whole model, and is together while it computes. So the model may read
    the parameters of its own layers, tied ones too, in its `forward`, but not those inside a block.

    Args:
        model: the whole model, the same in all processes; it is divided in place.
        processes: which this is, and of how many, several.
        device: torch's name of the device that the shares are moved to.
    """

    def __init__(self, model: nn.Module, processes: Processes, *, device: str) -> None:
        self.processes = processes
        self._replicas = Replicas(model, processes)
        self.mesh = init_device_mesh(device, (processes.count,))
        for block in blocks(model):
            fully_shard(block, mesh=self.mesh)
        fully_shard(model, mesh=self.mesh)
        self.model = model
        self._parameters = list(model.parameters())  # after a forward pass the model may hold whole ones in their place
        self._divided_modules = [module for module in model.modules() if isinstance(module, FSDPModule)]
        for module in self._divided_modules:
            module.set_force_sum_reduction_for_comms(enable=True)  # gloo has no mean

    def take(self, batches: Batches, index: int, parts: int) -> Work:
        """This process's part of an update."""
        work = self._replicas.take(batches, index, parts)
        # Where each does the whole batch the sum of the gradients is that many times too large.
        divisor = 1.0 if self._replicas.is_sharing else float(self.processes.count)
        for module in self._divided_modules:
            module.set_gradient_divide_factor(divisor)
        return work

    def add_up(self, loss: Tensor, flops: float | Tensor) -> tuple[Tensor, float | Tensor]:
        """Adds up the two figures; the gradients were added up in the backward pass."""
        if not self._replicas.is_sharing:
            return loss, flops
        figures = torch.stack([loss, torch.as_tensor(flops, device=loss.device, dtype=loss.dtype)])
        self.processes.add_up(figures)
        return figures[0], figures[1]

    def clip(self, largest: float) -> Tensor:
        """Scales the gradient down by its norm over all shares."""
        gradients = [_share(parameter.grad) for parameter in self._parameters if parameter.grad is not None]
        norm = self._norms(gradients).square().sum().sqrt().float()
        torch._foreach_mul_(gradients, (largest / (norm + NORM_MARGIN)).clamp(max=1.0))
        return norm

    def weights_norms(self) -> Tensor:
        """The norm of each parameter over all shares."""
        return self._norms([_share(parameter.detach()) for parameter in self._parameters])

    def _norms(self, shares: list[Tensor]) -> Tensor:
        squares = torch.stack(torch._foreach_norm(shares)).double().square()
        self.processes.add_up(squares)
        return squares.sqrt()

    def whole(self, state: Tree) -> Tree:
        """The state in whole tensors on the host of the first process, one put together after the other."""

        def put_together(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {name: put_together(item) for name, item in value.items()}
            if isinstance(value, DTensor):
                tensor = value.full_tensor()
                return tensor.cpu() if self.processes.is_first else None
            return value

        tree: Tree = put_together(state)
        return tree

    def own(self, state: Tree) -> Tree:
        """This process's shares of whole tensors: of the parameters, and of the moments, which are shaped alike."""
        divided = {name for name, value in self.model.state_dict().items() if isinstance(value, DTensor)}
        weights = {name: self._divided(value) if name in divided else value for name, value in state["model"].items()}
        moments = {
            number: {name: self._divided(value) if value.ndim else value for name, value in moment.items()}
            for number, moment in state["optimizer"].items()
        }
        return {"model": weights, "optimizer": moments}

    def _divided(self, tensor: Tensor) -> DTensor:
        # No rank to send from: every process has the whole tensor and takes its share of it.
        there = tensor.to(self.mesh.device_type)
        return distribute_tensor(there, self.mesh, [Shard(0)], src_data_rank=None)


def blocks(model: nn.Module) -> list[nn.Module]:
    """The parts of a model that are put together one at a time: see `Shards`."""
    names = Counter(id(parameter) for _, parameter in model.named_parameters(remove_duplicate=False))

    def opened(part: nn.Module) -> Iterator[nn.Module]:
        for member in part.children():
            if isinstance(member, nn.ModuleList | nn.ModuleDict):  # it has no forward pass of its own
                yield from opened(member)
            else:
                yield member

    found: list[nn.Module] = []
    for part in model.children():
        if isinstance(part, CONTAINERS):
            found += opened(part)
        elif any(part.children()):
            found.append(part)
    # A parameter that goes by two names is used in two places, so it belongs to the whole model.
    own = [[names[id(parameter)] for parameter in block.parameters()] for block in found]
    return [block for block, counts in zip(found, own, strict=True) if counts and max(counts) == 1]


def _share(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor."""
    assert isinstance(tensor, DTensor)  # noqa: S101 - `fully_shard` leaves no other parameters
    local: Tensor = tensor.to_local()
    return local
