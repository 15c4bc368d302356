"""The map of what was learned beside what is true: Q, Q* and the difference."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARROWS = {"up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}
"""Across and down, of the actions that are drawn as arrows."""
LENGTH = 0.28  # of an arrow, in squares
PALE = 0.01  # of the values' range, which the colours of the difference reach at least
MOST_SHOWN = 2000  # states of a map without a grid, beyond which their rows are thinner than a pixel

Values = NDArray[np.floating[Any]]


def draw_action_values(
    learned: Values, optimum: Values, tried: NDArray[np.bool_], *, actions: Sequence[str], grid: tuple[int, int] | None
) -> "Figure":
    """Three maps: what was learned, what is true, and how much too high the one is.

    On a grid the value of the best action in each square, with an arrow for it; otherwise a column for each action.
    What was never tried is left blank. Colours of the difference are pale where it is small beside the values.

    Args:
        learned: Q, (states, actions).
        optimum: Q*, (states, actions).
        tried: (states, actions).
        actions: their names.
        grid: rows and columns where the states are its squares.
    """
    from matplotlib.figure import Figure

    most = MOST_SHOWN if grid is None else len(learned)  # a grid is shown whole
    shown = learned[:most], optimum[:most], tried[:most]
    known, exact = (np.where(shown[2], values, np.nan) for values in shown[:2])
    if grid is not None and grid[0] * grid[1] == len(learned):
        seen = shown[2].any(axis=1)
        maps = [np.where(seen, values.max(axis=1), np.nan).reshape(grid) for values in shown[:2]]
        wide = grid[1] > 2 * grid[0]
        size = (7.2, 1.1 + 3 * (0.8 + 6.0 * grid[0] / grid[1])) if wide else (11.0, 3.6)
    else:
        grid, maps, wide, size = None, [known, exact], False, (10.0, 5.0)
    figure = Figure(figsize=size)
    panels = figure.subplots(3, 1) if wide else figure.subplots(1, 3)
    low, high = _range(maps[1])
    difference = maps[0] - maps[1]
    largest = max(*map(abs, _range(difference)), PALE * (high - low), 1e-9)
    looks: list[tuple[str, Values, dict[str, Any]]] = [
        ("learned", maps[0], {"cmap": "viridis", "vmin": low, "vmax": high}),
        ("exact, by value iteration", maps[1], {"cmap": "viridis", "vmin": low, "vmax": high}),
        ("learned − exact", difference, {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}),
    ]
    for axes, (title, values, look) in zip(panels, looks, strict=True):
        axes.grid(visible=False)
        picture = axes.imshow(values, interpolation="nearest", aspect="equal" if grid else "auto", **look)
        figure.colorbar(picture, ax=axes, shrink=0.9)
        axes.set_title(title)
        axes.tick_params(length=0)
        _name_axes(axes, grid, actions)
    if grid is not None:
        for axes, values in zip(panels, shown[:2], strict=False):
            _draw_arrows(axes, np.where(shown[2].any(axis=1, keepdims=True), values, 0), grid, actions)
    return figure


def _range(values: Values) -> tuple[float, float]:
    """The lowest and the highest number; both 0 where there is none."""
    numbers = values[np.isfinite(values)]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)


def _name_axes(axes: "Axes", grid: tuple[int, int] | None, actions: Sequence[str]) -> None:
    if grid is not None:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.set_xticks(range(len(actions)), actions, rotation=45, ha="right", parse_math=False)
    axes.set_ylabel("state")


def _draw_arrows(axes: "Axes", values: Values, grid: tuple[int, int], actions: Sequence[str]) -> None:
    """An arrow for the best action of each square, where that is a direction and better than the worst."""
    best = values.argmax(axis=1)
    for state in np.flatnonzero(np.ptp(values, axis=1) > 0).tolist():
        across, down = ARROWS.get(actions[best[state]], (0, 0))
        if across or down:
            row, column = divmod(state, grid[1])
            begin = (column - LENGTH * across, row - LENGTH * down)
            end = (column + LENGTH * across, row + LENGTH * down)
            axes.annotate("", end, begin, arrowprops={"arrowstyle": "->", "color": "white", "linewidth": 1.2})
