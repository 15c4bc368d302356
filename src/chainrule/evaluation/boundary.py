"""The picture of a decision boundary as it moves: what a network says of the plane while it learns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.evaluation.glyphs import drawable_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, the two of all other pictures first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
INK = "#222222"
PANELS = 6
COLUMNS = 3
SIDE = 100  # points of the plane along each axis
MARGIN = 0.12  # of what the examples span, around them
STRONGEST = 0.6  # of a class's colour where it is certain; its examples have all of it


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A rectangle of the two columns' values, and the examples in it."""

    names: tuple[str, str]
    """Of the columns: to the right, and upwards."""
    examples: Float[np.ndarray, "examples 2"]
    labels: Int[np.ndarray, " examples"]
    classes: tuple[str, ...]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        low, high = np.nanmin(self.examples, axis=0), np.nanmax(self.examples, axis=0)
        around = MARGIN * np.where(high > low, high - low, 1)
        left, bottom = (low - around).tolist()
        right, top = (high + around).tolist()
        return left, right, bottom, top

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both columns' values at every point looked at, (SIDE · SIDE,), row after row from the bottom."""
        left, right, bottom, top = self.extent
        across, up = np.meshgrid(np.linspace(left, right, SIDE), np.linspace(bottom, top, SIDE))
        return across.ravel(), up.ravel()


def chosen(count: int) -> list[int]:
    """Which of so many frames are shown, the first and the last among them."""
    return sorted(set(np.linspace(0, count - 1, min(PANELS, count)).round().astype(int).tolist()))


def draw_boundary(plane: Plane, frames: Sequence[tuple[int, NDArray[np.floating[Any]]]]) -> "Figure":
    """The plane after several numbers of updates, side by side.

    Args:
        plane: what is seen.
        frames: updates, and the probability of each class at each point, (points, classes).
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    shown = [frames[place] for place in chosen(len(frames))]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(0.6 + 2.7 * columns, 0.9 + 2.6 * rows))
    every = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (updates, probabilities) in zip(every.flat, shown, strict=False):
        _draw_plane(axes, plane, probabilities)
        axes.set_title("before the first update" if not updates else f"after {updates:,} update{'s' * (updates > 1)}")
    for axes in every.flat[len(shown) :]:
        axes.set_visible(False)
    for axes in every[-1]:
        axes.set_xlabel(drawable_names(plane.names)[0], parse_math=False)
    for axes in every[:, 0]:
        axes.set_ylabel(drawable_names(plane.names)[1], parse_math=False)
    names = drawable_names(plane.classes)
    marks = [
        Line2D([], [], linestyle="", marker="o", markersize=6, color=colour, label=name)
        for name, colour in zip(names, COLOURS, strict=False)
    ]
    marks.append(Line2D([], [], color=INK, linewidth=1.2, label="decision boundary"))
    legend = figure.legend(handles=marks, loc="outside lower center", ncols=min(len(marks), 5))
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _draw_plane(axes: "Axes", plane: Plane, probabilities: NDArray[np.floating[Any]]) -> None:
    """One panel: each point in the colour of its likeliest class, the paler the less certain it is."""
    left, right, bottom, top = plane.extent
    grid = probabilities.astype(np.float64).reshape(SIDE, SIDE, -1)
    axes.grid(visible=False)
    axes.imshow(_colours(grid), extent=plane.extent, origin="lower", aspect="auto", interpolation="bilinear", zorder=0)
    across, up = np.linspace(left, right, SIDE), np.linspace(bottom, top, SIDE)
    for label in range(1 if grid.shape[2] == 2 else grid.shape[2]):
        lead = grid[..., label] - np.delete(grid, label, axis=2).max(axis=2)
        if lead.min() < 0 < lead.max():
            axes.contour(across, up, lead, levels=[0], colors=INK, linewidths=1.2, zorder=1)
    size = float(np.clip(4000 / len(plane.examples), 9, 70))
    inks = np.array(COLOURS)[plane.labels]
    across, up = plane.examples.T
    axes.scatter(across, up, s=size, c=inks, edgecolors="white", linewidths=0.5, zorder=2)
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _colours(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (rows, columns, classes) as red, green and blue, (rows, columns, 3)."""
    from matplotlib.colors import to_rgb

    classes = grid.shape[2]
    inks = np.array([to_rgb(colour) for colour in COLOURS[:classes]])
    certainty = (grid.max(axis=2, keepdims=True) * classes - 1) / (classes - 1)  # 0 where all are equally likely
    strength = STRONGEST * certainty.clip(0, 1)
    colours: NDArray[np.float64] = 1 - strength * (1 - inks[grid.argmax(axis=2)])
    return colours
