"""The estimator for texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import DataError
from chainrule.estimators.fitting import classes_and_labels, compute_of, outputs, settings_of, train
from chainrule.learners.schedule import Decay
from chainrule.recipes.sentiment import Sentiment
from chainrule.training.options import DeviceName, PrecisionName

if TYPE_CHECKING:
    from torch import nn


@dataclass(kw_only=True, eq=False, repr=False)
class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A bidirectional LSTM that classifies texts, with a tokenizer trained on those it is fitted on.

    Args:
        tokenizer: what a token is: `characters`, `subwords` or `words`.
        vocabulary_size: most tokens the tokenizer may know, ≥ 3.
        max_length: tokens after which a text is cut, ≥ 1.
        embedding_size: values of a vector, ≥ 1.
        runs: most runs of two words that have vectors of their own, and of two and of three characters, ≥ 0.
        hidden_size: units of the LSTM in each direction, ≥ 1.
        word_dropout: share of the tokens made unknown in training, in [0, 0.99].
        dropout: share of the values silenced in training, in [0, 0.99].
        crop: share of the texts of which only a random span is shown in training, in [0, 0.99].
        word_vectors: whether vectors begin from the company that words keep in the texts; if not, there are none of
            runs.
        vector_rate: learning rate of the words' vectors as a share of the others', in [0, 1].
        class_weights: `balanced` lets every class count the same in all, however rare; or `equal`.
        label_smoothing: share of the target that is spread over all classes, in [0, 0.99].
        batch_size: texts an update, ≥ 1.
        epochs: times every text is seen, > 0.
        least_steps: updates there are at least, so that a few texts are seen often enough, ≥ 1.
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
        tokenizer_: the `tokenizers.Tokenizer`.
        model_: the network, a `torch.nn.Module`.
    """

    tokenizer: Literal["characters", "subwords", "words"] = "words"
    vocabulary_size: int = 16_000
    max_length: int = 200
    embedding_size: int = 128
    runs: int = 30_000
    hidden_size: int = 128
    word_dropout: float = 0.1
    dropout: float = 0.3
    crop: float = 0.5
    word_vectors: bool = True
    vector_rate: float = 1.0
    class_weights: Literal["equal", "balanced"] = "equal"
    label_smoothing: float = 0.05
    batch_size: int = 32
    epochs: float = 4
    least_steps: int = 200
    learning_rate: float = 2e-3
    warmup: float = 0.1
    decay: Decay = "linear"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    random_state: int | RandomState | None = None
    device: DeviceName = "auto"
    precision: PrecisionName = "fp32"
    threads: int | None = None

    def fit(self, X: Iterable[str], y: ArrayLike) -> Self:
        """Trains a tokenizer and fresh weights.

        Args:
            X: the texts.
            y: the class of each, (texts,).

        Raises:
            ValueError: X and y differ in length, or y holds no classes.
            DataError: X holds something else than texts, or too little text for a tokenizer.
            OptionError: a parameter is out of its range.
        """
        from chainrule.data.text_tokens import train_tokenizer
        from chainrule.data.token_store import encode
        from chainrule.learners.batches import gather_tokens
        from chainrule.models.text_lstm import text_lstm

        recipe = settings_of(self, Sentiment)
        reading = recipe.texts
        texts = _texts(X)
        self.classes_, labels = classes_and_labels(texts, y)
        self.tokenizer_ = train_tokenizer(reading.tokenizer, texts, vocabulary_size=reading.vocabulary_size)
        store = encode(self.tokenizer_, texts, max_length=reading.max_length)

        def build() -> "nn.Module":
            model = text_lstm(
                vocabulary_size=self.tokenizer_.get_vocab_size(),
                classes=len(self.classes_),
                **recipe.alphabet(self.tokenizer_),
                **recipe.arguments,
            )
            recipe.prepare(model, self.tokenizer_, store)
            return model

        self.model_ = train(
            self,
            recipe.fitting,
            build=build,
            gather=lambda device: gather_tokens(store, device, crop=recipe.crop),
            targets=labels,
            objective=recipe.classifying.objective_for(labels, len(self.classes_)),
            lengths=store.lengths,
            rate_of=recipe.rate_of,
        )
        return self

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float64]:
        """The probability of each class for each text, (texts, classes)."""
        from chainrule.data.token_store import encode
        from chainrule.inference.classes import softmax
        from chainrule.learners.batches import gather_tokens

        check_is_fitted(self)
        store = encode(self.tokenizer_, _texts(X), max_length=self.max_length)
        return softmax(
            outputs(
                self.model_, compute_of(self), lambda device: gather_tokens(store, device), len(store), store.lengths
            )
        )

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """The most probable class of each text, (texts,)."""
        best = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[best]
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _texts(X: Iterable[str]) -> list[str]:
    """The texts, checked.

    Raises:
        DataError: there is none, or one is no text.
    """
    if isinstance(X, str):
        raise DataError("X is one text; give a list of texts, even where it holds only one.")
    texts = list(X)
    if not texts:
        raise DataError("X holds no text; at least one is needed.")
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise DataError(f"text {number:,} is {type(text).__name__}; each must be a str.")
    return texts
