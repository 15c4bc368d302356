"""What a generator is worth: its samples beside real pictures, during the training and afterwards."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Examples
from chainrule.data.taught import Taught
from chainrule.errors import DataError
from chainrule.evaluation import sheets
from chainrule.evaluation.collapse import collapse
from chainrule.evaluation.generation import (
    COLUMNS,
    SHOWN,
    Seen,
    gaussian_pictures,
    judge_generation,
    sample_figures,
)
from chainrule.recipes.contract import ScoredFile, Setting
from chainrule.recipes.feature_network import FeatureNetwork, feature_network
from chainrule.runtime.draws import generator

if TYPE_CHECKING:
    from torch import nn

    from chainrule.evaluation.judgement import Judgement
    from chainrule.inference.generation import PictureGenerator
    from chainrule.training.album import Album

MOST_JUDGED = 10_000  # pictures


def shares_of(examples: Examples) -> NDArray[np.float64]:
    """The share of each class, (classes,)."""
    counts = np.bincount(examples.labels(), minlength=len(examples.dataset.classes or ()))
    return np.asarray(counts / counts.sum())


def seen_by(network: FeatureNetwork, pictures: NDArray[np.uint8]) -> Seen:
    """Pictures as the classifier sees them."""
    features, classes = network.see(pictures)
    return Seen(pictures=pictures, features=features, classes=classes)


def classes_asked(shares: NDArray[np.float64], count: int, place: str) -> NDArray[np.int64]:
    """The classes asked of a conditional generator: drawn as often as they are in training."""
    return generator(0, "classes", place).choice(len(shares), size=count, p=shares)


def validation_figures(
    train: Examples, held_out: Examples, setting: Setting, *, conditional: bool, most: int
) -> "Callable[[nn.Module], Mapping[str, float]]":
    """What an evaluation in the training computes of the averaged generator.

    Args:
        train: the training split, which the classifier learns from.
        held_out: the validation split.
        setting: of the run.
        conditional: whether the generator is told the class.
        most: pictures, real ones and made ones.
    """
    from chainrule.inference.generation import latents_of, pictures_of

    network = feature_network(train, setting.compute)
    real = seen_by(network, held_out.limited_to(most).pictures())
    shares = shares_of(train)
    count = max(len(real.pictures), min(most, 500))
    asked = classes_asked(shares, count, "validation") if conditional else None

    def figures(model: "nn.Module") -> Mapping[str, float]:
        latents = latents_of(range(count), model.latent_size)  # type: ignore[arg-type]
        return sample_figures(real, seen_by(network, pictures_of(model, latents, asked, setting.compute)), shares)

    return figures


def album_of(
    run: Path, model: "nn.Module", classes: int, setting: Setting, *, steps: int, conditional: bool
) -> "Album":
    """Draws the same latent vectors at every evaluation, and tells of collapse."""
    from chainrule.inference.generation import latents_of, pictures_of
    from chainrule.training.album import Album

    asked = shown_classes(classes) if conditional else None

    def draw() -> bytes:
        latents = latents_of(range(SHOWN), model.latent_size)  # type: ignore[arg-type]
        return sheets.as_png(sheets.sheet(pictures_of(model, latents, asked, setting.compute), columns=COLUMNS))

    def warn(line: Mapping[str, Any]) -> str | None:
        return collapse(line, classes)

    return Album(run, draw=draw, animate=sheets.as_gif, warn=warn, quiet_until=steps // 4)


def shown_classes(classes: int) -> NDArray[np.int64]:
    """The classes of a sheet of samples: one after the other."""
    return np.arange(SHOWN) % classes


def judge_samples(setting: Setting, model_folder: Path, rows: ScoredFile | None) -> "Judgement":
    """Scores a generator's samples against the test split, or against all pictures of a file.

    Raises:
        DataError: the training pictures, from which the classifier learns, are not at hand.
    """
    from chainrule.inference.generation import PictureGenerator, latents_of
    from chainrule.models.folder import read_model
    from chainrule.recipes.judging import scored_examples

    model, config = read_model(model_folder)
    predictor = PictureGenerator(model_folder, model, config, setting.compute)
    arguments = config.arguments
    shape = (arguments["channels"], arguments["height"], arguments["width"])
    like = Taught(classes=config.classes, picture_shape=shape)
    scored = scored_examples(setting, rows, like, kind="pictures")
    if scored.learned is None:
        raise DataError(
            "the training pictures are not at hand, and the classifier in whose features pictures are compared "
            "learns from them; restore them, then evaluate again."
        )
    train, held_out = scored.learned
    shares, test = shares_of(train), scored.test.limited_to(MOST_JUDGED)
    network = feature_network(train, setting.compute)
    conditional = predictor.classes is not None
    count = len(test)
    asked = classes_asked(shares, count, "test") if conditional else None
    made = predictor.make(latents_of(range(count), predictor.latent_size), asked)
    first = shown_classes(len(shares)) if conditional else None
    train_pictures = train.pictures()
    floor = seen_by(network, held_out.limited_to(count).pictures())
    judgement = judge_generation(
        real=seen_by(network, test.pictures()),
        made=seen_by(network, made),
        shown=predictor.make(latents_of(range(SHOWN), predictor.latent_size), first),
        baseline=seen_by(network, gaussian_pictures(train_pictures, train.labels(), count)),
        floor=floor,
        train=train_pictures,
        wanted=shares,
        classes=like.classes or (),
        between=predictor.make(*_between(predictor, len(shares))),
        accuracy=float((floor.classes == held_out.limited_to(count).labels()).mean()),
        asked=asked,
    )
    return scored.judged(judgement)


def _between(predictor: "PictureGenerator", classes: int) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
    """Latent vectors on the way from seed 2r to seed 2r + 1 in row r, each row of one class.

    The way is a great circle's, since vectors of normal values have nearly the same length.
    """
    from chainrule.inference.generation import latents_of

    rows = SHOWN // COLUMNS
    ends = latents_of(range(2 * rows), predictor.latent_size).reshape(rows, 2, 1, -1)
    angles = np.linspace(0, np.pi / 2, COLUMNS, dtype=np.float32)[:, None]  # (columns, 1)
    ways = np.cos(angles) * ends[:, 0] + np.sin(angles) * ends[:, 1]  # (rows, columns, latent)
    named = None if predictor.classes is None else np.repeat(np.arange(rows) % classes, COLUMNS)
    return ways.reshape(rows * COLUMNS, -1), named
