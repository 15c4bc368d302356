"""The generative adversarial network of many first tutorials: dense layers alone, on pixels as they come.

Its snippet gave 1024 values the shape of 28x28 = 784 pixels, and compiled the generator alone, so that it never heard
of the discriminator. Here a last layer makes as many values as there are pixels, and both learn.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

SLOPE = 0.2  # of the leaky rectifier below 0


def _dense(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)


def _flops(module: nn.Module) -> float:
    """Two operations a weight and example."""
    return sum(2.0 * layer.weight.numel() for layer in module.modules() if isinstance(layer, nn.Linear))


def _one_hot(classes: Tensor, count: int) -> Tensor:
    return nn.functional.one_hot(classes, count).float()


class ArticleGenerator(nn.Module):
    """Latent vectors → dense layers of 256, 512 and 1024 → as many values as pixels, squeezed into (-1, 1).

    Args:
        channels: of the pictures.
        height: of the pictures, pixels.
        width: likewise.
        latent_size: values of a latent vector.
        classes: how many, for a conditional generator; 0 otherwise.
    """

    def __init__(self, *, channels: int, height: int, width: int, latent_size: int, classes: int = 0) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.classes = classes
        self.shape = (channels, height, width)
        self.hidden = _dense([latent_size + classes, 256, 512, 1024])
        self.output = nn.Linear(1024, math.prod(self.shape))

    def forward(
        self, latents: Float[Tensor, "batch latent"], classes: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch channels height width"]:
        """Pictures with pixels in (-1, 1)."""
        if classes is not None:
            latents = torch.cat([latents, _one_hot(classes, self.classes)], dim=1)  # (batch, latent + classes)
        pixels = torch.tanh(self.output(self.hidden(latents)))  # (batch, channels · height · width)
        return pixels.view(-1, *self.shape).float()  # (batch, channels, height, width)

    def forward_flops(self, latents: Float[Tensor, "batch latent"]) -> float:
        """Two operations a weight and picture."""
        return len(latents) * _flops(self)


class ArticleDiscriminator(nn.Module):
    """Pixels → dense layers of 512 and 256 → a score.

    Args:
        channels: of the pictures.
        height: of the pictures, pixels.
        width: likewise.
        classes: how many, for a conditional discriminator; 0 otherwise.
    """

    def __init__(self, *, channels: int, height: int, width: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.hidden = _dense([channels * height * width + classes, 512, 256])
        self.output = nn.Linear(256, 1)

    def forward(
        self, pictures: Float[Tensor, "batch channels height width"], classes: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, " batch"]:
        """A score a picture, before the sigmoid."""
        pixels = pictures.flatten(1)  # (batch, channels · height · width)
        if classes is not None:
            pixels = torch.cat([pixels, _one_hot(classes, self.classes)], dim=1)
        scores: Tensor = self.output(self.hidden(pixels)).float()  # (batch, 1)
        return scores[:, 0]

    def forward_flops(self, pictures: Float[Tensor, "batch channels height width"]) -> float:
        """Two operations a weight and picture."""
        return len(pictures) * _flops(self)
