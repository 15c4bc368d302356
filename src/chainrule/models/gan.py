"""Generator and discriminator of a generative adversarial network: R3GAN, scaled down to small pictures.

Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN", arXiv 2501.05441: residual blocks as in
ResNeXt (arXiv 1611.05431), without any normalisation, which fix-up initialisation (arXiv 1901.09321) makes possible.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.models.convolution import Convolution

SLOPE = 0.2  # of the leaky rectifier below 0
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance of what passes through it
EXPANSION = 2  # channels inside a block, for each channel outside
LAYERS = 3  # of a block


def leaky(maps: Tensor) -> Tensor:
    """φ(x) = max(x, 0.2 x)."""
    return nn.functional.leaky_relu(maps, SLOPE)


def convolution(
    channels_in: int, channels_out: int, size: int, *, gain: float, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution that keeps height and width, its weights drawn from N(0, gain² / inputs)."""
    layer = Convolution(channels_in, channels_out, size, padding=size // 2, groups=groups, bias=bias)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
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
        inner = leaky(self.look(leaky(self.widen(x))))  # (batch, 2 channels, height, width)
        y: Tensor = x + self.narrow(inner)
        return y


class Generator(nn.Module):
    """Latent vectors → pictures.

    A linear layer weighs learned maps, one a channel, at the lowest resolution; stages of blocks follow, each at twice
    the resolution of the one before, enlarged bilinearly.

    Args:
        latent_size: values of a latent vector.
        class_size: values a class is told in; 0 where the generator does not know of classes.
        classes: how many there are.
        basis: the learned maps, (channels, height, width).
        stages: resolution by resolution.
        to_pixels: the last layer.
    """

    def __init__(
        self,
        *,
        latent_size: int,
        class_size: int,
        classes: int,
        basis: Tensor,
        stages: Sequence[nn.Module],
        to_pixels: nn.Module,
        patch: int,
    ) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.of_class = nn.Embedding(classes, class_size) if class_size else None
        self.basis = nn.Parameter(basis)
        self.weigh = nn.Linear(latent_size + class_size, len(basis), bias=False)
        nn.init.normal_(self.weigh.weight, std=1 / math.sqrt(latent_size + class_size))
        self.stages = nn.ModuleList(stages)
        self.to_pixels = to_pixels
        self.patch = patch

    def forward(
        self, latents: Float[Tensor, "batch latent"], classes: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch channels height width"]:
        """Pictures whose pixels are meant to lie in [-1, 1].

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
        return nn.functional.pixel_shuffle(patches, self.patch).to(self.basis.dtype)

    def forward_flops(self, latents: Float[Tensor, "batch latent"]) -> float:
        """Two operations a multiply-add of the convolutions and products."""
        places = self.basis[0].numel()
        stages = sum(_flops(stage, places << 2 * number) for number, stage in enumerate(self.stages))
        last = _flops(self.to_pixels, places << 2 * (len(self.stages) - 1))
        return len(latents) * (stages + last + 2.0 * self.weigh.weight.numel() + self.basis.numel())


class Discriminator(nn.Module):
    """Pictures → how real each looks: the generator in a mirror.

    Args:
        from_pixels: the first layer.
        stages: resolution by resolution, each followed by one of half the height and width.
        basis: what the last maps are weighed by, (channels, height, width).
        class_size: values a class is told in; 0 where the discriminator does not know of classes.
        classes: how many there are.
    """

    def __init__(
        self,
        *,
        patch: int,
        from_pixels: nn.Module,
        stages: Sequence[nn.Module],
        basis: Tensor,
        class_size: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.from_pixels = from_pixels
        self.stages = nn.ModuleList(stages)
        self.basis = nn.Parameter(basis)
        self.of_class = nn.Embedding(classes, class_size) if class_size else None
        self.score = nn.Parameter(torch.randn(class_size or 1, len(basis)) / math.sqrt(len(basis)))

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
        places = height * width
        places //= self.patch**2
        total = _flops(self.from_pixels, places)
        total += sum(_flops(stage, places >> 2 * number) for number, stage in enumerate(self.stages))
        return batch * (total + 2.0 * (self.basis.numel() + self.score.numel()))


def _flops(module: nn.Module, places: int) -> float:
    """Operations of a module's convolutions, none of which changes the resolution, a picture of `places` pixels."""
    return sum(2.0 * layer.weight.numel() * places for layer in module.modules() if isinstance(layer, nn.Conv2d))


def _lowest(height: int, width: int, pixels: int) -> tuple[int, int]:
    """Height and width at the lowest resolution, of which a place stands for `pixels` a side.

    Raises:
        ValueError: the pictures cannot be divided so.
    """
    if pixels < 1 or height % pixels or width % pixels:
        raise ValueError(f"pictures of {height}x{width} cannot be divided into squares of {pixels}x{pixels}")
    return height // pixels, width // pixels


def _blocks(width: int, *, blocks: int, group_size: int, depth: int) -> list[nn.Module]:
    return [ResidualBlock(channels=width, group_size=group_size, depth=depth) for _ in range(blocks)]


def generator(
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
) -> Generator:
    """A generator with fresh weights.

    Args:
        channels: of the pictures, 1 or 3.
        height: of the pictures, pixels; together with `width` divisible by 2 as often as there are further stages.
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
    lowest = _lowest(height, width, patch << (len(widths) - 1))
    depth = blocks * len(widths)
    stages = []
    for place, own in enumerate(widths):
        layers = _blocks(own, blocks=blocks, group_size=group_size, depth=depth)
        layers += [convolution(own, after, 1, gain=1.0) for after in widths[place + 1 : place + 2]]
        stages.append(nn.Sequential(*layers))
    return Generator(
        latent_size=latent_size,
        class_size=class_size,
        classes=classes,
        basis=torch.randn(widths[0], *lowest),
        stages=stages,
        to_pixels=convolution(widths[-1], channels * patch**2, 3, gain=1.0, bias=True),
        patch=patch,
    )


def discriminator(
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
) -> Discriminator:
    """A discriminator with fresh weights; its arguments are those of `generator`, `widths` in the same order.

    Raises:
        ValueError: the pictures cannot be divided so.
    """
    lowest = _lowest(height, width, patch << (len(widths) - 1))
    depth = blocks * len(widths)
    stages = []
    for place, own in reversed(list(enumerate(widths))):
        narrower = [convolution(before, own, 1, gain=1.0) for before in widths[place + 1 : place + 2]]
        layers = _blocks(own, blocks=blocks, group_size=group_size, depth=depth)
        stages.append(nn.Sequential(*narrower, *layers))
    return Discriminator(
        patch=patch,
        from_pixels=convolution(channels * patch**2, widths[-1], 3, gain=1.0, bias=True),
        stages=stages,
        basis=torch.randn(widths[0], *lowest) / math.sqrt(lowest[0] * lowest[1]),
        class_size=class_size,
        classes=classes,
    )
