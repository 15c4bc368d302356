"""Labels for pictures."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from chainrule.data.dataset import Positions
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.classes import answers, outputs_of, parts_fit, softmax
from chainrule.inference.inputs import listed
from chainrule.inference.saliency import Explanation, explain, require_maps
from chainrule.learners.batches import gather_pictures, in_batches
from chainrule.models.folder import ModelConfig, read_model, read_text
from chainrule.runtime.devices import Compute

BATCH_SIZE = 256
PREPROCESSING = "preprocessor_config.json"


def picture_files(preprocessor: PicturePreprocessor) -> dict[str, str]:
    """What a picture model's folder holds beside its weights."""
    return {PREPROCESSING: preprocessor.to_json()}


class PicturePredictor:
    """Classifies pictures, resized and standardised as those that were learned from."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        if config.classes is None:
            raise ModelFolderError(f"{folder} names no classes, and a classifier needs them.")
        self.config = config
        self.classes = config.classes
        self.preprocessor = PicturePreprocessor.from_json(read_text(folder / PREPROCESSING))
        self._model = model.to(compute.device)
        self._compute = compute

    def probabilities(self, read: Callable[[Positions], NDArray[np.uint8]], examples: int) -> NDArray[np.float64]:
        """Of each class for each picture, (pictures, classes).

        Args:
            read: positions → pixels, (pictures, channels, height, width).
            examples: how many pictures there are.
        """
        if not examples:
            return np.empty((0, len(self.classes)))
        with self._compute.active() as device:
            gather = gather_pictures(read, self.preprocessor, device)
        return softmax(outputs_of(self._model, gather, in_batches(examples, BATCH_SIZE), self._compute))

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """`label` and `probability` of each picture, given as the path of its file."""
        given = listed(inputs)
        for number, path in enumerate(given, 1):
            if not isinstance(path, str | Path):
                raise DataError(f"input {number} is {type(path).__name__}; this model takes paths of pictures.")
        paths = [Path(path) for path in given]

        def read(positions: Positions) -> NDArray[np.uint8]:
            return np.stack([self.preprocessor.load_picture(paths[place]) for place in positions])

        return answers(self.probabilities(read, len(paths)), self.classes)

    def require_explainable(self) -> None:
        """Refuses a model that cannot show what it goes by.

        Raises:
            ModelFolderError: it has no maps.
        """
        require_maps(self._model)

    def explain(self, path: Path | str) -> Explanation:
        """What the model sees in a picture, given as the path of its file."""
        pixels = self.preprocessor.load_picture(Path(path))

        def read(_: Positions) -> NDArray[np.uint8]:
            return pixels[None]

        (probabilities,) = self.probabilities(read, 1)
        with self._compute.active() as device:
            gather = gather_pictures(read, self.preprocessor, device)
            (picture,) = gather(np.zeros(1, np.int64))
            with parts_fit():
                return explain(self._model, picture, pixels, self.classes, probabilities)

    def example(self) -> str:
        """The path of a picture."""
        return "picture.png"

    def read_inputs(self, path: Path) -> Iterator[Path]:
        """The pictures of a folder, in the order of their names."""
        from chainrule.data.unlabelled import read_picture_paths

        return read_picture_paths(path)


def load_picture_predictor(folder: Path, compute: Compute) -> PicturePredictor:
    """The model in a folder, verified and ready to answer."""
    return PicturePredictor(folder, *read_model(folder), compute)
