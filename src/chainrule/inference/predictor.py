"""A model folder made ready to answer, whatever its task."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from chainrule.autograd import Module
from chainrule.errors import ModelFolderError
from chainrule.models.folder import CONFIG, ModelConfig, read_model
from chainrule.runtime.devices import Compute, resolve_compute

PREDICTORS = {
    "image-classification": "chainrule.inference.pictures:PicturePredictor",
    "image-generation": "chainrule.inference.generation:PictureGenerator",
    "maze-reinforcement-learning": "chainrule.inference.mazes:MazePredictor",
    "reinforcement-learning": "chainrule.inference.vectors:VectorPredictor",
    "sequence-classification": "chainrule.inference.sequences:SequencePredictor",
    "tabular-classification": "chainrule.inference.tables:TableClassifier",
    "tabular-reinforcement-learning": "chainrule.inference.actions:ActionPredictor",
    "tabular-regression": "chainrule.inference.tables:TableRegressor",
    "text-classification": "chainrule.inference.texts:TextPredictor",
}
"""Every task a model folder may name, and what answers it."""


class Predictor(Protocol):
    """Answers questions of one kind."""

    config: ModelConfig

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """One answer an input, in their order: `label` and `probability`, or `value`, or `pixels`.

        Raises:
            DataError: an input is not of the kind the model takes.
        """
        ...

    def example(self) -> Any:
        """An input the model takes, for those who have none at hand."""
        ...

    def read_inputs(self, path: Path) -> Iterator[Any]:
        """The inputs in a file or folder, without labels."""
        ...


def load_predictor(folder: Path, compute: Compute | None = None) -> Predictor:
    """The model in a folder, verified and ready to answer.

    Args:
        folder: a model folder.
        compute: device and precision; the best device in fp32 where None.

    Raises:
        ModelFolderError: anything in the folder is missing, damaged or does not fit the rest.
    """
    compute = compute or resolve_compute(precision="fp32")
    model, config = read_model(folder)
    location = PREDICTORS.get(config.task)
    if location is None:
        raise ModelFolderError(
            f"{folder / CONFIG} names the task {config.task!r}; this version knows {', '.join(PREDICTORS)}."
        )
    if isinstance(model, Module) and not config.task.startswith("tabular-"):
        raise ModelFolderError(
            f"{folder / CONFIG} names the task {config.task!r}, and {config.family!r} is a network for tables; "
            "copy the whole model folder again."
        )
    module, _, attribute = location.partition(":")
    predictor: Predictor = getattr(importlib.import_module(module), attribute)(folder, model, config, compute)
    return predictor
