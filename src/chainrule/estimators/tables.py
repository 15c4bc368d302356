"""Estimators for tables: rows of numbers to a class or a value."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.data.preprocess import TablePreprocessor, TargetScaler
from chainrule.estimators.fitting import classes_and_labels, compute_of, outputs, settings_of, train
from chainrule.learners.schedule import Decay
from chainrule.recipes.mlp_classification import MlpClassification
from chainrule.recipes.mlp_regression import MlpRegression
from chainrule.runtime.progress import say
from chainrule.training.options import DeviceName, PrecisionName

if TYPE_CHECKING:
    from torch import nn

    from chainrule.learners.objectives import Objective


@dataclass(kw_only=True, eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron that classifies the rows of a table.

    Columns are standardised by the rows it is fitted on. NaN is a missing value: it counts as its column's mean,
    and where a column lacked values in fitting, a further input says so.

    Args:
        hidden_sizes: units of each hidden layer, each ≥ 1.
        dropout: share of the hidden units silenced in training, in [0, 0.99].
        class_weights: `balanced` lets every class count the same in all, however rare; or `equal`.
        label_smoothing: share of the target that is spread over all classes, in [0, 0.99].
        batch_size: rows an update, ≥ 1.
        epochs: times every row is seen, > 0.
        least_steps: updates there are at least, so that a small table is seen often enough, ≥ 1.
        learning_rate: the highest learning rate, > 0.
        warmup: share of the steps in which the learning rate rises, in [0, 0.99].
        decay: how it falls afterwards: `constant`, `linear` or `cosine`.
        weight_decay: pull of the weights towards 0, ≥ 0.
        clip_norm: largest norm of the gradient, > 0; None never clips.
        random_state: an integer for the same weights each time, scikit-learn's meaning otherwise.
        device: `cpu`, `cuda`, `mps`, or `auto` for the best there is; answers are computed on the CPU.
        precision: of the products in training: `fp32`, `bf16`, or `auto` by the device's features.
        threads: processor threads, from 1 to 512; None for torch's own number.

    Attributes:
        classes_: the classes in their order, (classes,).
        n_features_in_: columns of the table.
        feature_names_in_: their names, where it was fitted on a table with names.
        model_: the network, a `torch.nn.Module` in float64.
    """

    hidden_sizes: tuple[int, ...] = (64, 64)
    dropout: float = 0.2
    class_weights: Literal["equal", "balanced"] = "equal"
    label_smoothing: float = 0.05
    batch_size: int = 64
    epochs: float = 40
    least_steps: int = 300
    learning_rate: float = 2e-3
    warmup: float = 0.1
    decay: Decay = "cosine"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    random_state: int | RandomState | None = None
    device: DeviceName = "cpu"
    precision: PrecisionName = "fp32"
    threads: int | None = 1

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Trains fresh weights.

        Args:
            X: numbers, (rows, columns); NaN where one is missing.
            y: the class of each row, (rows,).

        Raises:
            ValueError: X or y is not of that kind.
            ColumnError: no column tells rows apart, or one holds numbers too large to be squared.
            OptionError: a parameter is out of its range.
        """
        recipe = settings_of(self, MlpClassification)
        table, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2)
        self.classes_, labels = classes_and_labels(table, y)
        self.preprocessor_ = _fit_preprocessor(table)
        self.model_ = _train_perceptron(
            self,
            recipe,
            table=table,
            targets=labels,
            output_size=len(self.classes_),
            objective=recipe.classifying.objective_for(labels, len(self.classes_)),
        )
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class for each row, (rows, classes)."""
        from chainrule.inference.classes import softmax

        return softmax(_outputs(self, X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row, (rows,)."""
        best = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[best]
        return found

    def __sklearn_tags__(self) -> Any:
        return _table_tags(super().__sklearn_tags__())


@dataclass(kw_only=True, eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron that predicts a value for each row of a table.

    Columns are standardised by the rows it is fitted on, and so is the target. NaN is a missing value: it counts as
    its column's mean, and where a column lacked values in fitting, a further input says so.

    Args:
        hidden_sizes: units of each hidden layer, each ≥ 1.
        dropout: share of the hidden units silenced in training, in [0, 0.99].
        batch_size: rows an update, ≥ 1.
        epochs: times every row is seen, > 0.
        least_steps: updates there are at least, so that a small table is seen often enough, ≥ 1.
        learning_rate: the highest learning rate, > 0.
        warmup: share of the steps in which the learning rate rises, in [0, 0.99].
        decay: how it falls afterwards: `constant`, `linear` or `cosine`.
        weight_decay: pull of the weights towards 0, ≥ 0.
        clip_norm: largest norm of the gradient, > 0; None never clips.
        random_state: an integer for the same weights each time, scikit-learn's meaning otherwise.
        device: `cpu`, `cuda`, `mps`, or `auto` for the best there is; answers are computed on the CPU.
        precision: of the products in training: `fp32`, `bf16`, or `auto` by the device's features.
        threads: processor threads, from 1 to 512; None for torch's own number.

    Attributes:
        n_features_in_: columns of the table.
        feature_names_in_: their names, where it was fitted on a table with names.
        model_: the network, a `torch.nn.Module` in float64.
    """

    hidden_sizes: tuple[int, ...] = (64, 64)
    dropout: float = 0.2
    batch_size: int = 128
    epochs: float = 60
    least_steps: int = 300
    learning_rate: float = 2e-3
    warmup: float = 0.1
    decay: Decay = "cosine"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    random_state: int | RandomState | None = None
    device: DeviceName = "cpu"
    precision: PrecisionName = "fp32"
    threads: int | None = 1

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Trains fresh weights.

        Args:
            X: numbers, (rows, columns); NaN where one is missing.
            y: the value of each row, (rows,).

        Raises:
            ValueError: X or y is not of that kind.
            ColumnError: no column tells rows apart, or one holds numbers too large to be squared.
            OptionError: a parameter is out of its range.
        """
        from chainrule.learners.objectives import squared_error

        recipe = settings_of(self, MlpRegression)
        table, values = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2, y_numeric=True
        )
        values = values.astype(np.float64)
        self.preprocessor_ = _fit_preprocessor(table)
        self.scaler_ = TargetScaler.fit(values)
        self.model_ = _train_perceptron(
            self,
            recipe,
            table=table,
            targets=self.scaler_.scale(values),
            output_size=1,
            objective=squared_error,
        )
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The value of each row, in the unit of `y`, (rows,)."""
        scaled = _outputs(self, X)
        return self.scaler_.restore(scaled[:, 0])

    def __sklearn_tags__(self) -> Any:
        return _table_tags(super().__sklearn_tags__())


def _columns(table: NDArray[np.float64]) -> dict[str, pa.Array]:
    return {f"x{number}": pa.array(column) for number, column in enumerate(np.ascontiguousarray(table.T))}


def _fit_preprocessor(table: NDArray[np.float64]) -> TablePreprocessor:
    preprocessor = TablePreprocessor.of({name: [column] for name, column in _columns(table).items()})
    for note in preprocessor.notes:
        say(note)
    return preprocessor


def _train_perceptron(
    estimator: MLPClassifier | MLPRegressor,
    recipe: MlpClassification | MlpRegression,
    *,
    table: NDArray[np.float64],
    targets: NDArray[Any],
    output_size: int,
    objective: "Objective",
) -> "nn.Module":
    from chainrule.learners.batches import gather_rows
    from chainrule.models.mlp import MultilayerPerceptron

    features = estimator.preprocessor_.transform(_columns(table))
    model = train(
        estimator,
        recipe.fitting,
        build=lambda: MultilayerPerceptron(
            input_size=features.shape[1],
            hidden_sizes=recipe.hidden_sizes,
            output_size=output_size,
            dropout=recipe.dropout,
        ),
        gather=lambda device: gather_rows(features, device),
        targets=targets,
        objective=objective,
    )
    return model.double()


def _outputs(estimator: MLPClassifier | MLPRegressor, X: ArrayLike) -> NDArray[np.float32]:
    """The network's outputs, (rows, outputs).

    Products are rounded differently in batches of different sizes; in float64 a row's answer in float32 is the same
    whichever rows stand beside it.
    """
    from chainrule.learners.batches import gather_rows

    check_is_fitted(estimator)
    table = validate_data(estimator, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
    features = estimator.preprocessor_.transform(_columns(table)).astype(np.float64)
    compute = dataclasses.replace(compute_of(estimator), device="cpu", precision="fp32")
    return outputs(estimator.model_, compute, lambda device: gather_rows(features, device), len(features))


def _table_tags(tags: Any) -> Any:
    tags.input_tags.allow_nan = True
    return tags
