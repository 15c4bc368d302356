"""Pictures from seeds and class names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import nn

from chainrule.data.unlabelled import read_texts
from chainrule.errors import DataError, ModelFolderError, NotFiniteError
from chainrule.inference.classes import parts_fit
from chainrule.inference.inputs import listed
from chainrule.models.folder import ModelConfig
from chainrule.runtime.devices import Compute
from chainrule.runtime.draws import generator

AT_ONCE = 250  # pictures
HIGHEST_SEED = 2**63 - 1


def latents_of(seeds: Sequence[int], size: int) -> Float[np.ndarray, "pictures latent"]:
    """The latent vector of each seed, drawn from N(0, 1); the same on every machine."""
    drawn = [generator(seed, "latent").standard_normal(size, dtype=np.float32) for seed in seeds]
    return np.array(drawn, np.float32).reshape(-1, size)


def pictures_of(
    network: nn.Module,
    latents: Float[np.ndarray, "pictures latent"],
    classes: NDArray[np.int64] | None,
    compute: Compute,
) -> UInt8[np.ndarray, "pictures channels height width"]:
    """What a generator makes, as pixels from 0 to 255.

    Args:
        network: on the device of `compute`.
        latents: one a picture.
        classes: likewise, where the generator knows of classes.
        compute: device and precision.

    Raises:
        NotFiniteError: a pixel is infinite or not a number.
    """
    made = []
    with compute.active() as device, torch.no_grad():
        for start in range(0, len(latents), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            chosen = None if classes is None else torch.from_numpy(classes[part]).to(device)
            with compute.autocast(), parts_fit():
                pixels = network(torch.from_numpy(latents[part]).to(device), chosen)  # in [-1, 1]
            if not bool(torch.isfinite(pixels).all()):
                raise NotFiniteError(
                    "the generator makes pixels that are not finite: its weights are damaged; train it again."
                )
            made.append((pixels * 127.5 + 127.5).round().to(torch.uint8).cpu().numpy())
    return np.ascontiguousarray(np.concatenate(made))


class PictureGenerator:
    """Makes a picture of each seed, of a class where the model knows of classes."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        size = getattr(model, "latent_size", None)
        if not isinstance(size, int):
            raise ModelFolderError(f"{folder} holds a {config.family!r}, which makes no pictures from latent vectors.")
        self.config = config
        self.classes = None
        if config.arguments.get("classes"):
            if config.classes is None:
                raise ModelFolderError(f"{folder} names no classes, and a conditional generator needs them.")
            self.classes = config.classes
        self.latent_size = size
        self.network = model.to(compute.device)
        self._compute = compute

    def make(
        self, latents: Float[np.ndarray, "pictures latent"], classes: NDArray[np.int64] | None = None
    ) -> UInt8[np.ndarray, "pictures channels height width"]:
        """The pictures of latent vectors, and of classes where the model knows of them."""
        return pictures_of(self.network, latents, classes, self._compute)

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """The picture of each input: `seed`, `label` where there are classes, and `pixels`.

        Args:
            inputs: a seed, a whole number from 0, or the text of one; of a model that knows of classes the name of
                one, for its picture of seed 0, or name:seed, such as "Sneaker:7".

        Returns:
            `pixels` as nested lists (height, width) of numbers from 0 to 255, (height, width, 3) where in colour.
        """
        asked = [self._understood(number, given) for number, given in enumerate(listed(inputs), 1)]
        if not asked:
            return []
        labels = None if self.classes is None else np.array([place for _, place in asked], np.int64)
        made = self.make(latents_of([seed for seed, _ in asked], self.latent_size), labels)
        answers = []
        for (seed, place), picture in zip(asked, made, strict=True):
            pixels = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
            named = {} if self.classes is None else {"label": self.classes[place]}
            answers.append({"seed": seed, **named, "pixels": pixels.tolist()})
        return answers

    def _understood(self, number: int, given: Any) -> tuple[int, int]:
        """The seed and the place of the class of an input."""
        if isinstance(given, bool) or not isinstance(given, str | int | np.integer):
            raise DataError(f"input {number} is {type(given).__name__}; this model takes {self._wanted()}.")
        text = str(given)
        if self.classes is None:
            return self._seed(number, text), 0
        # A name may hold a colon itself.
        name, seed = (text, "0") if text in self.classes else text.rpartition(":")[::2]
        if name not in self.classes:
            raise DataError(f"input {number} is {text[:60]!r}; this model takes {self._wanted()}.")
        return self._seed(number, seed), self.classes.index(name)

    def _seed(self, number: int, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= HIGHEST_SEED):
            raise DataError(
                f"input {number} names the seed {text[:60]!r}; a whole number from 0 to {HIGHEST_SEED} was needed."
            )
        return int(text)

    def _wanted(self) -> str:
        if self.classes is None:
            return "seeds, whole numbers from 0"
        return f"class names, alone or with a seed as in {self.classes[0] + ':7'!r}: {', '.join(self.classes)}"

    def example(self) -> str:
        """A seed, or a class and a seed."""
        return "7" if self.classes is None else f"{self.classes[0]}:7"

    def read_inputs(self, path: Path) -> Iterator[str]:
        """The seeds or names in a file, one a line."""
        return read_texts(path)
