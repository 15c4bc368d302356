"""The estimator for pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.data.preprocess import HIGHEST, PicturePreprocessor
from chainrule.errors import DataError
from chainrule.estimators.fitting import classes_and_labels, compute_of, outputs, settings_of, train
from chainrule.learners.schedule import Decay
from chainrule.recipes.image_cnn import OF_NETWORK, ImageCnn
from chainrule.recipes.image_networks import WHITENED, Network, fit_whitening
from chainrule.training.options import DeviceName, PrecisionName

if TYPE_CHECKING:
    import torch
    from torch import nn

    from chainrule.learners.batches import Gather


@dataclass(kw_only=True, eq=False, repr=False)
class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A convolutional network that classifies pictures of one size.

    Pixels are standardised, each channel by the pictures it is fitted on.

    Args:
        network: `small`, a plain default; `fast`, which learns the most in few operations; or `article`, the network
            of Keras' well-known first tutorial. What follows is the network's own where it is None.
        widths: filters of each stage of `small` and `fast`, each ≥ 1, which halve the pictures.
        dropout: share of the last features of `small` silenced in training, in [0, 0.99].
        flip: whether training sees pictures mirrored too: `always`, `never`, or `auto`, unless all classes are single
            characters.
        shift: how far training moves pictures in each direction, as a share of their sides, in [0, 0.5].
        cutout: the side of a square that training covers in each picture, as a share of the picture's shorter one, in
            [0, 1].
        views: of each picture in predictions: 1; 2 with its mirror image; 6 also moved by a pixel.
        lookahead: whether the weights of `fast` follow slow ones that average them.
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

    network: Network = "small"
    widths: tuple[int, ...] = OF_NETWORK
    dropout: float = OF_NETWORK
    flip: Literal["auto", "always", "never"] = OF_NETWORK
    shift: float = OF_NETWORK
    cutout: float = OF_NETWORK
    views: Literal[1, 2, 6] = 1
    lookahead: bool = False
    class_weights: Literal["equal", "balanced"] = "equal"
    label_smoothing: float = OF_NETWORK
    batch_size: int = OF_NETWORK
    epochs: float = OF_NETWORK
    least_steps: int = OF_NETWORK
    learning_rate: float = OF_NETWORK
    warmup: float = OF_NETWORK
    decay: Decay = OF_NETWORK
    weight_decay: float = OF_NETWORK
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
        import torch

        from chainrule.models.folder import ModelConfig, build_model

        recipe = settings_of(self, ImageCnn, without_none=True)
        pixels = _pixels(X)
        self.classes_, labels = classes_and_labels(pixels, y)
        _, channels, height, width = pixels.shape
        self.n_features_in_ = channels * height * width
        family, arguments = recipe.family_and_arguments((channels, height, width), len(self.classes_))
        config = ModelConfig(family=family, arguments=arguments, task="image-classification", recipe=recipe.name)
        preprocessor = PicturePreprocessor.of(pixels.__getitem__, len(pixels), (channels, height, width))
        self.preprocessor_ = preprocessor
        precision = compute_of(self).precision

        def build() -> "nn.Module":
            model = build_model(config)
            if recipe.network == "fast":
                fit_whitening(model, pixels[:: -(-len(pixels) // WHITENED)], preprocessor)
            return model

        def gather(device: "torch.device") -> "Gather":
            channels_last = pixels.transpose(0, 2, 3, 1)
            return lambda positions: (torch.from_numpy(np.array(channels_last[positions], order="C")).to(device),)

        self.model_ = train(
            self,
            recipe.fitting,
            build=build,
            gather=gather,
            targets=labels,
            objective=recipe.classifying.objective_for(labels, len(self.classes_)),
            optimizer=recipe.optimizer(precision),
            average=recipe.average,
            augment=lambda seed: recipe.augmentation(preprocessor, list(map(str, self.classes_)), seed=seed),
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
