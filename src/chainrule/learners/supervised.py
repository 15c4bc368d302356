"""Learning from labels: a model, an objective and an optimizer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.learners.contract import Fault, Step, Tree

BACKWARD_FORWARD_RATIO = 2  # the backward pass multiplies once for the inputs and once for the weights


@dataclass(frozen=True)
class Batch:
    """What one forward pass takes."""

    inputs: tuple[Tensor, ...]
    """The model's arguments."""
    targets: Tensor
    """Class indices or values, (examples,)."""

    def __len__(self) -> int:
        return len(self.targets)


@runtime_checkable
class Batches(Protocol):
    """Where batches come from."""

    def training(self, step: int, parts: int) -> Sequence[Batch]:
        """The batch of update number `step`, cut into at most `parts`."""
        ...

    def validation(self) -> Iterator[Batch]:
        """Every example of the validation split once."""
        ...


class Model(Protocol):
    """A module that also counts the operations of its forward pass."""

    def forward_flops(self, *inputs: Tensor) -> float | Tensor:
        """Floating-point operations over the real tokens or pixels of a batch, two a multiply-add.

        What has to be counted on a device stays there, as a tensor.
        """
        ...


class SupervisedLearner:
    """Learns from pairs of input and target.

    One update minimises the mean of `objective` over the batch; a batch cut into parts gives the same update as a
    whole one, because the sum of the parts is divided by the count of the batch.

    Args:
        model: a module that is also a `Model`, already on its device.
        objective: (outputs, targets) → loss of each example, (examples,), in float32.
        optimizer: over the model's parameters.
        learning_rate: step number → learning rate.
        batches: where batches come from.
        judge: (outputs, targets) of the whole validation split → figures.
        autocast: gives the context of every forward pass.
        clip_norm: the gradient is scaled down to this norm where it is larger; never where None.
        parts: how many parts a batch is cut into, to need less memory.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        objective: Callable[[Tensor, Tensor], Tensor],
        optimizer: torch.optim.Optimizer,
        learning_rate: Callable[[int], float],
        batches: Batches,
        judge: Callable[[NDArray[np.float32], NDArray[Any]], Mapping[str, float]],
        autocast: Callable[[], AbstractContextManager[Any]],
        clip_norm: float | None = None,
        parts: int = 1,
    ) -> None:
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batches = batches
        self.judge = judge
        self.autocast = autocast
        self.clip_norm = float("inf") if clip_norm is None else clip_norm
        self.parts = parts
        device = next(model.parameters()).device
        # (step, loss, gradient norm) of the first update that was not finite; step −1 while all were.
        self._fault = torch.tensor([-1.0, 0.0, 0.0], device=device)
        self._last = -1

    def step(self, index: int) -> Step:
        """Does update number `index`."""
        self._last = index
        self.model.train()
        rate = self.learning_rate(index)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = self.batches.training(index, self.parts)
        count = sum(map(len, parts))
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=self._fault.device)
        flops: float | Tensor = 0.0
        for batch in parts:
            with self.autocast():
                outputs = self.model(*batch.inputs)
            part_loss = self.objective(outputs.float(), batch.targets).sum() / count
            part_loss.backward()  # type: ignore[no-untyped-call]
            loss += part_loss.detach()
            flops += self.model.forward_flops(*batch.inputs)  # type: ignore[operator]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self._note_fault(index, loss, norm)
        self.optimizer.step()
        figures = {"loss": loss, "gradient_norm": norm, "learning_rate": rate}
        return Step(figures, examples=count, flops=flops * (1 + BACKWARD_FORWARD_RATIO))

    def _note_fault(self, index: int, loss: Tensor, norm: Tensor) -> None:
        # All on the device: reading it here would make a GPU wait at every step.
        first = ~torch.isfinite(loss + norm) & (self._fault[0] < 0)
        self._fault = torch.where(first, torch.stack([torch.full_like(loss, index), loss, norm]), self._fault)

    def fault(self) -> Fault | None:
        """The first update that was not finite."""
        step, loss, norm = self._fault.tolist()
        if step < 0:
            # A finite gradient may still have thrown the weights out of all bounds.
            weights = torch.stack(torch._foreach_norm([p.detach() for p in self.model.parameters()]))
            if bool(torch.isfinite(weights).all()):
                return None
            return Fault(self._last, {"weights' norm": float(weights.sum())})
        rate = self.learning_rate(int(step))
        return Fault(int(step), {"loss": loss, "gradient_norm": norm, "learning_rate": rate})

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """The mean loss and the judge's figures over the validation split."""
        self.model.eval()
        outputs, targets, loss = [], [], 0.0
        for batch in self.batches.validation():
            with self.autocast():
                output = self.model(*batch.inputs)
            output = output.float()
            loss += float(self.objective(output, batch.targets).sum())
            outputs.append(output.cpu().numpy())
            targets.append(batch.targets.cpu().numpy())
        all_targets = np.concatenate(targets)
        return {"loss": loss / len(all_targets), **self.judge(np.concatenate(outputs), all_targets)}

    def state_dict(self) -> Tree:
        """Weights, buffers and the optimizer's moments."""
        moments = self.optimizer.state_dict()["state"]
        return {
            "model": dict(self.model.state_dict()),
            "optimizer": {str(number): dict(state) for number, state in moments.items()},
        }

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        self.model.load_state_dict(state["model"])
        moments = {int(number): moment for number, moment in state["optimizer"].items()}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
