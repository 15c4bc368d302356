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
MARKS = 12  # of a curve that has too many points to mark each
LONG_RUN = 10**8  # steps, whose numbers leave room for few
LEGEND_SIZE = 9  # points
LEGEND_WIDTH = 96  # characters that stand beside each other below the picture
LONGEST_SETTING = 300  # characters that are drawn
SAMPLE_WIDTH = 9  # characters that the sample of a line takes


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A figure against the steps, over the runs of one setting."""

    settings: tuple[str, ...]
    """Those in which it differs from the other curves, as flags; empty where it is alone."""
    runs: tuple[str, ...]
    """The runs, by their folders."""
    steps: tuple[int, ...]
    """Where all of them were evaluated, rising; at least one."""
    mean: tuple[float, ...]
    """Over the runs at each step."""
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    @property
    def name(self) -> str:
        """The settings on one line."""
        return " ".join(self.settings)


def draw_curves(curves: Sequence[Curve], *, figure: str, recipe: str, dataset: str) -> "Figure":
    """A line for each curve, and a band from the lowest to the highest run where there are at least two.

    Args:
        curves: 1 to `MOST_CURVES`.
        figure: the name of what is drawn, as in `metrics.jsonl`.
        recipe: of all runs.
        dataset: of all runs.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    labels = legend_labels(curves)
    columns, lines = legend_shape(labels)
    picture = Figure(figsize=(7.2, 4.3 + 0.018 * LEGEND_SIZE * lines))
    axes = picture.subplots()
    handles: list[Any] = []  # artists, or those that are drawn over each other
    for place, (curve, (colour, line_style, marker)) in enumerate(zip(curves, LOOKS, strict=False)):
        look: Any = {"color": colour, "linestyle": line_style, "marker": marker, "zorder": 3}
        (line,) = axes.plot(curve.steps, curve.mean, markevery=marked(len(curve.steps), place / len(curves)), **look)
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
    last = max(curve.steps[-1] for curve in curves)
    axes.xaxis.set_major_locator(MaxNLocator(3 if last >= LONG_RUN else "auto", integer=True, steps=(1, 2, 2.5, 5, 10)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    form: Any = {"ncols": columns, "columnspacing": 2, "handlelength": 4}
    form |= {"fontsize": LEGEND_SIZE, "title_fontsize": LEGEND_SIZE}
    legend = picture.legend(handles, labels, loc="outside lower left", **form)
    for text in legend.get_texts():
        text.set_parse_math(False)
    if any(len(curve.runs) > 1 for curve in curves):
        legend.set_title("Lines: means over the runs. Bands: from the lowest run to the highest.")
        legend.get_title().set_color(GREY)
        legend.set_alignment("left")
    return picture


def marked(points: int, shift: float) -> tuple[int, int]:
    """The first point of a curve that is marked, and how many come to a mark: all are, where there are few.

    Args:
        points: of the curve.
        shift: of the first mark, as a share of the distance to the next, so that curves beside each other differ.
    """
    every = 1 if points <= MOST_MARKERS else points // MARKS
    return int(shift * every), every


def legend_labels(curves: Sequence[Curve]) -> list[str]:
    """The settings of each curve and the number of its runs, on as many lines as they need; none is torn apart."""
    labels = []
    for place, curve in enumerate(curves, 1):
        count = "1 run" if len(curve.runs) == 1 else f"{len(curve.runs):,} runs"
        told = [drawable(one, f"{drawable(one.split()[0], '…')} ({place})", LONGEST_SETTING) for one in curve.settings]
        lines = [""]
        for word in [*told[:-1], f"{told[-1]}, {count}"] if told else [count]:
            if lines[-1] and len(lines[-1]) + 1 + len(word) > LEGEND_WIDTH:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
        labels.append(
            "\n".join(part for line in lines for part in textwrap.wrap(line, LEGEND_WIDTH, break_on_hyphens=False))
        )
    return labels


def legend_shape(labels: Sequence[str]) -> tuple[int, int]:
    """How many columns the labels fit into, at most three, and how many lines that takes."""
    width = SAMPLE_WIDTH + max(len(line) for label in labels for line in label.split("\n"))
    columns = max(1, min(len(labels), 3, (LEGEND_WIDTH + SAMPLE_WIDTH) // width))
    heights = [label.count("\n") + 1 for label in labels]
    return columns, max(1, -(-sum(heights) // columns))
