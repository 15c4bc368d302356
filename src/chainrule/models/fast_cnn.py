"""A convolutional network that learns small pictures in few operations: that of cifar10-airbench.

Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv 2404.00498, and the repository's later version that
learns by Muon.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from chainrule.models.cnn import ConvolutionalNetwork

WINDOW = 2  # pixels a side of the patches that the first layer whitens
VALUES_AT_A_TIME = 1 << 22  # of pixels whose patches are in memory
SMOOTHING = 5e-4  # added to the patches' variances, so that what hardly varies is not blown up to noise


class Whitening(nn.Conv2d):
    """The first layer: 2x2 patches in coordinates that are uncorrelated and of variance 1, and their negatives.

        y = ±Vᵀ x / √(λ + ε),   V, λ: eigenvectors and eigenvalues of E[x xᵀ] over the patches x of training pictures

    It is computed and never learned, so the backward pass ends before it. The negatives let the nonlinearity that
    follows keep both signs.

    Args:
        channels: of the pictures; 8 maps come of each.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__(channels, 2 * channels * WINDOW**2, WINDOW, bias=False)
        self.weight.requires_grad_(False)  # noqa: FBT003 - torch takes it by place

    @torch.no_grad()
    def fit(self, moment: Float[Tensor, "values values"]) -> None:
        """Computes the filters.

        Args:
            moment: E[x xᵀ] of the patches, values in the order channel, row, column.
        """
        variances, directions = torch.linalg.eigh(moment.double())
        filters = directions.T / (variances + SMOOTHING).sqrt()[:, None]  # (values, values)
        self.weight.copy_(torch.cat([filters, -filters]).view_as(self.weight))


def patch_moment(
    pictures: UInt8[np.ndarray, "pictures channels height width"], mean: Sequence[float], deviation: Sequence[float]
) -> Float[Tensor, "values values"]:
    """E[x xᵀ] of all 2x2 patches of standardised pictures, values in the order channel, row, column.

    Args:
        pictures: bytes.
        mean: of each channel.
        deviation: likewise.
    """
    shape, values = (1, -1, 1, 1), pictures.shape[1] * WINDOW**2
    total, count = np.zeros((values, values)), 0
    at_a_time = max(1, VALUES_AT_A_TIME // pictures[0].size)
    for start in range(0, len(pictures), at_a_time):
        part = pictures[start : start + at_a_time]
        scaled = (part - np.reshape(mean, shape)) / np.reshape(deviation, shape)
        patches = np.lib.stride_tricks.sliding_window_view(scaled, (WINDOW, WINDOW), axis=(2, 3))
        rows = patches.transpose(0, 2, 3, 1, 4, 5).reshape(-1, values)  # (patches, values)
        total += rows.T @ rows
        count += len(rows)
    return torch.from_numpy(total / count)


class Shift(nn.BatchNorm2d):
    """Batch normalisation that learns a shift and no scale: the next convolution can scale as well."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, momentum=0.4)
        self.weight.requires_grad_(False)  # noqa: FBT003 - torch takes it by place


class Stage(nn.Module):
    """Two 3x3 convolutions, height and width halved between them.

        x ← gelu(norm(pool(w₁ * x)));   x ← gelu(norm(w₂ * x))

    The maximum comes before the normalisation and the nonlinearity, which so have a quarter of the work. The first
    filters begin as the identity: at first a stage hands on what it was given (Dirac initialisation).

    Args:
        channels_in: of the maps that come in.
        channels_out: of those that go out.
    """

    def __init__(self, *, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolution_1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.halve = nn.MaxPool2d(2)
        self.norm_1 = Shift(channels_out)
        self.convolution_2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm_2 = Shift(channels_out)
        for convolution in (self.convolution_1, self.convolution_2):
            with torch.no_grad():
                nn.init.dirac_(convolution.weight[: convolution.in_channels])

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Tensor:
        """(batch, channels_out, height // 2, width // 2)."""
        maps = self.halve(self.convolution_1(maps))  # (batch, channels_out, height // 2, width // 2)
        maps = nn.functional.gelu(self.norm_1(maps))
        return nn.functional.gelu(self.norm_2(self.convolution_2(maps)))


class ScaledHead(nn.Module):
    """The scores of the classes from the highest value of each map, scaled to begin small.

        y = W max(x) / n,   n: maps

    Args:
        channels: of the maps.
        classes: how many.
    """

    def __init__(self, *, channels: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, classes, bias=False)
        with torch.no_grad():
            self.linear.weight /= self.linear.weight.std()

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Scores before softmax."""
        highest = maps.amax(dim=(2, 3))  # (batch, channels)
        scores: Tensor = self.linear(highest) / maps.shape[1]
        return scores


def smallest_side(stages: int) -> int:
    """Pixels a side that pictures need for so many stages."""
    return (1 << stages) + WINDOW - 1


def fast_network(
    *, channels: int, classes: int, widths: Sequence[int] = (64, 192, 192), views: int = 1
) -> ConvolutionalNetwork:
    """Whitened patches, stages of two convolutions, and the highest value of each map at the end.

    Args:
        channels: of the pictures, 1 or 3.
        classes: how many.
        widths: filters of each stage; each halves height and width.
        views: of each picture where nothing is learned, see `ConvolutionalNetwork`.
    """
    whitening = Whitening(channels=channels)
    ins = [whitening.out_channels, *widths]
    stages = [Stage(channels_in=before, channels_out=after) for before, after in zip(ins, widths, strict=False)]
    return ConvolutionalNetwork(
        features=nn.Sequential(whitening, nn.GELU(), *stages),
        head=ScaledHead(channels=widths[-1], classes=classes),
        views=views,
    )
