"""The pictures of a report, in one style: each function gives a figure, `render_png` its bytes."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from chainrule.evaluation.glyphs import drawable, drawable_names, font_families, note_on_names
from chainrule.evaluation.wording import figure_name
from chainrule.metrics import Reliability, r2

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which every kind of colour vision tells apart.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#7F7F7F"
STYLE: Any = {  # matplotlib types each key's value apart
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.15,
}
MOST_NUMBERED_CLASSES = 20  # beyond that the cells are too small for numbers
MOST_LEVEL_CHARACTERS = 30  # of all class names together, to stand side by side without being turned
MOST_MARKERS = 30  # of a curve, beyond which they touch
MOST_POINTS = 3000  # beyond that points hide each other


def render_png(draw: "Callable[[], Figure]") -> bytes:
    """Draws a figure in the house style, whatever the user's own style is, and gives the PNG's bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | {"font.family": list(font_families())})
        figure = draw()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", metadata={"Software": "chainrule"})
    return buffer.getvalue()


def learning_panels(lines: Iterable[Mapping[str, Any]], metric: str) -> list[str]:
    """What of loss and metric the lines hold, each a panel of the learning curve."""
    held = {name for line in lines for name in line}
    return [name for name in dict.fromkeys(("loss", metric)) if name in held]


def draw_learning_curve(lines: Sequence[Mapping[str, Any]], panels: Sequence[str]) -> "Figure":
    """Figures in training and validation against the steps.

    Args:
        lines: of `metrics.jsonl`: each has `step`, `split` and figures.
        panels: the figures to draw below each other, such as `learning_panels` finds.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, 1.4 + 2.2 * len(panels)))
    for axes, name in zip(figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0], panels, strict=True):
        for split, colour, label in (("train", BLUE, "training"), ("validation", ORANGE, "validation")):
            points = [(line["step"], line[name]) for line in lines if line["split"] == split and name in line]
            if points:
                marker = "o" if len(points) <= MOST_MARKERS else ""
                axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=label)
        axes.set_ylabel(figure_name(name))
        axes.legend(loc="best")
    figure.axes[0].set_title("Learning curve")
    figure.axes[-1].set_xlabel("steps")
    figure.axes[-1].xaxis.set_major_formatter("{x:,.0f}")
    return figure


def draw_confusion(counts: Int[np.ndarray, "classes classes"], classes: Sequence[str]) -> "Figure":
    """Which classes are taken for which; the colour is the share of the row.

    Args:
        counts: examples of each true class (row) said to be of each class (column).
        classes: their names.
    """
    from matplotlib.figure import Figure

    count = len(classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = drawable_names(classes)
    side = min(2.6 + 0.42 * count, 14.0)
    figure = Figure(figsize=(side + 1.0, side))
    axes: Axes = figure.subplots()
    axes.grid(visible=False)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = float(np.clip(260 / count, 5, 10))
    level = sum(map(len, names)) <= MOST_LEVEL_CHARACTERS
    turned: Any = {} if level else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(count), names, fontsize=size, parse_math=False, **turned)
    axes.set_yticks(range(count), names, fontsize=size, parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if count <= MOST_NUMBERED_CLASSES:
        for row, column in zip(*np.nonzero(counts), strict=True):
            ink = "white" if shares[row, column] > 0.55 else "#222222"
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=ink, fontsize=size)
    axes.set_title(f"Confusion matrix, test examples: {counts.sum():,}")
    axes.set_xlabel("\n".join(filter(None, ("predicted class", note_on_names(classes, names)))))
    axes.set_ylabel("true class")
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, pad=0.03, format="{x:.0%}")
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    return figure


def draw_calibration(found: Reliability) -> "Figure":
    """How often the model is right where it is so sure, and below it how many examples that is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 6.0))
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    filled = found.examples > 0
    upper.plot((0, 1), (0, 1), color=GREY, linestyle="--", linewidth=1.2)
    upper.plot(found.confidence[filled], found.accuracy[filled], color=BLUE, marker="o", clip_on=False)
    upper.text(0.04, 0.93, "above the line: too modest", color=GREY)
    upper.text(0.96, 0.05, "below the line: too sure", color=GREY, ha="right")
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is right", title="Calibration")
    bins = len(found.examples)
    lower.bar((np.arange(bins) + 0.5) / bins, found.examples, width=0.9 / bins, color=BLUE)
    lower.set_xlabel("probability the model gives its answer")
    _count_on(lower)
    upper.yaxis.set_major_formatter("{x:.0%}")
    lower.xaxis.set_major_formatter("{x:.0%}")
    return figure


def draw_residuals(
    predictions: Float[np.ndarray, " examples"], targets: Float[np.ndarray, " examples"], target: str
) -> "Figure":
    """Predictions against the truth, and how the errors are distributed."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    name = drawable(target, "target")
    errors = predictions.astype(np.float64) - targets
    figure = Figure(figsize=(9.6, 4.2))
    left, right = figure.subplots(1, 2)
    if len(targets) > MOST_POINTS:
        shades = LogNorm(vmin=0.3)  # below 1, so that a single example is seen against the white
        cells = left.hexbin(targets, predictions, gridsize=45, mincnt=1, norm=shades, cmap="Blues", linewidths=0)
        bar = figure.colorbar(cells, ax=left, format="{x:,.0f}", label="test examples a cell")
        bar.outline.set_visible(False)
        bar.ax.set_ylim(bottom=1)
    else:
        left.scatter(targets, predictions, s=14, color=BLUE, alpha=0.45, linewidths=0)
    left.axline((float(targets[0]), float(targets[0])), slope=1, color=ORANGE, linewidth=1.2, label="no error")
    left.legend(loc="upper left")
    left.set_xlabel(f"{name}, true", parse_math=False)
    left.set_ylabel(f"{name}, predicted", parse_math=False)
    left.set_title(f"R² {r2(predictions, targets).value:.3f}, test examples: {len(targets):,}")
    bins = min(60, max(5, round(2 * len(errors) ** (1 / 3))))
    margin = 1e-6 * np.abs(errors).max()  # errors that differ by rounding alone leave no room for bins
    right.hist(errors, bins=bins, range=(errors.min() - margin, errors.max() + margin), color=BLUE)
    right.axvline(0, color=ORANGE, linewidth=1.2)
    right.set_xlabel(f"error of {name}: predicted − true", parse_math=False)
    _count_on(right)
    right.set_title(f"Mean error {errors.mean():.3g}, mean absolute error {np.abs(errors).mean():.3g}")
    return figure


def _count_on(axes: "Axes") -> None:
    """Numbers and names the vertical axis as one of whole test examples."""
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel("test examples")
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")
