"""The exact truth about mazes: how far every square is from the goal."""

import numpy as np
from numpy.typing import NDArray

UNREACHABLE = -1


def distances(walls: NDArray[np.uint8], goals: NDArray[np.int64]) -> NDArray[np.int16]:
    """Steps of a shortest way from each square to the goal, by breadth-first search in all mazes at once.

    Args:
        walls: (mazes, height, width), 1 where there is a wall, as there is all around.
        goals: (mazes,) the square of each goal, row · width + column.

    Returns:
        (mazes, height, width); -1 in walls and where no way leads.
    """
    count, height, width = walls.shape
    free = walls.reshape(-1) == 0
    found = np.full(count * height * width, UNREACHABLE, np.int16)
    edge = np.arange(count) * height * width + goals  # all mazes as one row of squares
    found[edge] = 0
    steps = np.array([-width, 1, width, -1])
    distance = 0
    while len(edge):
        distance += 1
        beside = (edge[:, None] + steps).reshape(-1)
        edge = np.unique(beside[free[beside] & (found[beside] == UNREACHABLE)])
        found[edge] = distance
    return found.reshape(walls.shape)
