import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from chainrule.data.pictures import MOST_PIXELS, picture_header, read_picture
from chainrule.errors import FileFormatError

RANDOM = np.random.default_rng(7)
COLOURS = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def claiming_png(width, height):
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    )


def saved(tmp_path, image, suffix=".png", **options):
    path = tmp_path / f"picture{suffix}"
    image.save(path, **options)
    return path


def test_colours_come_channel_by_channel(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOURS))
    assert picture_header(path) == (3, 5, 7)
    np.testing.assert_array_equal(read_picture(path, (3, 5, 7)), COLOURS.transpose(2, 0, 1))


def test_grey_pictures_of_any_depth(tmp_path):
    grey = COLOURS[:, :, 0]
    path = saved(tmp_path, Image.fromarray(grey))
    assert picture_header(path) == (1, 5, 7)
    np.testing.assert_array_equal(read_picture(path, (1, 5, 7)), grey[None])
    np.testing.assert_array_equal(read_picture(path, (3, 5, 7)), np.stack([grey] * 3))

    deep = RANDOM.integers(0, 65536, (5, 7), dtype=np.uint16)
    for suffix in (".png", ".tif"):
        path = saved(tmp_path, Image.fromarray(deep), suffix)
        assert picture_header(path) == (1, 5, 7)
        np.testing.assert_array_equal(read_picture(path, (1, 5, 7))[0], deep // 257)

    black_and_white = grey > 127
    path = saved(tmp_path, Image.fromarray(black_and_white))
    np.testing.assert_array_equal(read_picture(path, (1, 5, 7))[0], black_and_white * np.uint8(255))


def test_transparent_parts_are_white(tmp_path):
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    pixels[1, 2] = (0, 0, 0, 51)  # a fifth of black over white
    read = read_picture(saved(tmp_path, Image.fromarray(pixels)), (3, 2, 3))
    expected = np.full((2, 3, 3), 255, np.uint8)
    expected[0, 0], expected[1, 2] = (10, 20, 30), (204, 204, 204)
    np.testing.assert_array_equal(read, expected.transpose(2, 0, 1))


def test_palettes_and_printers_colours(tmp_path):
    flags = Image.new("P", (3, 1))
    flags.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    flags.putdata([0, 1, 2])
    path = saved(tmp_path, flags, transparency=1)
    np.testing.assert_array_equal(
        read_picture(path, (3, 1, 3)), np.array([[[255, 255, 0]], [[0, 255, 0]], [[0, 255, 255]]], np.uint8)
    )
    ink = Image.new("CMYK", (2, 3), (0, 255, 255, 0))
    path = saved(tmp_path, ink, ".tif")
    np.testing.assert_array_equal(read_picture(path, (3, 3, 2))[:, 1, 1], [255, 0, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, orientation):
    upright = COLOURS[:, :, 0]
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert picture_header(path) == (1, 5, 7)
    read = read_picture(path, (1, 5, 7))[0]
    if orientation in {6, 8}:  # a quarter turn, to either side
        np.testing.assert_array_equal(read, np.rot90(stored, -1 if orientation == 6 else 1))
    else:
        np.testing.assert_array_equal(read, upright)


def test_pictures_are_scaled_as_pillow_does(tmp_path):
    image = Image.fromarray(COLOURS)
    expected = np.asarray(image.resize((4, 11), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_picture(saved(tmp_path, image), (3, 11, 4)), expected)


@pytest.mark.parametrize("side", [100_000, 11_000, 9_000])
def test_a_picture_that_claims_too_many_pixels_is_refused_unread(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(claiming_png(side, side))
    match = rf"bomb\.png is too large a picture: it claims {side**2:,} pixels; at most {MOST_PIXELS:,} are read"
    tracemalloc.start()
    for read in (picture_header, lambda path: read_picture(path, (3, 32, 32))):
        with pytest.raises(FileFormatError, match=match):
            read(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_what_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "a.png"
    for content in (b"", b"hello", b"\x80\x04."):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"a\.png cannot be read as a picture: it is no picture\.$"):
            read_picture(path, (3, 8, 8))


def test_damaged_pictures_are_refused_in_one_sentence(tmp_path):
    large = Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for suffix in (".png", ".jpg", ".webp", ".gif", ".tif", ".bmp"):
        path = saved(tmp_path, large, suffix)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(FileFormatError) as caught:
            read_picture(path, (3, 8, 8))
        assert str(caught.value).startswith(f"{path} cannot be read as a picture: ")
        assert "\n" not in str(caught.value)


def test_floating_point_pictures_have_no_known_range(tmp_path):
    path = saved(tmp_path, Image.fromarray(RANDOM.random((5, 7), np.float32)), ".tif")
    with pytest.raises(FileFormatError, match="pixels that are floating-point numbers have no known range"):
        read_picture(path, (1, 5, 7))
