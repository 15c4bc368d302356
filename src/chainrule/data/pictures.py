"""One picture file to pixels: the same way for training and for prediction."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from chainrule.errors import FileFormatError

Shape = tuple[int, int, int]  # channels, height, width
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
)
LARGEST_SIDE = 4096  # pixels, of a picture that a network takes
LARGEST_SCALED_SIDE = 1024  # likewise, where pictures are scaled to a shape that was asked for
MOST_PIXELS = 1 << 26  # 67 million, larger than telephones take; decoded, 200 MB
GREYS = {"1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I"}
MODES = {1: "L", 3: "RGB"}


def picture_header(path: Path) -> Shape:
    """The shape of a picture as it stands in the file, turned upright; no pixel is decoded.

    Raises:
        FileFormatError: the file is no picture that can be read, or has too many pixels.
    """
    with _opened(path) as image:
        height, width = image.height, image.width
        if image.getexif().get(0x0112, 1) >= 5:  # the orientations that lie on their side
            height, width = width, height
        return 1 if image.mode in GREYS else 3, height, width


def read_picture(path: Path, shape: Shape) -> NDArray[np.uint8]:
    """The pixels of a picture: upright, in grey or colour, transparent parts white, scaled to `shape`.

    A picture of another aspect is stretched.

    Args:
        path: the picture's file.
        shape: channels (1 or 3), height and width wanted.

    Returns:
        (channels, height, width).

    Raises:
        FileFormatError: the file is no picture that can be read, or has too many pixels.
    """
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        return pixels(_without_transparency(_eight_bits(upright)), shape)


def pixels(image: Image.Image, shape: Shape) -> NDArray[np.uint8]:
    """The pixels of a decoded picture, scaled to `shape`; (channels, height, width)."""
    channels, height, width = shape
    plain = image.convert(MODES[channels])
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BICUBIC)
    array = np.asarray(plain).reshape(height, width, channels)
    return np.ascontiguousarray(array.transpose(2, 0, 1))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities that Pillow can read
            with Image.open(path, formats=FORMATS) as image:
                _check_size(path, image.width * image.height)
                yield image
    except FileFormatError:
        raise
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+", str(error))
        _check_size(path, int(claimed[0]) if claimed else MOST_PIXELS + 1)
    except Exception as error:  # damaged files make the decoders raise nearly anything
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        known = "it is no picture" if "cannot identify" in reason else reason
        raise FileFormatError(f"{path} cannot be read as a picture: {known}.") from error


def _check_size(path: Path, found: int) -> None:
    if found > MOST_PIXELS:
        raise FileFormatError(
            f"{path} is too large a picture: it claims {found:,} pixels; at most {MOST_PIXELS:,} are read."
        )


def _eight_bits(image: Image.Image) -> Image.Image:
    """A picture of 16 bits a pixel in 8."""
    if image.mode.startswith("I"):
        values = np.asarray(image.convert("I")).clip(0, 65535)
        return Image.fromarray((values // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("pixels that are floating-point numbers have no known range")
    return image


def _without_transparency(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    seen = image.convert("RGBA")
    paper = Image.new("RGBA", seen.size, "white")
    paper.alpha_composite(seen)
    return paper.convert("RGB")
