"""A table of what every action is worth in every state."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from chainrule.autograd import Module, Tensor


class ActionTable(Module):
    """Q, a number for each state and action, and how often each was tried.

    Args:
        values: (states, actions).
        visits: (states, actions), whole numbers.
    """

    def __init__(self, values: NDArray[np.float32], visits: NDArray[np.float32]) -> None:
        self.values, self.visits = Tensor(values), Tensor(visits)

    def forward(self, states: NDArray[np.int64]) -> NDArray[np.float32]:
        """What each action is worth in these states, (states asked, actions)."""
        return self.values.data[states]


def action_table(*, states: int, actions: int, generator: Generator) -> ActionTable:
    """A table that knows nothing: every action is worth 0 and was never tried.

    Args:
        states: ≥ 1.
        actions: ≥ 1.
        generator: of zeros that take no memory, where the table is to be loaded.
    """
    if min(states, actions) < 1:
        raise ValueError(f"a table of {states} states and {actions} actions is none")
    empty = [np.asarray(generator.uniform(0, 0, (states, actions)), np.float32) for _ in range(2)]
    return ActionTable(*empty)
