"""Values for rows of tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import Module, Tensor, no_grad
from chainrule.data.dataset import Examples, Positions
from chainrule.data.preprocess import TablePreprocessor, TargetScaler
from chainrule.data.row_store import RowStore, rows_at, rows_of
from chainrule.data.table_columns import Category
from chainrule.data.unlabelled import read_rows
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.classes import answers, in_order, outputs_of, parts_fit, softmax
from chainrule.inference.inputs import listed
from chainrule.learners.batches import gather_rows, gather_table, in_batches
from chainrule.models.folder import ModelConfig, read_model, read_text
from chainrule.runtime.devices import Compute

BATCH_SIZE = 4096
Rows = NDArray[np.float32] | Examples
"""What the preprocessor made of some rows, (rows, width), or the rows of a data set."""
FEATURES, TARGET = "preprocessor_config.json", "target_config.json"


def table_files(preprocessor: TablePreprocessor, scaler: TargetScaler | None) -> dict[str, str]:
    """What a table model's folder holds beside its weights."""
    files = {FEATURES: preprocessor.to_json()}
    return {**files, TARGET: scaler.to_json()} if scaler else files


class TableModel:
    """A network for rows, from columns treated as those that were learned from."""

    def __init__(self, folder: Path, model: Any, compute: Compute) -> None:
        self.preprocessor = TablePreprocessor.from_json(read_text(folder / FEATURES))
        self._model = model if isinstance(model, Module) else model.to(compute.device)
        self._compute = compute

    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        """What the network gives for each row, of which there is at least one, (rows, outputs)."""
        batches = in_batches(len(rows), BATCH_SIZE)
        if isinstance(self._model, Module):
            with self._compute.active():
                given = rows_of(rows, self.preprocessor) if isinstance(rows, Examples) else rows
                return in_order(partial(array_outputs, self._model, given), batches)
        with self._compute.active() as device:
            if isinstance(rows, Examples):
                gather = gather_table(rows, self.preprocessor, device)
            else:
                gather = gather_rows(rows, device)
        return outputs_of(self._model, gather, batches, self._compute)

    def features(self, inputs: Sequence[Any]) -> NDArray[np.float32]:
        """Mappings from column to value, or the same as JSON objects, as features (rows, width)."""
        rows = [_row(number, given) for number, given in enumerate(listed(inputs), 1)]
        return self.preprocessor.transform(rows) if rows else np.empty((0, self.preprocessor.width), np.float32)

    def example(self) -> dict[str, Any]:
        """A row of common values."""
        return {
            column.name: column.categories[0] if isinstance(column, Category) else round(column.mean, 3)
            for column in self.preprocessor.columns
        }


def array_outputs(network: Module, rows: NDArray[np.float32] | RowStore, positions: Positions) -> NDArray[np.float32]:
    """What a network of `chainrule.autograd` gives for some of the rows, (positions, outputs), with NumPy alone."""
    features = rows_at(rows, positions)
    # What overflows is told as an answer that is not finite.
    with parts_fit(), no_grad(), np.errstate(over="ignore", invalid="ignore"):
        outputs: NDArray[np.float32] = network(Tensor(features)).data
    return outputs


class TableRegressor:
    """Predicts a value for each row."""

    def __init__(self, folder: Path, model: Any, config: ModelConfig, compute: Compute) -> None:
        self.config = config
        self.table = TableModel(folder, model, compute)
        self._scaler = TargetScaler.from_json(read_text(folder / TARGET))

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """The predicted value of each row, in the target's own unit, (rows,)."""
        return self._scaler.restore(self.table.outputs(rows)[:, 0]) if len(rows) else np.empty(0)

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """The `value` of each row: a mapping from column to value, or the same as a JSON object."""
        return [{"value": float(value)} for value in self.values(self.table.features(inputs))]

    def example(self) -> dict[str, Any]:
        """A row of common values."""
        return self.table.example()

    def read_inputs(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a file."""
        return read_rows(path)


class TableClassifier:
    """Predicts a class for each row."""

    def __init__(self, folder: Path, model: Any, config: ModelConfig, compute: Compute) -> None:
        if config.classes is None:
            raise ModelFolderError(f"{folder} names no classes, and a classifier needs them.")
        self.config = config
        self.classes = config.classes
        self.table = TableModel(folder, model, compute)

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Of each class for each row, (rows, classes)."""
        return softmax(self.table.outputs(rows)) if len(rows) else np.empty((0, len(self.classes)))

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """`label` and `probability` of each row: a mapping from column to value, or the same as a JSON object."""
        return answers(self.probabilities(self.table.features(inputs)), self.classes)

    def example(self) -> dict[str, Any]:
        """A row of common values."""
        return self.table.example()

    def read_inputs(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The rows of a file."""
        return read_rows(path)


def _row(number: int, given: object) -> Mapping[str, Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
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


def load_table_classifier(folder: Path, compute: Compute) -> TableClassifier:
    """The model in a folder, verified and ready to answer."""
    return TableClassifier(folder, *read_model(folder), compute)
