"""The best action in a state, by a table of action values."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.unlabelled import read_texts
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.inputs import listed
from chainrule.models.action_table import ActionTable
from chainrule.models.folder import ModelConfig
from chainrule.runtime.devices import Compute


class ActionPredictor:
    """Tells for each state the best action and what every action is worth."""

    def __init__(self, folder: Path, model: Any, config: ModelConfig, compute: Compute) -> None:  # noqa: ARG002 - as all
        if not isinstance(model, ActionTable):
            raise ModelFolderError(f"{folder} holds a {config.family!r}, which is no table of actions.")
        if config.classes is None or len(config.classes) != self._shape(model)[1]:
            raise ModelFolderError(f"{folder} does not name each of its actions; copy the whole model folder again.")
        if not np.isfinite(model.values.data).all():
            raise ModelFolderError(f"{folder} holds values that are not finite; train it again.")
        self.config = config
        self.actions = config.classes
        self.table = model

    @staticmethod
    def _shape(model: ActionTable) -> tuple[int, int]:
        states, actions = model.values.data.shape
        return states, actions

    @property
    def values(self) -> NDArray[np.float32]:
        """Q, (states, actions)."""
        return np.asarray(self.table.values.data)

    @property
    def visits(self) -> NDArray[np.float32]:
        """How often each pair was tried, (states, actions)."""
        return np.asarray(self.table.visits.data)

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """The best action of each state as `label`, what it is worth as `value`, and `values`, of all actions.

        `tried` is how often any action was tried there; after 0 times the answer means nothing, as in terminal states.

        Args:
            inputs: numbers of states, or their texts.
        """
        states = [self._state(number, given) for number, given in enumerate(listed(inputs), 1)]
        answers = []
        for state in states:
            row = self.values[state].tolist()
            best = int(self.values[state].argmax())
            values = dict(zip(self.actions, row, strict=True))
            tried = int(self.visits[state].sum(dtype=np.float64))
            answers.append({"label": self.actions[best], "value": row[best], "values": values, "tried": tried})
        return answers

    def _state(self, number: int, given: Any) -> int:
        states = len(self.values)
        is_number = isinstance(given, str | int | np.integer) and not isinstance(given, bool)
        text = str(given)
        if not is_number or not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < states):
            shown = repr(text[:60]) if is_number else type(given).__name__
            raise DataError(f"input {number} is {shown}; the number of a state, from 0 to {states - 1:,}, was needed.")
        return int(text)

    def example(self) -> str:
        """The state in the middle."""
        return str(len(self.values) // 2)

    def read_inputs(self, path: Path) -> Iterator[str]:
        """The states in a file, one a line."""
        return read_texts(path)
