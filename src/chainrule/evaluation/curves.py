"""Learning curves of several settings in one picture, with bands over their runs."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.evaluation.glyphs import drawable
from chainrule.evaluation.plots import BLUE, GREY, MOST_MARKERS, ORANGE
from chainrule.evaluation.wording import figure_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours without yellow, which is faint on white; line and mark tell curves apart in grey too.
LOOKS = (
    (BLUE, "-", "o"),
    (ORANGE, "--", "s"),
    ("#009E73", "-.", "^"),
    ("#CC79A7", ":", "D"),
    ("#56B4E9", (0, (7, 2)), "v"),
    ("#E69F00", (0, (4, 1, 1, 1, 1, 1)), "P"),
    ("#000000", (0, (1, 3)), "X"),
)
MOST_CURVES = len(LOOKS)
LEGEND_WIDTH = 84  # characters that stand beside each other below the picture
LONGEST_NAME = 500  # characters of a name that are drawn
SAMPLE_WIDTH = 9  # characters that the sample of a line takes


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A figure against the steps, over the runs of one setting."""

    name: str
    """The settings in which it differs from the other curves; empty where it is alone."""
    runs: tuple[str, ...]
    """The runs, by their folders."""
    steps: tuple[int, ...]
    """Where all of them were evaluated, rising; at least one."""
    mean: tuple[float, ...]
    """Over the runs at each step."""
    lowest: tuple[float, ...]
    highest: tuple[float, ...]


def draw_curves(curves: Sequence[Curve], *, figure: str, recipe: str, dataset: str) -> "Figure":
    """A line for each curve, and a band from the lowest to the highest run where there are at least two.

    Args:
        curves: 1 to `MOST_CURVES`.
        figure: the name of what is drawn, as in `metrics.jsonl`.
        recipe: of all runs.
        dataset: of all runs.
    """
    from matplotlib.figure import Figure

    labels = legend_labels(curves)
    columns, rows = legend_shape(labels)
    picture = Figure(figsize=(7.2, 4.3 + 0.19 * rows))
    axes = picture.subplots()
    handles: list[Any] = []  # artists, or those that are drawn over each other
    for curve, (colour, line_style, marker) in zip(curves, LOOKS[: len(curves)], strict=True):
        mark = marker if len(curve.steps) <= MOST_MARKERS else ""
        (line,) = axes.plot(curve.steps, curve.mean, color=colour, linestyle=line_style, marker=mark, zorder=3)
        if len(curve.runs) > 1:
            edge = 0.0 if len(curve.steps) > 1 else 2.0  # a band over one step has no area, only an edge
            band = axes.fill_between(
                curve.steps, curve.lowest, curve.highest, color=colour, alpha=0.16, linewidth=edge, zorder=2
            )
            handles.append((band, line))
        else:
            handles.append((line,))
    axes.set_title(f"{drawable(recipe, 'runs', 40)} on {drawable(dataset, 'own data', 60)}", parse_math=False)
    axes.set_ylabel(f"{drawable(figure_name(figure), 'figure', 40)} on validation", parse_math=False)
    axes.set_xlabel("steps")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    legend = picture.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=3.4, columnspacing=2)
    for text in legend.get_texts():
        text.set_parse_math(False)
    if any(len(curve.runs) > 1 for curve in curves):
        legend.set_title("Lines: means over the runs. Bands: from the lowest run to the highest.")
        legend.get_title().set_color(GREY)
        legend.set_alignment("left")
    return picture


def legend_labels(curves: Sequence[Curve]) -> list[str]:
    """The name of each curve and the number of its runs, on as many lines as it needs."""
    labels = []
    for place, curve in enumerate(curves, 1):
        count = "1 run" if len(curve.runs) == 1 else f"{len(curve.runs):,} runs"
        name = drawable(curve.name, f"setting {place}", LONGEST_NAME)
        told = f"{name}, {count}" if name else count
        labels.append(textwrap.fill(told, LEGEND_WIDTH, break_on_hyphens=False))
    return labels


def legend_shape(labels: Sequence[str]) -> tuple[int, int]:
    """How many columns the labels fit into, at most three, and how many lines that takes."""
    width = SAMPLE_WIDTH + max(len(line) for label in labels for line in label.split("\n"))
    columns = max(1, min(len(labels), 3, (LEGEND_WIDTH + SAMPLE_WIDTH) // width))
    lines = sum(label.count("\n") + 1 for label in labels)
    return columns, -(-lines // columns)
