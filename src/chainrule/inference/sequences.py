"""Labels for sequences of vectors."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from chainrule.data.sequence_store import SequencePreprocessor, SequenceStore
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.classes import answers, outputs_of, softmax
from chainrule.inference.inputs import listed
from chainrule.learners.batches import gather_sequences, in_batches
from chainrule.models.folder import ModelConfig, read_model, read_text
from chainrule.runtime.devices import Compute

BATCH_SIZE = 256
PREPROCESSING = "preprocessor_config.json"


class SequencePredictor:
    """Classifies sequences, standardised as those that were learned from."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        if config.classes is None:
            raise ModelFolderError(f"{folder} names no classes, and a classifier needs them.")
        self.config = config
        self.classes = config.classes
        self.preprocessor = SequencePreprocessor.from_json(read_text(folder / PREPROCESSING))
        self._model = model.to(compute.device)
        self._compute = compute

    def probabilities(self, sequences: list[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Of each class for each sequence, (sequences, classes).

        Args:
            sequences: an array (time, values) each.
        """
        store = SequenceStore.of(sequences, self.preprocessor)
        if not len(store):
            return np.empty((0, len(self.classes)))
        with self._compute.active() as device:
            gather = gather_sequences(store, device)
        return softmax(
            outputs_of(self._model, gather, in_batches(len(store), BATCH_SIZE, store.lengths), self._compute)
        )

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """`label` and `probability` of each sequence: an array (time, values), or lists of steps as JSON."""
        sequences = [_sequence(number, given) for number, given in enumerate(listed(inputs), 1)]
        return answers(self.probabilities(sequences), self.classes)

    def example(self) -> list[list[float]]:
        """Two common steps."""
        return [[round(value, 3) for value in self.preprocessor.mean]] * 2

    def read_inputs(self, path: Path) -> Iterator[Any]:
        """The sequences of a file."""
        from chainrule.data.unlabelled import read_sequences

        return read_sequences(path)


def _sequence(number: int, given: Any) -> NDArray[np.float32]:
    try:
        steps = np.asarray(json.loads(given) if isinstance(given, str) else given, dtype=np.float32)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"input {number} is not a sequence ({error}); give steps such as [[0.1, 2], [0.3, 1]]."
        ) from error
    if steps.ndim != 2:
        raise DataError(f"input {number} has {steps.ndim} axes; give steps of values, such as [[0.1, 2], [0.3, 1]].")
    return steps


def load_sequence_predictor(folder: Path, compute: Compute) -> SequencePredictor:
    """The model in a folder, verified and ready to answer."""
    return SequencePredictor(folder, *read_model(folder), compute)
