"""Environments as pictures."""

import numpy as np
from numpy.typing import NDArray

PIXELS = 16  # a side of a square
FREE, WALL = (255, 255, 255), (54, 58, 71)
AGENT, GOAL, PENALTY = (36, 113, 181), (46, 160, 67), (207, 68, 60)


def line_frame(squares: int, agent: int) -> NDArray[np.uint8]:
    """A line of squares with a bad end, a good end and the agent; (height, width, 3)."""
    colours = np.full((1, squares, 3), FREE, np.uint8)
    colours[0, 0], colours[0, -1] = PENALTY, GOAL
    frame = enlarged(colours)
    put_agent(frame, 0, agent)
    return frame


def maze_frame(walls: NDArray[np.uint8], agent: tuple[int, int], goal: tuple[int, int]) -> NDArray[np.uint8]:
    """A maze from above with its goal and the agent.

    Args:
        walls: (height, width), 1 where there is a wall.
        agent: its row and column.
        goal: its row and column.

    Returns:
        (height · 16, width · 16, 3).
    """
    colours = np.where(walls[..., None] == 1, np.array(WALL, np.uint8), np.array(FREE, np.uint8))
    colours[goal] = GOAL
    frame = enlarged(colours)
    put_agent(frame, *agent)
    return frame


def enlarged(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each square as a block of pixels."""
    return np.ascontiguousarray(colours.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1))


def put_agent(frame: NDArray[np.uint8], row: int, column: int) -> None:
    """Draws the agent, a disc, into a square of a frame."""
    middle = (PIXELS - 1) / 2
    across = np.arange(PIXELS) - middle
    disc = across[:, None] ** 2 + across**2 <= (0.38 * PIXELS) ** 2
    top, left = row * PIXELS, column * PIXELS
    frame[top : top + PIXELS, left : left + PIXELS][disc] = AGENT
