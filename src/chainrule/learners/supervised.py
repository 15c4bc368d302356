"""Learning from labels: a model, an objective and an optimizer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import zip_longest
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.learners.batch import Batches
from chainrule.learners.contract import BACKWARD_FORWARD_RATIO, Fault, Step, Tree
from chainrule.learners.crew import Crew, Replicas
from chainrule.learners.fault import FirstFault
from chainrule.learners.network_update import load_optimizer_state, optimizer_state


@runtime_checkable
class Average(Protocol):
    """Averages weights over the steps, in place or beside them."""

    def after(self, index: int) -> None:
        """Update number `index` was done."""
        ...

    def state_dict(self) -> Tree:
        """Everything needed to go on."""
        ...

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        ...


class Model(Protocol):
    """A module that also counts the operations of its forward pass.

    One that does not learn everywhere may have `training_flops` as well, which counts those of both passes.
    """

    def forward_flops(self, *inputs: Tensor) -> float | Tensor:
        """Floating-point operations over the real tokens or pixels of a batch, two a multiply-add.

        What has to be counted on a device stays there, as a tensor.
        """
        ...


class SupervisedLearner:
    """Learns from pairs of input and target.

    One update minimises the mean of `objective` over the batch; a batch cut into parts gives the same update as a
    whole one, because the sum of the parts is divided by the count of the batch. So do several processes that each
    take a share.

    Args:
        model: a module that is also a `Model`, already on its device.
        objective: (outputs, targets) → loss of each example, (examples,), in float32.
        optimizer: over the model's parameters; a group's `rate` is its share of the learning rate, 1 where it has none.
        learning_rate: step number → learning rate.
        batches: where batches come from.
        judge: (outputs, targets) of the whole validation split → figures.
        autocast: gives the context of every forward pass.
        clip_norm: the gradient is scaled down to this norm where it is larger; never where None.
        parts: how many parts a batch is cut into, to need less memory.
        crew: how several processes do an update together; this one alone does it where None.
        average: averages the weights over the steps.
        prepare: is called with the step's number before its forward pass, when the model is set to training: freezes
            or unfreezes what is to be.
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
        crew: Crew | None = None,
        average: Average | None = None,
        prepare: Callable[[int], None] | None = None,
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
        self.crew = crew or Replicas(model)
        self.average = average
        self.prepare = prepare
        self._fault = FirstFault(next(model.parameters()).device, "loss", "gradient_norm")
        self._last = -1

    def step(self, index: int) -> Step:
        """Does update number `index`."""
        self._last = index
        self.model.train()
        if self.prepare is not None:
            self.prepare(index)
        rate = self.learning_rate(index)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate", 1.0)
        work = self.crew.take(self.batches, index, self.parts)
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=next(self.model.parameters()).device)
        flops: float | Tensor = 0.0
        for batch in work.parts:
            with self.autocast():
                outputs = self.model(*batch.inputs)
            part_loss = self.objective(outputs.float(), batch.targets).sum() / work.examples
            part_loss.backward()  # type: ignore[no-untyped-call]
            loss += part_loss.detach()
            flops += training_flops(self.model, batch.inputs)
        loss, flops = self.crew.add_up(loss, flops)
        norm = self.crew.clip(self.clip_norm)
        self._fault.note(index, loss, norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.after(index)
        figures = {"loss": loss, "gradient_norm": norm, "learning_rate": rate}
        return Step(figures, examples=work.examples, flops=flops)

    def fault(self) -> Fault | None:
        """The first update that was not finite."""
        if (seen := self._fault.read(self.learning_rate)) is not None:
            return seen
        # A finite gradient may still have thrown the weights out of all bounds.
        weights = self.crew.weights_norms()
        if bool(torch.isfinite(weights).all()):
            return None
        return Fault(self._last, {"weights' norm": float(weights.sum())})

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """The mean loss and the judge's figures over the validation split.

        Several processes take its batches in turns, and the first judges the outputs of all.
        """
        self.model.eval()
        processes = self.crew.processes
        seen: list[NDArray[Any]] = []
        for batch in self.batches.validation(processes):
            with self.autocast():
                output = self.model(*batch.inputs)
            output = output.float()
            loss = np.array(float(self.objective(output, batch.targets).sum()))
            if not batch.is_spare:
                seen += [output.cpu().numpy(), batch.targets.cpu().numpy(), loss]
        hands = processes.gather(seen)
        return processes.on_first(lambda: self._figures(hands))

    def _figures(self, hands: Sequence[Sequence[NDArray[Any]]]) -> dict[str, float]:
        """The figures of what the processes saw: outputs, targets and loss of one batch after the other."""
        by_process = [zip(*[iter(hand)] * 3, strict=True) for hand in hands]
        batches = [batch for turn in zip_longest(*by_process) for batch in turn if batch is not None]
        outputs, targets, losses = zip(*batches, strict=True)
        answers = np.concatenate(targets)
        figures = self.judge(np.concatenate(outputs), answers)
        return {"loss": sum(map(float, losses)) / len(answers), **figures}

    def state_dict(self) -> Tree:
        """Weights, buffers, the optimizer's moments and the averages."""
        own: dict[str, Any] = {
            "model": dict(self.model.state_dict()),
            "optimizer": optimizer_state(self.optimizer),
        }
        if self.average is not None:
            own["average"] = dict(self.average.state_dict())
        return self.crew.whole(own)

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        state = self.crew.own(state)
        self.model.load_state_dict(state["model"])
        load_optimizer_state(self.optimizer, state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])


def training_flops(model: nn.Module, inputs: tuple[Tensor, ...]) -> float | Tensor:
    """Operations of the forward and the backward pass: as the model counts them, or three times the forward pass's."""
    counted: Callable[..., float | Tensor] | None = getattr(model, "training_flops", None)
    if counted is not None:
        return counted(*inputs)
    return model.forward_flops(*inputs) * (1 + BACKWARD_FORWARD_RATIO)  # type: ignore[no-any-return,operator]
