"""Values for rows of tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from chainrule.data.preprocess import TablePreprocessor, TargetScaler
from chainrule.data.table_columns import Category
from chainrule.errors import DataError
from chainrule.inference.classes import outputs_of
from chainrule.learners.batches import gather_rows, in_batches
from chainrule.models.folder import ModelConfig, read_model, read_text
from chainrule.runtime.devices import Compute

BATCH_SIZE = 4096
FEATURES, TARGET = "preprocessor_config.json", "target_config.json"


def table_files(preprocessor: TablePreprocessor, scaler: TargetScaler) -> dict[str, str]:
    """What a table model's folder holds beside its weights."""
    return {FEATURES: preprocessor.to_json(), TARGET: scaler.to_json()}


class TableRegressor:
    """Predicts a value for each row, from columns treated as those that were learned from."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        self.config = config
        self.preprocessor = TablePreprocessor.from_json(read_text(folder / FEATURES))
        self._scaler = TargetScaler.from_json(read_text(folder / TARGET))
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

    def example(self) -> dict[str, Any]:
        """A row of common values."""
        return {
            column.name: column.categories[0] if isinstance(column, Category) else round(column.mean, 3)
            for column in self.preprocessor.columns
        }

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


def load_table_regressor(folder: Path, compute: Compute) -> TableRegressor:
    """The model in a folder, verified and ready to answer."""
    return TableRegressor(folder, *read_model(folder), compute)
