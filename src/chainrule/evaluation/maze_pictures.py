"""What a network thinks of a maze, drawn."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from chainrule.environments.frames import GOAL, PIXELS, WALL, enlarged, put_agent
from chainrule.environments.maze_generators import MOVES
from chainrule.evaluation.plots import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOW, HIGH = np.array([236, 240, 248]), np.array([120, 164, 212])  # colours of the lowest and the highest value
INK = (40, 52, 74)


def shades(walls: NDArray[np.uint8], best: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where between the lowest and the highest the value of each free square is, in [0, 1]."""
    free = walls == 0
    low, high = best[free].min(), best[free].max()
    return np.where(free, (best - low) / max(float(high - low), 1e-9), 0).astype(np.float32)


def value_frame(
    walls: UInt8[np.ndarray, "height width"],
    values: Float[np.ndarray, "squares actions"],
    agent: int,
    goal: int,
) -> UInt8[np.ndarray, "tall wide 3"]:
    """A maze from above: each square as dark as it is worth much, an arrow for its best action, the agent and the goal.

    Args:
        walls: 1 where there is a wall.
        values: what each action is worth at each square.
        agent: its square.
        goal: its square.
    """
    height, width = walls.shape
    share = shades(walls, values.max(axis=1).reshape(height, width))[..., None]
    colours = np.where(walls[..., None] == 1, np.array(WALL), LOW + share * (HIGH - LOW)).astype(np.uint8)
    colours[divmod(goal, width)] = GOAL
    frame = enlarged(colours)
    arrows = _arrows()
    for square in np.flatnonzero(walls == 0):
        if square not in (agent, goal):
            top, left = (place * PIXELS for place in divmod(int(square), width))
            frame[top : top + PIXELS, left : left + PIXELS][arrows[values[square].argmax()]] = INK
    put_agent(frame, *divmod(agent, width))
    return frame


def _arrows() -> NDArray[np.bool_]:
    """A triangle that points up, right, down, left, each as a mask of a square's pixels."""
    rows, columns = np.mgrid[:PIXELS, :PIXELS] - (PIXELS - 1) / 2
    up = (rows > -4) & (rows < 3) & (np.abs(columns) <= (rows + 4) / 1.5)
    return np.stack([np.rot90(up, -turn) for turn in range(4)])


def draw_values(
    walls: UInt8[np.ndarray, "height width"],
    values: Float[np.ndarray, "squares actions"],
    squares: NDArray[np.int64],
    goal: int,
    title: str,
) -> "Figure":
    """The same as a figure, with the scale of the values and the walk.

    Args:
        walls: 1 where there is a wall.
        values: what each action is worth at each square.
        squares: of the walk, from its start on.
        goal: its square.
        title: above it.
    """
    from matplotlib.figure import Figure

    height, width = walls.shape
    figure = Figure(figsize=(6.4, 5.6))
    axes = figure.subplots()
    best = np.ma.masked_array(values.max(axis=1).reshape(height, width), walls == 1)
    axes.set_facecolor("#{:02x}{:02x}{:02x}".format(*WALL))
    image = axes.imshow(best, cmap="Blues")
    rows, columns = np.nonzero(walls == 0)
    ways = MOVES[values.reshape(height, width, -1)[rows, columns].argmax(axis=1)]
    axes.quiver(
        columns, rows, ways[:, 1], ways[:, 0], angles="xy", pivot="mid", scale=1.7, scale_units="xy", width=0.005
    )
    axes.plot(*np.divmod(squares, width)[::-1], color=ORANGE, linewidth=2, label="walk")
    axes.scatter(squares[0] % width, squares[0] // width, color=BLUE, s=60, zorder=3, label="start")
    axes.scatter(goal % width, goal // width, color="#009E73", s=90, marker="*", zorder=3, label="goal")
    axes.set(xticks=[], yticks=[], title=title)
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, label="value of the best action", shrink=0.85)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=3)
    return figure
