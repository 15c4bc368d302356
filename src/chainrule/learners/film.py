"""What a network of two inputs says of the plane, kept while it learns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import Module, Tensor, no_grad
from chainrule.learners.contract import Tree

FRAMES = 25
FIRST = 1 / 300  # of all updates, after which it is looked at for the second time


def frame_steps(steps: int) -> list[int]:
    """After how many updates a run of `steps` is looked at: 0, then spaced evenly on a logarithmic scale to the end.

    What a network learns first it learns in few updates.
    """
    return sorted({0, *np.geomspace(max(1, FIRST * steps), steps, FRAMES - 1).round().astype(int).tolist()})


@dataclass(frozen=True)
class Frame:
    """The plane after some updates."""

    updates: int
    probabilities: NDArray[np.float16]
    """Of each class at each point, (points, classes)."""


class Film:
    """Frames of the probabilities that a network gives at fixed points.

    Args:
        points: what the network is shown, (points, inputs).
        steps: after how many updates it is.
        probabilities: from outputs (points, classes) to probabilities of the same shape.
    """

    def __init__(
        self,
        *,
        points: NDArray[np.float32],
        steps: Sequence[int],
        probabilities: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    ) -> None:
        self.points = points
        self.steps = frozenset(steps)
        self.probabilities = probabilities
        self.frames: list[Frame] = []

    @no_grad()
    def look(self, updates: int, network: Module) -> None:
        """Keeps a frame if it is time."""
        if updates in self.steps:
            outputs = network.eval()(Tensor(self.points)).data
            network.train()
            self.frames.append(Frame(updates, self.probabilities(outputs).astype(np.float16)))

    def state_dict(self) -> Tree:
        """The frames so far."""
        return {str(frame.updates): frame.probabilities for frame in self.frames}

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        frames = (Frame(int(updates), np.asarray(probabilities)) for updates, probabilities in state.items())
        self.frames = sorted(frames, key=lambda frame: frame.updates)
