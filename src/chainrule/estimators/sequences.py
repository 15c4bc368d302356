"""The estimator for sequences of vectors."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.data.sequence_store import SequencePreprocessor, SequenceStore
from chainrule.errors import DataError
from chainrule.estimators.fitting import classes_and_labels, compute_of, outputs, settings_of, train
from chainrule.learners.schedule import Decay
from chainrule.recipes.sequence_lstm import SequenceLstm
from chainrule.training.options import DeviceName, PrecisionName


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A bidirectional LSTM that classifies sequences of vectors, which may differ in length.

    Values are standardised by the sequences it is fitted on.

    Args:
        hidden_size: units of the LSTM in each direction, ≥ 1.
        noise: standard deviation of what is added to each standardised value in training, ≥ 0.
        dropout: share of the features silenced in training, in [0, 0.99].
        class_weights: `balanced` lets every class count the same in all, however rare; or `equal`.
        label_smoothing: share of the target that is spread over all classes, in [0, 0.99].
        batch_size: sequences an update, ≥ 1.
        epochs: times every sequence is seen, > 0.
        least_steps: updates there are at least, so that a few sequences are seen often enough, ≥ 1.
        learning_rate: the highest learning rate, > 0.
        warmup: share of the steps in which the learning rate rises, in [0, 0.99].
        decay: how it falls afterwards: `constant`, `linear` or `cosine`.
        weight_decay: pull of the weights towards 0, ≥ 0.
        clip_norm: largest norm of the gradient, > 0; None never clips.
        random_state: an integer for the same weights each time, scikit-learn's meaning otherwise.
        device: `cpu`, `cuda`, `mps`, or `auto` for the best there is.
        precision: of the products: `fp32`, `bf16`, or `auto` by the device's features.
        threads: processor threads, from 1 to 512; None for torch's own number.

    Attributes:
        classes_: the classes in their order, (classes,).
        n_features_in_: values a step.
        model_: the network, a `torch.nn.Module`.
    """

    hidden_size: int = 64
    noise: float = 0.3
    dropout: float = 0.3
    class_weights: Literal["equal", "balanced"] = "equal"
    label_smoothing: float = 0.1
    batch_size: int = 32
    epochs: float = 60
    least_steps: int = 100
    learning_rate: float = 5e-3
    warmup: float = 0.1
    decay: Decay = "cosine"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    random_state: int | RandomState | None = None
    device: DeviceName = "auto"
    precision: PrecisionName = "fp32"
    threads: int | None = None

    def fit(self, X: Iterable[ArrayLike], y: ArrayLike) -> Self:
        """Trains fresh weights.

        Args:
            X: the sequences, an array (time, values) each, with at least one step.
            y: the class of each, (sequences,).

        Raises:
            ValueError: X and y differ in length, or y holds no classes.
            DataError: X holds something else than sequences of finite numbers, or steps of different width.
            OptionError: a parameter is out of its range.
        """
        from chainrule.learners.batches import gather_sequences
        from chainrule.models.lstm import lstm_sequence_classifier

        recipe = settings_of(self, SequenceLstm)
        sequences = _sequences(X)
        self.classes_, labels = classes_and_labels(sequences, y)
        self.n_features_in_ = sequences[0].shape[1]
        self.preprocessor_ = SequencePreprocessor.of(sequences)
        store = SequenceStore.of(sequences, self.preprocessor_)
        self.model_ = train(
            self,
            recipe.fitting,
            build=lambda: lstm_sequence_classifier(
                input_size=self.n_features_in_,
                hidden_size=recipe.hidden_size,
                classes=len(self.classes_),
                noise=recipe.noise,
                dropout=recipe.dropout,
            ),
            gather=lambda device: gather_sequences(store, device),
            targets=labels,
            objective=recipe.classifying.objective_for(labels, len(self.classes_)),
            lengths=store.lengths,
        )
        return self

    def predict_proba(self, X: Iterable[ArrayLike]) -> NDArray[np.float64]:
        """The probability of each class for each sequence, (sequences, classes)."""
        from chainrule.inference.classes import softmax
        from chainrule.learners.batches import gather_sequences

        check_is_fitted(self)
        store = SequenceStore.of(_sequences(X, self.n_features_in_), self.preprocessor_)
        return softmax(
            outputs(
                self.model_, compute_of(self), lambda device: gather_sequences(store, device), len(store), store.lengths
            )
        )

    def predict(self, X: Iterable[ArrayLike]) -> NDArray[Any]:
        """The most probable class of each sequence, (sequences,)."""
        best = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[best]
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _sequences(X: Iterable[ArrayLike], width: int | None = None) -> list[NDArray[np.float32]]:
    """The sequences, checked.

    Args:
        X: what was given.
        width: values a step; those of the first where None.

    Raises:
        DataError: there is none, or one is no sequence of such steps.
    """
    sequences = []
    for number, given in enumerate(X, 1):
        try:
            steps = np.asarray(given, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise DataError(f"sequence {number:,} is no array of numbers ({error}).") from error
        width = steps.shape[1] if width is None and steps.ndim == 2 else width
        if steps.ndim != 2 or not width or steps.shape[1] != width or not len(steps):
            wanted = f"(time, {width or 'values'})"
            raise DataError(
                f"sequence {number:,} has the shape {steps.shape}; {wanted} with at least one step was needed."
            )
        if not np.isfinite(steps).all():
            raise DataError(f"sequence {number:,} holds what is no finite number; leave it out or fill it in.")
        sequences.append(steps)
    if not sequences:
        raise DataError("X holds no sequence; at least one is needed.")
    return sequences
