"""The best action where an environment shows a vector."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from chainrule.data.unlabelled import read_texts
from chainrule.errors import DataError, ModelFolderError, NotFiniteError
from chainrule.inference.inputs import listed
from chainrule.models.folder import ModelConfig
from chainrule.models.q_network import VectorQNetwork
from chainrule.runtime.devices import Compute

TASK = "reinforcement-learning"
LARGEST = float(np.finfo(np.float32).max)


class VectorPredictor:
    """Tells for each observation the best action and what every action is worth."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        if not isinstance(model, VectorQNetwork):
            raise ModelFolderError(f"{folder} holds a {config.family!r}, which is no Q-network over vectors.")
        if config.classes is None or len(config.classes) != model.actions:
            raise ModelFolderError(f"{folder} does not name each of its actions; copy the whole model folder again.")
        self.config = config
        self.actions = config.classes
        self.network: VectorQNetwork = model.to(compute.device)
        self._compute = compute

    def values(self, vectors: Float[np.ndarray, "vectors input"]) -> Float[np.ndarray, "vectors actions"]:
        """What each action is worth.

        Raises:
            NotFiniteError: a value is infinite or not a number.
        """
        with self._compute.active() as device, torch.no_grad():
            values = self.network(torch.from_numpy(vectors).to(device))[:, 0].cpu().numpy()
        if not np.isfinite(values).all():
            raise NotFiniteError("the network gives values that are not finite; train it again, or look at the input.")
        return np.asarray(values)

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """The best action of each observation as `label`, what it is worth as `value`, and `values`, of all actions.

        Args:
            inputs: observations as lists of numbers, or as JSON text of such.
        """
        given = listed(inputs)
        if not given:
            return []
        vectors = np.array([self._understood(number, each) for number, each in enumerate(given, 1)], np.float32)
        answers = []
        for row in self.values(vectors):
            best, worth = int(row.argmax()), row.tolist()
            values = dict(zip(self.actions, worth, strict=True))
            answers.append({"label": self.actions[best], "value": worth[best], "values": values})
        return answers

    def _understood(self, number: int, given: Any) -> list[float]:
        wanted = f"a list of {self.network.input_size} numbers was needed, such as {self.example()}"
        try:
            numbers = json.loads(given) if isinstance(given, str) else np.asarray(given).tolist()
            vector = [float(value) for value in numbers if not isinstance(value, str | bool)]
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise DataError(f"input {number} is {str(given)[:60]!r}; {wanted}.") from error
        if (
            len(vector) != self.network.input_size
            or len(vector) != len(numbers)
            or not all(abs(value) <= LARGEST for value in vector)
        ):
            raise DataError(f"input {number} is {str(given)[:60]!r}; {wanted}.")
        return vector

    def example(self) -> str:
        """An observation of zeros."""
        return json.dumps([0.0] * self.network.input_size)

    def read_inputs(self, path: Path) -> Iterator[str]:
        """The observations in a file, one a line."""
        return read_texts(path)
