"""Pictures in memory as bytes, and how training sees them: moved and mirrored, a whole batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from chainrule.data.dataset import Examples, Positions
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.runtime.draws import draws_of_each

MOST_BYTES = 1 << 31  # of pictures in memory
AT_A_TIME = 4096  # pictures read into it


class PictureStore:
    """The pictures of a split as bytes, channels last, on the device; where they are too many, read as needed.

    Args:
        examples: the split.
        device: where they are wanted.
    """

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._examples = examples
        self._device = device
        size = int(np.prod(examples.dataset.picture_shape or (0,)))
        self._pixels = self._all() if len(examples) * size <= MOST_BYTES else None

    def __call__(self, positions: Positions) -> UInt8[Tensor, "batch height width channels"]:
        """The pictures at these positions."""
        if self._pixels is None:
            return self._read(positions)
        return self._pixels[torch.from_numpy(positions).to(self._device)]

    def _all(self) -> Tensor:
        channels, height, width = self._examples.dataset.picture_shape or (0, 0, 0)
        pixels = np.empty((len(self._examples), height, width, channels), np.uint8)
        for part in self._examples.in_parts(AT_A_TIME):
            pixels[part] = self._examples.pictures(part).transpose(0, 2, 3, 1)
        return torch.from_numpy(pixels).to(self._device)

    def _read(self, positions: Positions) -> Tensor:
        pixels = self._examples.pictures(positions).transpose(0, 2, 3, 1)
        return torch.from_numpy(np.array(pixels, order="C")).to(self._device)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training sees its pictures: a function of (seed, epoch, example), whatever batch an example is in.

    A picture is moved by up to `shift` pixels in both directions, each distance as likely; what comes in at the edge
    is the picture's own reflection. It is mirrored every other epoch, half of the pictures in the even and half in the
    odd ones: so each is seen both ways in any two epochs, which teaches more than tossing a coin each time does
    (arXiv 2404.00498, section 3.6). A square of `cutout` pixels a side, its middle at each pixel of the picture as
    likely, takes the mean of all training pictures, so that no single part of a thing is relied on (DeVries and
    Taylor, arXiv 1708.04552).
    """

    preprocessor: PicturePreprocessor
    seed: int
    mirror: bool
    shift: int
    """Pixels, ≥ 0 and less than height and width."""
    cutout: int = 0
    """Pixels a side of the square that is covered, ≥ 0."""

    def __call__(
        self, pixels: UInt8[Tensor, "batch height width channels"], positions: Positions, epoch: int
    ) -> Float[Tensor, "batch channels height width"]:
        """The pictures as the network takes them, channels last in memory.

        Args:
            pixels: of a batch.
            positions: which examples they are, (batch,).
            epoch: from 0.
        """
        values = standardised(self.moved(pixels, positions, epoch), self.preprocessor)
        if not self.cutout:
            return values
        return values.masked_fill_(self.covered(values.shape, positions, epoch).to(values.device), 0.0)

    def covered(self, shape: Sequence[int], positions: Positions, epoch: int) -> Bool[Tensor, "batch 1 height width"]:
        """Where the square lies in each picture; what of it is beyond an edge is lost.

        Args:
            shape: batch, channels, height, width.
            positions: which examples they are, (batch,).
            epoch: from 0.
        """
        draws = draws_of_each(self.seed, "cutout", epoch, numbers=positions)
        within = []
        for bit, side in ((0, shape[2]), (32, shape[3])):
            middle = torch.from_numpy((draws >> np.uint64(bit) & np.uint64(0xFFFFFFFF)) % np.uint64(side)).long()
            offset = torch.arange(side) - middle[:, None] + self.cutout // 2  # (batch, side)
            within.append((offset >= 0) & (offset < self.cutout))
        rows, columns = within
        return rows[:, None, :, None] & columns[:, None, None, :]

    def moved(
        self, pixels: UInt8[Tensor, "batch height width channels"], positions: Positions, epoch: int
    ) -> UInt8[Tensor, "batch height width channels"]:
        """The pictures moved and mirrored, still bytes."""
        if not self.shift and not self.mirror:
            return pixels
        _, height, width, _ = pixels.shape
        draws = draws_of_each(self.seed, "shift", epoch, numbers=positions)
        down, right = (
            torch.from_numpy((draws >> np.uint64(bit)) % np.uint64(2 * self.shift + 1)).long() - self.shift
            for bit in (0, 32)
        )
        down, right = down.to(pixels.device), right.to(pixels.device)
        rows = _reflected(torch.arange(height, device=pixels.device) + down[:, None], height)  # (batch, height)
        columns = torch.arange(width, device=pixels.device).expand(len(pixels), -1)  # (batch, width)
        if self.mirror:
            odd = draws_of_each(self.seed, "mirror", numbers=positions) % np.uint64(2)
            is_mirrored = torch.from_numpy((odd + np.uint64(epoch)) % np.uint64(2) == 1).to(pixels.device)
            columns = torch.where(is_mirrored[:, None], columns.flip(1), columns)
        columns = _reflected(columns + right[:, None], width)
        places = rows[:, :, None] * width + columns[:, None, :]  # (batch, height, width)
        places += torch.arange(len(pixels), device=pixels.device)[:, None, None] * (height * width)
        return pixels.flatten(0, 2)[places.flatten()].view_as(pixels)


def _reflected(places: Int64[Tensor, "batch side"], size: int) -> Int64[Tensor, "batch side"]:
    """Places beyond an edge turned back at it; the edge itself does not come twice."""
    return size - 1 - (size - 1 - places.abs()).abs()


def standardised(
    pixels: UInt8[Tensor, "batch height width channels"], preprocessor: PicturePreprocessor
) -> Float[Tensor, "batch channels height width"]:
    """Mean 0 and deviation 1 in each channel over the training pictures; channels last in memory."""
    mean = torch.tensor(preprocessor.mean, device=pixels.device)
    scale = 1 / torch.tensor(preprocessor.deviation, device=pixels.device)
    return ((pixels - mean) * scale).permute(0, 3, 1, 2)
