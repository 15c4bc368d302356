"""Judging a generator of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.evaluation import manifold
from chainrule.evaluation.collapse import collapse
from chainrule.evaluation.judgement import Judgement, Plot, Score
from chainrule.evaluation.sheets import Pixels, sheet
from chainrule.evaluation.wording import figure_text
from chainrule.runtime.draws import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRIC = "frechet_distance"
MOST_COMPARED = 5000  # examples, of each kind, for precision and recall
MOST_OF_A_CLASS = 2000  # pictures that the baseline learns from
SHOWN, COLUMNS = 64, 8
COPIED = 0.5  # share of the usual distance from the training pictures, below which a picture is a copy


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Pictures as the classifier sees them."""

    pictures: Pixels
    features: Float[np.ndarray, "pictures features"]
    classes: Int[np.ndarray, " pictures"]
    """The most probable ones."""


def sample_figures(real: Seen, made: Seen, wanted: Float[np.ndarray, " classes"]) -> dict[str, float]:
    """Every figure of made pictures beside real ones, by name.

    Args:
        real: pictures that nothing was learned from.
        made: those to judge.
        wanted: the share of each class in the training data.
    """
    few = (_spread(cloud.features, MOST_COMPARED) for cloud in (real, made))
    precision, recall = manifold.precision_and_recall(*few)
    coverage = manifold.class_coverage(made.classes, wanted)
    return {
        METRIC: manifold.frechet_distance(real.features, made.features),
        "precision": precision,
        "recall": recall,
        "classes_covered": float(coverage.covered),
        "class_divergence": coverage.divergence,
    }


def gaussian_pictures(train: Pixels, labels: Int[np.ndarray, " pictures"], count: int) -> Pixels:
    """The baseline's pictures: drawn from a normal distribution of the pixels, one for each class.

    mean + Σ wᵢ (xᵢ - mean) / √(n - 1) with wᵢ from N(0, 1) has the mean and the covariance of x₁ … xₙ, and no
    covariance need be computed.

    Args:
        train: the training pictures.
        labels: their classes.
        count: how many are wanted, each class as often as in training.
    """
    draw = generator(0, "gaussian pictures", count)
    chosen = labels[draw.integers(len(labels), size=count)]
    made = np.empty((count, *train.shape[1:]), np.uint8)
    for name in np.unique(chosen):
        places = np.flatnonzero(labels == name)[:MOST_OF_A_CLASS]
        pixels = train[places].reshape(len(places), -1).astype(np.float32)
        mean = pixels.mean(axis=0)
        weights = draw.standard_normal((int((chosen == name).sum()), len(places)), dtype=np.float32)
        drawn = mean + weights @ (pixels - mean) / max(1, len(places) - 1) ** 0.5
        made[chosen == name] = drawn.clip(0, 255).round().reshape(-1, *train.shape[1:])
    return made


