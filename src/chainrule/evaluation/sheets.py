"""Many small pictures as one large one, as PNG or as an animation."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = UInt8[np.ndarray, "pictures channels height width"]

SIDE = 512  # pixels that a sheet is enlarged to, about
FRAME, LAST_FRAME = 200, 2000  # milliseconds
PAPER = 255


def sheet(pictures: Pixels, *, columns: int) -> UInt8[np.ndarray, "height width channels"]:
    """Pictures side by side, row by row, a pixel of white between them.

    Args:
        pictures: all of one shape.
        columns: of the sheet; a last row that is not full stays white where pictures are missing.
    """
    count, channels, height, width = pictures.shape
    rows = -(-count // columns)
    framed = np.full((rows * columns, channels, height + 1, width + 1), PAPER, np.uint8)
    framed[:count, :, :height, :width] = pictures
    cells = framed.reshape(rows, columns, channels, height + 1, width + 1)
    whole = cells.transpose(0, 3, 1, 4, 2).reshape(rows * (height + 1), columns * (width + 1), channels)
    return whole[:-1, :-1]


def _image(pixels: NDArray[np.uint8]) -> "Image":
    """An image, enlarged by a whole number so that each pixel stays a square."""
    from PIL import Image

    times = max(1, SIDE // max(pixels.shape[:2]))
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)
    return Image.fromarray(large.squeeze(axis=2) if large.shape[2] == 1 else large)


def as_png(pixels: UInt8[np.ndarray, "height width channels"]) -> bytes:
    """The bytes of a PNG."""
    buffer = io.BytesIO()
    _image(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def as_gif(frames: Sequence[bytes]) -> bytes:
    """The bytes of an animation of PNGs of one size, which begins anew after a rest on the last one."""
    from PIL import Image

    images = []
    for frame in frames:
        with Image.open(io.BytesIO(frame)) as image:
            images.append(image.convert("P"))
    buffer = io.BytesIO()
    durations = [FRAME] * (len(images) - 1) + [LAST_FRAME]
    images[0].save(
        buffer, format="GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, disposal=1
    )
    return buffer.getvalue()
