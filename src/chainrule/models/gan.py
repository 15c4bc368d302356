"""Generator and discriminator of a generative adversarial network: R3GAN, scaled down to small pictures.

Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN", arXiv 2501.05441: residual blocks as in
ResNeXt (arXiv 1611.05431), without any normalisation, which fix-up initialisation (arXiv 1901.09321) makes possible.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.models.gan_block import (
    ResidualBlock,
    convolution,
    convolution_flops,
    lowest_resolution,
    pixels_convolution,
)


class Generator(nn.Module):
    """Latent vectors → pictures.

    A linear layer weighs learned maps, one a channel, at the lowest resolution; stages of blocks follow, each at twice
    the resolution of the one before, enlarged bilinearly. The last maps give squares of pixels.

    Args:
        channels: of the pictures, 1 or 3.
        height: of the pictures, pixels; together with `width` divisible by `patch`, and the quotient by 2 as often as
            there are further stages.
        width: likewise.
        patch: pixels a side of the squares that pictures are taken as.
        widths: channels of each stage, the lowest resolution first.
        blocks: of each stage.
        group_size: channels that a 3x3 convolution sees together.
        latent_size: values of a latent vector.
        classes: how many, for a conditional generator.
        class_size: values a class is told in; 0 where the generator is not conditional.

    Raises:
        ValueError: the pictures cannot be divided so.
    """

    def __init__(
        self,
        *,
        channels: int,
        height: int,
        width: int,
        patch: int,
        widths: Sequence[int],
        blocks: int,
        group_size: int,
        latent_size: int,
        classes: int = 0,
        class_size: int = 0,
    ) -> None:
        super().__init__()
        lowest = lowest_resolution(height, width, patch << (len(widths) - 1))
        self.latent_size = latent_size
        self.patch = patch
        self.of_class = nn.Embedding(classes, class_size) if class_size else None
        self.weigh = nn.Linear(latent_size + class_size, widths[0], bias=False)
        nn.init.normal_(self.weigh.weight, std=1 / math.sqrt(latent_size + class_size))
        self.basis = nn.Parameter(torch.randn(widths[0], *lowest))
        self.stages = nn.ModuleList()
        for place, own in enumerate(widths):
            stage = _blocks(own, blocks, group_size, depth=blocks * len(widths))
            self.stages.append(stage.extend(convolution(own, after, 1) for after in widths[place + 1 : place + 2]))
        self.to_pixels = pixels_convolution(widths[-1], channels, patch)

    def forward(
        self, latents: Float[Tensor, "batch latent"], classes: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch channels height width"]:
        """Pictures with pixels in [-1, 1].

        Args:
            latents: drawn from N(0, 1).
            classes: wanted, where the generator knows of classes.
        """
        if self.of_class is not None:
            latents = torch.cat([latents, self.of_class(classes)], dim=1)  # (batch, latent + class)
        maps = self.weigh(latents)[:, :, None, None] * self.basis  # (batch, width, height / 2ⁿ, width / 2ⁿ)
        maps = maps.contiguous(memory_format=torch.channels_last)
        for number, stage in enumerate(self.stages):
            if number:
                maps = nn.functional.interpolate(maps, scale_factor=2, mode="bilinear")
            maps = stage(maps)
        patches = self.to_pixels(maps)  # (batch, channels · patch², height / patch, width / patch)
        return nn.functional.pixel_shuffle(patches, self.patch).to(self.basis.dtype).tanh()

    def forward_flops(self, latents: Float[Tensor, "batch latent"]) -> float:
        """Two operations a multiply-add of the convolutions and products."""
        places = self.basis[0].numel()
        stages = sum(convolution_flops(stage, places << 2 * number) for number, stage in enumerate(self.stages))
        last = convolution_flops(self.to_pixels, places << 2 * (len(self.stages) - 1))
        return len(latents) * (stages + last + 2.0 * self.weigh.weight.numel() + self.basis.numel())


class Discriminator(nn.Module):
    """Pictures → how real each looks: the generator in a mirror. Its arguments are the generator's.

    Raises:
        ValueError: the pictures cannot be divided so.
    """

    def __init__(
        self,
        *,
        channels: int,
        height: int,
        width: int,
        patch: int,
        widths: Sequence[int],
        blocks: int,
        group_size: int,
        classes: int = 0,
        class_size: int = 0,
    ) -> None:
        super().__init__()
        lowest = lowest_resolution(height, width, patch << (len(widths) - 1))
        self.patch = patch
        self.from_pixels = convolution(channels * patch**2, widths[-1], 3, bias=True)
        self.stages = nn.ModuleList()
        for place, own in reversed(list(enumerate(widths))):
            narrower = nn.Sequential(*(convolution(before, own, 1) for before in widths[place + 1 : place + 2]))
            self.stages.append(narrower.extend(_blocks(own, blocks, group_size, depth=blocks * len(widths))))
        self.basis = nn.Parameter(torch.randn(widths[0], *lowest) / math.sqrt(lowest[0] * lowest[1]))
        self.of_class = nn.Embedding(classes, class_size) if class_size else None
        self.score = nn.Parameter(torch.randn(class_size or 1, widths[0]) / math.sqrt(widths[0]))

    def forward(
        self, pictures: Float[Tensor, "batch channels height width"], classes: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, " batch"]:
        """A score a picture, any number; in float32, for the objective looks at small differences of scores.

        Args:
            pictures: pixels in [-1, 1].
            classes: those they are meant to show, where the discriminator knows of classes.
        """
        maps = nn.functional.pixel_unshuffle(pictures, self.patch)  # (batch, channels · patch², height / patch, …)
        maps = self.from_pixels(maps.contiguous(memory_format=torch.channels_last))
        for number, stage in enumerate(self.stages):
            if number:
                maps = nn.functional.avg_pool2d(maps, 2)  # bilinear at half the size is the mean of 2x2
            maps = stage(maps)
        features: Tensor = (maps.to(self.basis.dtype) * self.basis).sum(dim=(2, 3))  # (batch, width)
        with torch.autocast(features.device.type, enabled=False):
            scores: Tensor = features @ self.score.T  # (batch, class size or 1)
        if self.of_class is None:
            return scores[:, 0]
        # Projection, Miyato and Koyama, arXiv 1802.05637.
        projected: Tensor = (scores * self.of_class(classes)).sum(dim=1)
        return projected / math.sqrt(scores.shape[1])

    def forward_flops(self, pictures: Float[Tensor, "batch channels height width"]) -> float:
        """Two operations a multiply-add of the convolutions and products."""
        batch, _, height, width = pictures.shape
        places = height * width // self.patch**2
        total = convolution_flops(self.from_pixels, places)
        total += sum(convolution_flops(stage, places >> 2 * number) for number, stage in enumerate(self.stages))
        return batch * (total + 2.0 * (self.basis.numel() + self.score.numel()))


def _blocks(width: int, blocks: int, group_size: int, *, depth: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels=width, group_size=group_size, depth=depth) for _ in range(blocks)))