def judge_generation(
    *,
    real: Seen,
    made: Seen,
    shown: Pixels,
    baseline: Seen,
    floor: Seen,
    train: Pixels,
    wanted: Float[np.ndarray, " classes"],
    classes: Sequence[str],
    between: Pixels,
    accuracy: float,
    asked: NDArray[np.int64] | None = None,
) -> Judgement:
    """Judges by the Fréchet distance; precision, recall and the classes stand beside it.

    Args:
        real: the test pictures.
        made: as many of the generator's, of seeds 0, 1, 2 …
        shown: of the first seeds; from a conditional generator one class after the other, and so not what is scored.
        baseline: as many of a plainer method.
        floor: real pictures that neither are the test's nor were learned from: no generator need be nearer.
        train: the training pictures, for the nearest one of each that is shown.
        wanted: the share of each class in training.
        classes: their names.
        between: pictures on the way from one latent vector to another, `COLUMNS` a row.
        accuracy: of the classifier in whose features all is compared, on `floor`.
        asked: the classes asked of a conditional generator.
    """
    figures = sample_figures(real, made, wanted)
    own = manifold.jackknifed_distance(real.features, made.features)
    plain = manifold.jackknifed_distance(real.features, baseline.features)
    lowest = manifold.frechet_distance(real.features, floor.features)
    places, distances = manifold.nearest(_flat(shown), _flat(train))
    _, usual = manifold.nearest(_flat(_spread(floor.pictures, SHOWN)), _flat(train))
    nearness = float(np.median(distances) / max(float(np.median(usual)), 1e-9))
    figures |= {"frechet_distance_of_real": lowest, "nearest_training_distance": nearness}
    if asked is not None:
        figures["class_agreement"] = float((made.classes == asked).mean())
    coverage = manifold.class_coverage(made.classes, wanted)
    notes = [_of_the_distance(accuracy), _of_the_floor(len(floor.pictures), lowest)]
    if sentence := collapse(figures, int((wanted > 0).sum())):
        notes.append(sentence[0].upper() + sentence[1:])
    if copies := int((distances < COPIED * np.median(usual)).sum()):
        notes.append(
            f"{copies} of the {len(shown)} pictures shown lie less than half as far from a training picture as real "
            "pictures usually do: they may be copies."
        )
    difference = manifold.jackknife_interval(own.value - plain.value, own.without - plain.without)
    return Judgement(
        metric=METRIC,
        higher_is_better=False,
        limits=(0, np.inf),
        value=own.value,
        interval=(max(0.0, own.interval[0]), own.interval[1]),
        examples=len(real.pictures),
        baselines=(
            Score(
                name="normal distribution of each class's pixels",
                value=plain.value,
                interval=(max(0.0, plain.interval[0]), plain.interval[1]),
                difference=difference,
                figures=sample_figures(real, baseline, wanted),
            ),
        ),
        figures=figures,
        tables={"class_shares": _shares(coverage.shares, wanted, classes)},
        extra={
            "classes_covered": coverage.covered,
            "precision": figures["precision"],
            "recall": figures["recall"],
        },
        plots=(
            Plot("samples.png", partial(_draw, shown, "Samples of seeds 0, 1, 2 …")),
            Plot(
                "neighbours.png",
                partial(
                    _draw,
                    _in_turns(shown[: SHOWN // 2], train[places[: SHOWN // 2]]),
                    "Samples, and below each its nearest training picture",
                ),
            ),
            Plot("interpolation.png", partial(_draw, between, "From one latent vector to another")),
        ),
        notes=tuple(notes),
    )


def _of_the_distance(accuracy: float) -> str:
    return (
        "The Fréchet distance is one in the features of a small classifier that learned these classes (accuracy "
        f"{figure_text(accuracy)} on the validation split); it is no Inception FID and compares with none."
    )


def _of_the_floor(pictures: int, distance: float) -> str:
    return (
        f"{pictures:,} real pictures of the validation split have a distance of {figure_text(distance)} from the test "
        "pictures: what so many pictures differ by when nothing else does."
    )


def _spread(rows: NDArray[Any], most: int) -> NDArray[Any]:
    """Rows from beginning to end, evenly: data sets are often in the order of their classes."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]


def _flat(pictures: Pixels) -> NDArray[np.float32]:
    return pictures.reshape(len(pictures), -1).astype(np.float32)


def _in_turns(first: Pixels, second: Pixels) -> Pixels:
    """A row of the first, then one of the second below it."""
    rows = [part[start : start + COLUMNS] for start in range(0, len(first), COLUMNS) for part in (first, second)]
    return np.concatenate(rows)


def _shares(
    shares: NDArray[np.float64], wanted: NDArray[np.float64], classes: Sequence[str]
) -> list[Mapping[str, Any]]:
    return [
        {"class": name, "made": float(share), "in_training": float(due)}
        for name, share, due in zip(classes, shares, wanted, strict=True)
    ]


def _draw(pictures: Pixels, title: str) -> "Figure":
    """A sheet of pictures with a title."""
    from matplotlib.figure import Figure

    pixels = sheet(pictures, columns=COLUMNS)
    height, width = pixels.shape[:2]
    figure = Figure(figsize=(5.6, 5.6 * height / width + 0.4))
    axes = figure.subplots()
    axes.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(title)
    return figure
