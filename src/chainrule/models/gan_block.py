"""What both networks of `gan` are made of: blocks without normalisation, and convolutions to begin and end with."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chainrule.models.convolution import Convolution

SLOPE = 0.2  # of the leaky rectifier below 0
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance of what passes through it
EXPANSION = 2  # channels inside a block, for each channel outside
LAYERS = 3  # of a block


def leaky_(maps: Tensor) -> Tensor:
    """φ(x) = max(x, 0.2 x), in the place of x."""
    return nn.functional.leaky_relu(maps, SLOPE, inplace=True)


def convolution(
    channels_in: int, channels_out: int, size: int, *, gain: float = 1.0, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution that keeps height and width, its weights drawn from N(0, gain² / inputs)."""
    layer = Convolution(channels_in, channels_out, size, padding=size // 2, groups=groups, bias=bias)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def pixels_convolution(channels_in: int, channels: int, patch: int) -> nn.Conv2d:
    """The generator's last layer, to `channels · patch²`: all pixels of a square begin alike.

    Otherwise pictures begin as chequers, which take long to go (Aitken et al., arXiv 1707.02937).
    """
    layer = convolution(channels_in, channels * patch**2, 3, bias=True)
    with torch.no_grad():
        layer.weight.copy_(layer.weight[:: patch**2].repeat_interleave(patch**2, dim=0))
    return layer


class ResidualBlock(nn.Module):
    """A bottleneck turned inside out, beside the identity.

        y = x + W₃ φ(W₂ φ(W₁ x + b₁) + b₂)

    W₁ and W₃ are 1x1, W₂ is 3x3 in groups of channels. W₃ begins at 0, so that a block begins as the identity; W₁ and
    W₂ begin smaller the more blocks there are, so that the size of an update does not grow with the depth.

    Args:
        channels: of x and y.
        group_size: channels of W₂ that see each other.
        depth: blocks of the whole network.
    """

    def __init__(self, *, channels: int, group_size: int, depth: int) -> None:
        super().__init__()
        inner = EXPANSION * channels
        gain = GAIN * depth ** (-1 / (2 * LAYERS - 2))
        self.widen = convolution(channels, inner, 1, gain=gain, bias=True)
        self.look = convolution(inner, inner, 3, gain=gain, groups=inner // math.gcd(inner, group_size), bias=True)
        self.narrow = convolution(inner, channels, 1, gain=0.0)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """The block's output, of the shape of its input."""
        inner = leaky_(self.look(leaky_(self.widen(x))))  # (batch, 2 channels, height, width)
        y: Tensor = x + self.narrow(inner)
        return y


def lowest_resolution(height: int, width: int, pixels: int) -> tuple[int, int]:
    """Height and width where each place stands for `pixels` a side.

    Raises:
        ValueError: the pictures cannot be divided so.
    """
    if pixels < 1 or height % pixels or width % pixels:
        raise ValueError(f"pictures of {height}x{width} cannot be divided into squares of {pixels}x{pixels}")
    return height // pixels, width // pixels


def convolution_flops(module: nn.Module, places: int) -> float:
    """Operations of a module's convolutions, none of which changes the resolution, a picture of `places` pixels."""
    return sum(2.0 * layer.weight.numel() * places for layer in module.modules() if isinstance(layer, nn.Conv2d))
