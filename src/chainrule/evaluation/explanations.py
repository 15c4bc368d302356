"""One picture that shows what a classifier sees in another."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from chainrule.evaluation.glyphs import drawable, drawable_names
from chainrule.evaluation.plots import BLUE, GREY
from chainrule.evaluation.wording import one_line
from chainrule.inference.saliency import Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES, MOST_TILES = 10, 32


def draw_explanation(found: Explanation, *, title: str) -> "Figure":
    """The picture, what speaks for its class, the probabilities, the first filters and what comes of them.

    Args:
        found: what is known of the picture.
        title: its name.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.4, 7.4))
    parts: Any = figure.subfigures(2, 1)
    seen, where, sure = parts[0].subplots(1, 3, width_ratios=[1.0, 1.0, 1.25])
    filters, answers = parts[1].subplots(1, 2)
    picture = _shown(found.picture)
    _image(seen, picture)
    seen.set_title(drawable(one_line(title, 40), "picture"), parse_math=False)
    _image(where, picture.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.6 + 0.4)
    where.imshow(found.saliency, cmap="magma", vmin=0, vmax=1, alpha=0.25 + 0.6 * found.saliency)
    best = int(found.probabilities.argmax())
    names = drawable_names(found.classes)
    where.set_title(f"What speaks for {one_line(names[best], 24)}", parse_math=False)
    where.set_xlabel(f"Grad-CAM of maps of {found.places[1]} x {found.places[0]}", color=GREY)
    _draw_probabilities(sure, found.probabilities, names)
    kernels = _scaled(found.filters[:MOST_TILES])
    _image(filters, tiled(kernels))
    filters.set_title(_told("First filters", len(kernels), len(found.filters)))
    order = np.argsort(-found.activations.mean(axis=(1, 2)), kind="stable")[:MOST_TILES]
    strongest = found.activations[np.sort(order), None]
    _image(answers, tiled(_between_extremes(strongest)))
    answers.set_title(_told("What comes of them", len(strongest), len(found.activations)))
    return figure


def _told(what: str, shown: int, there_are: int) -> str:
    return f"{what}: {shown}" if shown == there_are else f"{what}: {shown} of {there_are}"


def _draw_probabilities(axes: "Axes", probabilities: Float[np.ndarray, " classes"], names: list[str]) -> None:
    order = np.argsort(-probabilities, kind="stable")[:MOST_CLASSES][::-1]
    places = np.arange(len(order))
    axes.barh(places, probabilities[order], color=BLUE, height=0.7)
    axes.set_yticks(places, [one_line(names[index], 24) for index in order], parse_math=False)
    for place, index in enumerate(order):
        axes.text(probabilities[index] + 0.02, place, f"{probabilities[index]:.1%}", va="center", color="#222222")
    axes.set_xlim(0, 1.18)
    axes.set_xticks([0, 0.5, 1])
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_title("Probability")


def _image(axes: "Axes", picture: Float[np.ndarray, "height width colours"]) -> None:
    axes.imshow(picture, interpolation="nearest", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")


def _shown(picture: np.ndarray) -> np.ndarray:
    """Bytes (channels, height, width) as (height, width, 3) from 0 to 1."""
    coloured = np.broadcast_to(picture, (3, *picture.shape[1:])) if len(picture) == 1 else picture
    return coloured.transpose(1, 2, 0) / 255.0


def _scaled(kernels: np.ndarray) -> np.ndarray:
    """Kernels with 0 as middle grey, each as far as its own largest weight."""
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    scaled: np.ndarray = 0.5 + 0.5 * kernels / np.maximum(largest, 1e-12)
    return scaled


def _between_extremes(maps: np.ndarray) -> np.ndarray:
    """Maps from 0, their own lowest value, to 1, their own highest."""
    low, high = (extreme(maps, axis=(1, 2, 3), keepdims=True) for extreme in (np.min, np.max))
    scaled: np.ndarray = (maps - low) / np.maximum(high - low, 1e-12)
    return scaled


def tiled(tiles: np.ndarray) -> np.ndarray:
    """Pictures (tiles, channels, height, width) beside and below each other with light grey between, (…, …, 3)."""
    count, channels, height, width = tiles.shape
    if channels != 3:  # of more than one channel the mean is shown
        tiles = tiles.mean(axis=1, keepdims=True).repeat(3, axis=1)
    gap = max(1, width // 8)
    columns = max(1, math.ceil(math.sqrt(2 * count)))
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 0.88)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        top, left = row * (height + gap), column * (width + gap)
        sheet[top : top + height, left : left + width] = tile.transpose(1, 2, 0)
    return sheet
