"""The estimator for pictures."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.data.preprocess import HIGHEST, PicturePreprocessor
from chainrule.errors import DataError
from chainrule.estimators.fitting import classes_and_labels, compute_of, outputs, settings_of, train
from chainrule.learners.schedule import Decay
from chainrule.recipes.image_cnn import ImageCnn
from chainrule.training.options import DeviceName, PrecisionName


@dataclass(kw_only=True, eq=False, repr=False)
class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A convolutional network that classifies pictures of one size.

    Pixels are standardised, each channel by the pictures it is fitted on.

    Args:
        network: `small`, a modern default, or `article`, the network of Keras' well-known first tutorial.
        widths: filters of each stage of `small`, each ≥ 1; pictures are halved between stages.
        dropout: share of the last features of `small` silenced in training, in [0, 0.99].
        class_weights: `balanced` lets every class count the same in all, however rare; or `equal`.
        label_smoothing: share of the target that is spread over all classes, in [0, 0.99].
        batch_size: pictures an update, ≥ 1.
        epochs: times every picture is seen, > 0.
        least_steps: updates there are at least, so that a few pictures are seen often enough, ≥ 1.
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
        n_features_in_: values a picture, channels · height · width.
        model_: the network, a `torch.nn.Module`.
    """

    network: Literal["small", "article"] = "small"
    widths: tuple[int, ...] = (32, 64, 128)
    dropout: float = 0.1
    class_weights: Literal["equal", "balanced"] = "equal"
    label_smoothing: float = 0.0
    batch_size: int = 128
    epochs: float = 4
    least_steps: int = 200
    learning_rate: float = 3e-3
    warmup: float = 0.2
    decay: Decay = "linear"
    weight_decay: float = 0.05
    clip_norm: float | None = None
    random_state: int | RandomState | None = None
    device: DeviceName = "auto"
    precision: PrecisionName = "fp32"
    threads: int | None = None

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Trains fresh weights.

        Args:
            X: pixels, (pictures, height, width) or (pictures, channels, height, width), uint8 or numbers from
                0 to 1, which are rounded to 256 levels as files hold them; 1 or 3 channels.
            y: the class of each, (pictures,).

        Raises:
            ValueError: X and y differ in length, or y holds no classes.
            DataError: X is not of that kind.
            OptionError: a parameter is out of its range.
        """
        from chainrule.learners.batches import gather_pictures
        from chainrule.models.folder import ModelConfig, build_model

        recipe = settings_of(self, ImageCnn)
        pixels = _pixels(X)
        self.classes_, labels = classes_and_labels(pixels, y)
        _, channels, height, width = pixels.shape
        self.n_features_in_ = channels * height * width
        family, arguments = recipe.family_and_arguments((channels, height, width), len(self.classes_))
        config = ModelConfig(family=family, arguments=arguments, task="image-classification", recipe=recipe.name)
        preprocessor = PicturePreprocessor.of(pixels.__getitem__, len(pixels), (channels, height, width))
        self.preprocessor_ = preprocessor
        self.model_ = train(
            self,
            recipe.fitting,
            build=lambda: build_model(config),
            gather=lambda device: gather_pictures(pixels.__getitem__, preprocessor, device),
            targets=labels,
            objective=recipe.classifying.objective_for(labels, len(self.classes_)),
        )
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class for each picture, (pictures, classes).

        Args:
            X: pictures as for `fit`, of the same size.

        Raises:
            DataError: X is not of that kind.
        """
        from chainrule.inference.classes import softmax
        from chainrule.learners.batches import gather_pictures

        check_is_fitted(self)
        pixels, preprocessor = _pixels(X), self.preprocessor_
        if pixels.shape[1:] != preprocessor.shape:
            raise DataError(
                f"pictures of {pixels.shape[1:]} (channels, height, width) were given; "
                f"those that were learned from have {preprocessor.shape}."
            )
        compute = compute_of(self)
        return softmax(
            outputs(
                self.model_,
                compute,
                lambda device: gather_pictures(pixels.__getitem__, preprocessor, device),
                len(pixels),
            )
        )

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each picture, (pictures,)."""
        best = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[best]
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _pixels(X: ArrayLike) -> NDArray[np.uint8]:
    """The pictures as bytes, (pictures, channels, height, width).

    Raises:
        DataError: they are no pictures of one size, or their values are of another kind.
    """
    try:
        values = np.asarray(X)
    except ValueError as error:
        raise DataError(f"X is no array of pictures of one size ({error}).") from error
    shape = (len(values), 1, *values.shape[1:]) if values.ndim == 3 else values.shape
    if len(shape) != 4 or shape[1] not in {1, 3} or not values.size:
        raise DataError(
            f"X has the shape {values.shape}; (pictures, height, width) or (pictures, channels, height, width) "
            "with 1 or 3 channels was needed."
        )
    if values.dtype != np.uint8:
        if not np.issubdtype(values.dtype, np.floating) or not (values.min() >= 0 and values.max() <= 1):
            raise DataError(f"X holds {_described(values)}; bytes (uint8), or numbers from 0 to 1 were needed.")
        values = np.rint(values * HIGHEST).astype(np.uint8)
    # torch picks a convolution by the strides, and the stride of an only channel can be any: here it is the usual one.
    pixels: NDArray[np.uint8] = np.ravel(values).reshape(shape)
    return pixels


def _described(values: NDArray[Any]) -> str:
    if not np.issubdtype(values.dtype, np.floating):
        return f"values of type {values.dtype}"
    return f"values from {values.min():g} to {values.max():g}"
