"""Convolutional networks for pictures of a few dozen pixels a side."""

from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor, nn

VIEWS = (1, 2, 6)


def conv_block(channels_in: int, channels_out: int, *, halves: bool = False) -> nn.Sequential:
    """A 3x3 convolution, normalised over the batch, and a nonlinearity; height and width stay, or are halved.

    They are halved by the maximum over 2x2 places, right after the convolution: what follows has a quarter of the work.

    Batch normalisation: Ioffe and Szegedy, arXiv 1502.03167; it has a bias of its own, so the convolution has none.
    """
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)
    halve = [nn.MaxPool2d(2)] if halves else []
    return nn.Sequential(convolution, *halve, nn.BatchNorm2d(channels_out), nn.GELU())


class ConvolutionalNetwork(nn.Module):
    """A convolutional classifier: what a filter has learned at one place it knows at every place.

        y[o, i, j] = b[o] + Σ_{c, u, v} w[o, c, u, v] · x[c, i + u, j + v]

    LeCun et al., "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86, 1998.

    Args:
        features: pictures → features, (batch, channels, height, width) to the same with other sizes.
        head: those features → scores of the classes.
        views: of each picture where nothing is learned: 1, the picture itself; 2, also its mirror image; 6, both also
            moved by a pixel, up and left or down and right. Scores are their mean, the unmoved ones counting twice.
    """

    def __init__(self, *, features: nn.Module, head: nn.Module, views: int = 1) -> None:
        super().__init__()
        if views not in VIEWS:
            raise ValueError(f"{views} views; there can be {', '.join(map(str, VIEWS))}")
        self.features = features
        self.head = head
        self.views = views

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes before softmax.

        Args:
            pictures: standardised pixels.
        """
        if self.training or self.views == 1:
            return self.scores(pictures)
        seen = self._both_ways(pictures)
        if self.views == 2:
            return seen
        padded = nn.functional.pad(pictures, (1, 1, 1, 1), mode="reflect")
        moved = self._both_ways(padded[..., :-2, :-2]) + self._both_ways(padded[..., 2:, 2:])
        return seen / 2 + moved / 4

    def _both_ways(self, pictures: Tensor) -> Tensor:
        """The mean scores of pictures and their mirror images, (batch, classes)."""
        return (self.scores(pictures) + self.scores(pictures.flip(-1))) / 2

    def scores(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Scores from one view."""
        maps = self.features(pictures)  # (batch, filters, height', width')
        scores: Tensor = self.head(maps)  # (batch, classes)
        return scores

    def forward_flops(self, pictures: Float[Tensor, "batch channels height width"]) -> float:
        """Two operations a multiply-add of the convolutions and dense layers, of one view; every pixel is real."""
        return len(pictures) * sum(flops for _, flops in self._layers(pictures))

    def training_flops(self, pictures: Float[Tensor, "batch channels height width"]) -> float:
        """Likewise forward and backward, as far as there is something to learn.

        A layer's weights get a gradient where they are learned, its inputs where an earlier layer learns.
        """
        total, learns_before = 0.0, False
        for layer, flops in self._layers(pictures):
            learns = any(parameter.requires_grad for parameter in layer.parameters())
            total += flops * (1 + learns + learns_before)
            learns_before |= learns
        return total * len(pictures)

    def _layers(self, pictures: Tensor) -> Iterator[tuple[nn.Module, float]]:
        """Each layer and the operations of its forward pass on one picture, from the first to the last."""
        *_, height, width = pictures.shape
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                shrink = module.kernel_size[0] - 1 - 2 * int(module.padding[0])
                height, width = height - shrink, width - shrink
                yield module, 2.0 * module.weight.numel() * height * width
            elif isinstance(module, nn.MaxPool2d):
                height, width = height // 2, width // 2
            elif isinstance(module, nn.Linear):
                yield module, 2.0 * module.weight.numel()
            elif not any(module.children()):  # a normalisation may learn, and no operation of it is counted
                yield module, 0.0


def small_network(
    *,
    channels: int,
    classes: int,
    widths: Sequence[int] = (32, 64, 128),
    dropout: float = 0.1,
    views: int = 1,
    halves_first: bool = False,
) -> ConvolutionalNetwork:
    """The default: stages of two convolutions, pictures halved in or between them, the mean over all places at the end.

    Args:
        channels: of the pictures, 1 or 3.
        classes: how many.
        widths: filters of each stage; each stage, or each but the last, halves height and width.
        dropout: share of the last features that is silenced in training, in [0, 1).
        views: of each picture where nothing is learned, see `ConvolutionalNetwork`.
        halves_first: whether a stage halves after its first convolution, before what is to be done at every place;
            otherwise, as version 0.1.0 did, before each stage but the first.
    """
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
        halve = [nn.MaxPool2d(2)] if number and not halves_first else []
        layers += [*halve, conv_block(before, after, halves=halves_first), conv_block(after, after)]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(widths[-1], classes))
    return ConvolutionalNetwork(features=nn.Sequential(*layers), head=head, views=views)


def article_network(*, channels: int, classes: int, height: int, width: int, views: int = 1) -> ConvolutionalNetwork:
    """The network of Keras' well-known first tutorial: convolutions of 32, 64 and 64 filters, a dense layer of 64.

    No padding, no normalisation, ReLU, maximum over 2x2 between the convolutions.

    Args:
        channels: of the pictures.
        classes: how many.
        height: of the pictures, pixels, ≥ 18 for at least one place to be left.
        width: likewise.
        views: of each picture where nothing is learned, see `ConvolutionalNetwork`.
    """
    features = nn.Sequential(
        nn.Conv2d(channels, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(),
    )  # fmt: skip
    places = (((height - 2) // 2 - 2) // 2 - 2) * (((width - 2) // 2 - 2) // 2 - 2)
    head = nn.Sequential(nn.Flatten(), nn.Linear(64 * places, 64), nn.ReLU(), nn.Linear(64, classes))
    return ConvolutionalNetwork(features=features, head=head, views=views)
