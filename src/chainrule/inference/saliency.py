"""What a convolutional classifier sees in a picture: its filters, their answers, and where the decision lies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.errors import ModelFolderError

LEAST_PLACES = 5  # a side: fewer show no shape


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that is drawn of one picture."""

    picture: UInt8[np.ndarray, "channels height width"]
    """As the network takes it: scaled to its size, before it is standardised."""
    classes: tuple[str, ...]
    probabilities: Float[np.ndarray, " classes"]
    filters: Float[np.ndarray, "filters channels rows columns"]
    """The kernels of the first convolution."""
    activations: Float[np.ndarray, "maps height width"]
    """What comes of the first convolution and its nonlinearity."""
    saliency: Float[np.ndarray, "height width"]
    """Grad-CAM of the most probable class, scaled to the picture, from 0 to 1."""
    places: tuple[int, int]
    """Height and width of the maps that the saliency was computed on."""


def require_maps(model: nn.Module) -> tuple[nn.Sequential, nn.Module]:
    """The layers that give a network's maps, and its head.

    Raises:
        ModelFolderError: it is built otherwise.
    """
    features, head = getattr(model, "features", None), getattr(model, "head", None)
    if not isinstance(features, nn.Sequential) or not isinstance(head, nn.Module):
        raise ModelFolderError("this model has no maps to explain a picture by; the networks of image-cnn have.")
    return features, head


def explain(
    model: nn.Module,
    picture: Tensor,
    pixels: NDArray[np.uint8],
    classes: tuple[str, ...],
    probabilities: NDArray[np.float64],
) -> Explanation:
    """Explains the most probable class of one picture.

    Args:
        model: a `ConvolutionalNetwork`, in evaluation.
        picture: standardised, (1, channels, height, width).
        pixels: the same as bytes, (channels, height, width).
        classes: their names.
        probabilities: what the model answers, (classes,).

    Raises:
        ModelFolderError: the network is built otherwise.
    """
    features, head = require_maps(model)
    with torch.no_grad():
        after = [picture]
        for layer in features:
            after.append(layer(after[-1]))
    best = int(probabilities.argmax())
    large = [place for place, maps in enumerate(after) if place and min(maps.shape[2:]) >= LEAST_PLACES]
    split = large[-1] if large else 1
    cam = grad_cam(features[split:], head, after[split], best)
    size = (int(picture.shape[2]), int(picture.shape[3]))
    grown = nn.functional.interpolate(cam[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    first = next(module for module in features.modules() if isinstance(module, nn.Conv2d))
    return Explanation(
        picture=pixels,
        classes=classes,
        probabilities=probabilities,
        filters=_array(first.weight),
        activations=_array(after[min(_first_answer(features), len(features))][0]),
        saliency=_array(grown / grown.max().clamp(min=1e-12)),
        places=(int(cam.shape[0]), int(cam.shape[1])),
    )


def grad_cam(
    rest: nn.Module, head: nn.Module, maps: Float[Tensor, "1 maps height width"], index: int
) -> Float[Tensor, "height width"]:
    """Where the maps speak for a class.

        L = max(0, Σ_k α_k A_k),   α_k = mean over places of ∂y/∂A_k

    Selvaraju et al., "Grad-CAM", arXiv 1610.02391. There A are the last maps; here the last that are not too small.

    Args:
        rest: the layers between the maps and the head.
        head: gives the scores of the classes.
        maps: A.
        index: of the class whose score is y.
    """
    maps = maps.detach().requires_grad_()
    with torch.enable_grad():
        score = head(rest(maps))[0, index]
        (gradient,) = torch.autograd.grad(score, maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (1, maps, 1, 1)
    return (weights * maps.detach()).sum(dim=1)[0].clamp(min=0).float()


def _first_answer(features: nn.Sequential) -> int:
    """How many layers there are up to the first nonlinearity, or the first block that holds one."""
    if isinstance(features[0], nn.Conv2d):
        return 2
    return 1


def _array(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().float().cpu().numpy()
