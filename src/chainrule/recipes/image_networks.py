"""The networks of `image-cnn`, each with the settings it is known to learn well by."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from chainrule.errors import OptionError
from chainrule.recipes.supervised import Fitting

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from chainrule.data.preprocess import PicturePreprocessor

Network = Literal["small", "fast", "article"]
Shape = tuple[int, int, int]  # channels, height, width

SMALLEST_FOR_ARTICLE = 18  # pixels a side; less leaves no place after its three convolutions
LARGE = 16  # pixels a side: from here on `small` halves pictures at once; smaller ones have none to spare
SMALLEST_MOVED = 2  # likewise; the edge that comes in when a picture is moved is its own reflection
WHITENED = 5000  # pictures whose patches the first layer of `fast` is computed from

MOMENTUM = 0.6  # of kernels under Muon
SHIFT_RATE, HEAD_RATE = 0.22, 22.0  # of the kernels' rate: normalisations' shifts and the head learn by Nesterov's


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What a network's settings are where they are not given."""

    widths: tuple[int, ...]
    dropout: float
    flip: Literal["auto", "always", "never"]
    shift: float
    cutout: float = 0.0
    label_smoothing: float
    fitting: Fitting


PRESETS: dict[str, Preset] = {
    "small": Preset(
        widths=(32, 64, 128),
        dropout=0.0,
        flip="auto",
        shift=0.04,
        label_smoothing=0.1,
        fitting=Fitting(
            batch_size=256,
            epochs=10,
            least_steps=500,
            learning_rate=6e-3,
            warmup=0.2,
            weight_decay=0.05,
            clip_norm=None,
        ),
    ),
    "fast": Preset(
        widths=(64, 192, 192),
        dropout=0.0,
        flip="auto",
        shift=0.08,
        label_smoothing=0.2,
        fitting=Fitting(
            batch_size=1000,
            epochs=10,
            least_steps=300,
            learning_rate=0.24,
            warmup=0.0,
            weight_decay=0.0,
            clip_norm=None,
        ),
    ),
    "article": Preset(
        widths=(32, 64, 64),
        dropout=0.0,
        flip="never",
        shift=0.0,
        label_smoothing=0.0,
        fitting=Fitting(
            batch_size=32,
            epochs=10,
            learning_rate=1e-3,
            warmup=0.0,
            decay="constant",
            weight_decay=0.0,
            clip_norm=None,
        ),
    ),
}


def family_of(
    network: Network, shape: Shape, classes: int, *, widths: tuple[int, ...], dropout: float, views: int
) -> tuple[str, dict[str, Any]]:
    """A network as the model folder names it.

    Raises:
        OptionError: the pictures are too small for it.
    """
    channels, height, width = shape
    common = {"channels": channels, "classes": classes, "views": views}
    if views == 6:
        _check_side(shape, SMALLEST_MOVED, "--views 6 moves", "Use --views 2.")
    if network == "article":
        _check_side(shape, SMALLEST_FOR_ARTICLE, "--network article needs", "Use --network small.")
        return "cnn-article", {**common, "height": height, "width": width}
    if network == "fast":
        from chainrule.models.fast_cnn import smallest_side

        stages = len(widths)
        advice = "Use fewer --widths, or --network small."
        _check_side(shape, smallest_side(stages), f"--network fast with {stages} --widths needs", advice)
        return "cnn-fast", {**common, "widths": list(widths)}
    halves_first = min(height, width) >= LARGE
    if min(height, width) >> (len(widths) - (not halves_first)) < 1:
        raise OptionError(
            f"--widths has {len(widths)} stages, which halve pictures of {height}x{width} to nothing; give fewer."
        )
    return "cnn-small", {**common, "widths": list(widths), "dropout": dropout, "halves_first": halves_first}


def _check_side(shape: Shape, least: int, who: str, advice: str) -> None:
    _, height, width = shape
    if min(height, width) < least:
        raise OptionError(f"{who} pictures of at least {least} pixels a side; these have {height}x{width}. {advice}")


def check_smallest_batch(model: "nn.Module", shape: Shape, smallest: int) -> None:
    """Refuses a batch that no normalisation can learn from: one value a channel has no variance.

    Args:
        model: on any device.
        shape: of the pictures.
        smallest: pictures of the smallest batch, or part of one.

    Raises:
        OptionError: it is a single picture, whose maps end as single places.
    """
    import torch
    from torch import nn

    if smallest > 1 or not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        return
    with torch.no_grad():
        maps: torch.Tensor = model.eval().features(torch.zeros(1, *shape, device=next(model.parameters()).device))  # type: ignore[operator]
    if maps[0, 0].numel() == 1:
        raise OptionError(
            "the smallest batch, or part of one, is a single picture, whose last maps are single places, and one "
            "value cannot be normalised; give another --batch-size, or fewer --widths."
        )


def fit_whitening(model: "nn.Module", pictures: "NDArray[np.uint8]", preprocessor: "PicturePreprocessor") -> None:
    """Computes the first layer of `fast` from some pictures of the training split, (pictures, channels, …)."""
    from chainrule.models.fast_cnn import Whitening, patch_moment

    moment = patch_moment(pictures, preprocessor.mean, preprocessor.deviation)
    for module in model.modules():
        if isinstance(module, Whitening):
            module.fit(moment.to(module.weight.device))


def muon(
    model: "nn.Module", fitting: Fitting, *, dtype: "torch.dtype", trunk_rate: float = 1.0
) -> "torch.optim.Optimizer":
    """The optimizer of `fast`: kernels by Muon, shifts and head by Nesterov's momentum at rates of their own.

    `trunk_rate` is what the rates of all but the head are multiplied by, where they go on learning.
    """
    from chainrule.learners.muon import Muon

    learned = [weight for weight in model.parameters() if weight.requires_grad]
    kernels = [weight for weight in learned if weight.ndim == 4]
    shifts = [weight for weight in learned if weight.ndim == 1]
    head = [weight for weight in learned if weight.ndim == 2]
    groups = [
        {"params": kernels, "is_kernel": True, "momentum": MOMENTUM, "rate": trunk_rate},
        {"params": shifts, "rate": SHIFT_RATE * trunk_rate},
        {
            "params": head,
            "rate": HEAD_RATE,
            "weight_decay": fitting.weight_decay,
        },
    ]
    return Muon(groups, lr=fitting.learning_rate, dtype=dtype)
