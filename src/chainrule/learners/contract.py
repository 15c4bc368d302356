"""What the loop asks of anything that gets better one step at a time, whatever teaches it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

BACKWARD_FORWARD_RATIO = 2  # the backward pass multiplies once for the inputs and once for the weights

Tree = Mapping[str, Any]
"""Everything needed to go on: nested mappings and lists whose leaves are torch tensors, NumPy arrays or JSON values."""


@dataclass(frozen=True)
class Step:
    """What one update has to say."""

    figures: Mapping[str, Any]
    """Numbers by name; those still on a device stay there until a line of figures is written."""
    examples: int
    """Examples the update learned from."""
    flops: Any
    """Floating-point operations of the model, forward and backward, over real tokens or pixels; a number that may
    still be on a device."""


@dataclass(frozen=True)
class Fault:
    """The first update whose loss or gradient was not finite."""

    step: int
    figures: Mapping[str, float]
    """What was seen there: loss, gradient norm, learning rate."""


class Learner(Protocol):
    """Anything that gets better one step at a time.

    `step(index)` may depend on the run's seed, on `index` and on the state that `state_dict` gives, on nothing
    else: then a run goes on from any checkpoint as if it had never stopped. The global generators of Python, NumPy
    and torch are seeded anew before each call.
    """

    def step(self, index: int) -> Step:
        """Does update number `index`, counted from 0."""
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Figures on the validation split; changes nothing."""
        ...

    def state_dict(self) -> Tree:
        """Everything needed to go on; may share memory with the learner, which the caller copies."""
        ...

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state that `state_dict` gave."""
        ...

    def fault(self) -> Fault | None:
        """The first update that was not finite, read from the device; None while all were."""
        ...
