"""Learning from labels with our own autograd: forward, backward, step, in NumPy alone."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import Module, Optimizer, Tensor, clip_grad_norm, no_grad
from chainrule.learners.array_batches import ArrayBatches
from chainrule.learners.array_objectives import ArrayObjective
from chainrule.learners.contract import BACKWARD_FORWARD_RATIO, Fault, Step, Tree


@runtime_checkable
class Watcher(Protocol):
    """Whoever looks at the network while it learns, and keeps what was seen; that is part of the learner's state."""

    def look(self, updates: int, network: Module) -> None:
        """The network after so many updates; 0 is before the first."""
        ...

    def state_dict(self) -> Tree:
        """What was seen."""
        ...

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to what `state_dict` gave."""
        ...


class BackpropagationLearner:
    """Learns from pairs of input and target.

    One update minimises the mean of `objective` over the batch; a batch cut into parts gives the same update as a
    whole one, because the sum of the parts is divided by the count of the batch.

    Args:
        model: the network.
        objective: (outputs, targets) → loss of each example, (examples,).
        optimizer: over the network's parameters.
        learning_rate: step number → learning rate.
        batches: where batches come from.
        judge: (outputs, targets) of the whole validation split → figures.
        forward_flops: (network, examples) → operations of a forward pass.
        clip_norm: the gradient is scaled down to this norm where it is larger; never where None.
        parts: how many parts a batch is cut into, to need less memory.
        watcher: looks at the network before the first update and after each.
    """

    def __init__(
        self,
        *,
        model: Module,
        objective: ArrayObjective,
        optimizer: Optimizer,
        learning_rate: Callable[[int], float],
        batches: ArrayBatches,
        judge: Callable[[NDArray[np.float32], NDArray[Any]], Mapping[str, float]],
        forward_flops: Callable[[Module, int], float],
        clip_norm: float | None = None,
        parts: int = 1,
        watcher: Watcher | None = None,
    ) -> None:
        self.model = model
        self.objective = objective
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batches = batches
        self.judge = judge
        self.forward_flops = forward_flops
        self.clip_norm = math.inf if clip_norm is None else clip_norm
        self.parts = parts
        self.watcher = watcher
        self._fault: Fault | None = None
        self._last = -1

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is noted as a fault
    def step(self, index: int) -> Step:
        """Does update number `index`."""
        if self.watcher and index == 0:
            self.watcher.look(0, self.model)
        self._last = index
        self.model.train()
        rate = self.learning_rate(index)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = self.batches.training(index, self.parts)
        examples = sum(map(len, parts))
        self.optimizer.zero_grad()
        loss = 0.0
        for batch in parts:
            outputs = self.model(Tensor(batch.inputs))
            part_loss = self.objective(outputs, batch.targets).sum() / examples
            part_loss.backward()
            loss += part_loss.item()
        norm = clip_grad_norm(self.model.parameters(), self.clip_norm)
        figures = {"loss": loss, "gradient_norm": norm, "learning_rate": rate}
        if self._fault is None and not math.isfinite(loss + norm):
            self._fault = Fault(index, figures)
        self.optimizer.step()
        if self.watcher:
            self.watcher.look(index + 1, self.model)
        flops = self.forward_flops(self.model, examples) * (1 + BACKWARD_FORWARD_RATIO)
        return Step(figures, examples=examples, flops=flops)

    def fault(self) -> Fault | None:
        """The first update that was not finite."""
        if self._fault is None:
            # A finite gradient may still have thrown the weights out of all bounds.
            norm = math.sqrt(sum(float(np.vdot(weight.data, weight.data)) for weight in self.model.parameters()))
            return None if math.isfinite(norm) else Fault(self._last, {"weights' norm": norm})
        return self._fault

    @no_grad()
    @np.errstate(over="ignore", invalid="ignore")
    def evaluate(self) -> Mapping[str, float]:
        """The mean loss and the judge's figures over the validation split."""
        self.model.eval()
        outputs, targets, loss = [], [], 0.0
        for batch in self.batches.validation():
            output = self.model(Tensor(batch.inputs))
            loss += self.objective(output, batch.targets).sum().item()
            outputs.append(output.data)
            targets.append(batch.targets)
        answers = np.concatenate(targets)
        return {"loss": loss / len(answers), **self.judge(np.concatenate(outputs), answers)}

    def state_dict(self) -> Tree:
        """Weights, what the optimizer remembers, and what the watcher saw."""
        remembered = self.optimizer.state_dict()["state"]
        own = {
            "model": self.model.state_dict(),
            "optimizer": {str(number): state for number, state in remembered.items()},
        }
        return own if self.watcher is None else {**own, "watcher": self.watcher.state_dict()}

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        self.model.load_state_dict(state["model"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})
        if self.watcher is not None:
            self.watcher.load_state_dict(state["watcher"])
