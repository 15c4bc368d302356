"""Values for rows of tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from chainrule.data.preprocess import TablePreprocessor, TargetScaler
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.classes import outputs_of
from chainrule.learners.batches import gather_rows, in_batches
from chainrule.models.folder import ModelConfig, read_text
from chainrule.runtime.devices import Compute

BATCH_SIZE = 4096
PREPROCESSING = "preprocessor_config.json"


def table_files(preprocessor: TablePreprocessor, scaler: TargetScaler) -> dict[str, str]:
    """What a table model's folder holds beside its weights."""
    described = {"features": json.loads(preprocessor.to_json()), "target": json.loads(scaler.to_json())}
    return {PREPROCESSING: json.dumps(described, ensure_ascii=False, indent=2) + "\n"}


class TableRegressor:
    """Predicts a value for each row, from columns treated as those that were learned from."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        self.config = config
        path = folder / PREPROCESSING
        try:
            described = json.loads(read_text(path))
            features, target = json.dumps(described["features"]), json.dumps(described["target"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFolderError(f"{path} does not describe features and target ({error!r}).") from error
        self.preprocessor = TablePreprocessor.from_json(features)
        self._scaler = TargetScaler.from_json(target)
        self._model = model.to(compute.device)
        self._compute = compute

    def values(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The predicted value of each row, in the target's own unit, (rows,).

        Args:
            features: what the preprocessor made of the rows, (rows, width).
        """
        if not len(features):
            return np.empty(0)
        with self._compute.active() as device:
            gather = gather_rows(features, device)
        outputs = outputs_of(self._model, gather, in_batches(len(features), BATCH_SIZE), self._compute)
        return self._scaler.restore(outputs[:, 0])

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """The `value` of each row: a mapping from column to value, or the same as a JSON object."""
        rows = [_row(number, given) for number, given in enumerate(inputs, 1)]
        return [{"value": float(value)} for value in self.values(self.preprocessor.transform(rows))]

    def read_inputs(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a file."""
        from chainrule.data.unlabelled import read_rows

        return read_rows(path)


def _row(number: int, given: object) -> Mapping[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, Mapping):
        raise DataError(
            f'input {number} is not a row; give a JSON object such as {{"temp": 0.4, "season": 2}}, '
            "or a file with --data."
        )
    return given
