"""A user's .npz file of pictures and labels, converted to a data set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chainrule.data.npz_files import StoredArray, open_npz
from chainrule.data.own_classes import picture_classes
from chainrule.data.own_pictures import BATCH_BYTES, About, Part, choose_shape, write_pictures
from chainrule.data.pictures import LARGEST_SIDE, Shape, pixels
from chainrule.data.splits import SPLITS, Split
from chainrule.data.taught import Taught
from chainrule.errors import FileFormatError
from chainrule.runtime import progress

IMAGES, LABELS = ("x", "images", "image", "pictures"), ("y", "labels", "label")
ENDINGS: dict[str, Split] = {
    "": "train",
    "_train": "train",
    "_validation": "validation",
    "_val": "validation",
    "_test": "test",
}
LARGEST_LABEL = 4096  # bytes


@dataclass(frozen=True)
class Pair:
    """An array of pictures and one of their labels."""

    images: StoredArray
    labels: StoredArray
    split: Split
    shape: Shape
    is_channel_last: bool


def open_pairs(path: Path) -> list[Pair]:
    """The arrays of pictures and labels: `x` and `y`, or `images` and `labels`.

    With published splits they are called `x_train`, `y_train`, `x_test`, `y_test` and so on.

    Raises:
        FileFormatError: the file does not hold such arrays.
        ArchiveError: the file is damaged, or claims sizes that no honest one has.
    """
    arrays = open_npz(path)
    pairs = []
    for ending, split in ENDINGS.items():
        images = [arrays[name + ending] for name in IMAGES if name + ending in arrays]
        labels = [arrays[name + ending] for name in LABELS if name + ending in arrays]
        if len(images) == len(labels) == 1:
            pairs.append(_pair(images[0], labels[0], split))
    if not any(pair.split == "train" for pair in pairs):
        raise FileFormatError(
            f"{path} holds the arrays {', '.join(map(repr, arrays)) or 'none'}; one of pictures and one of "
            "labels were needed, named x and y, or images and labels."
        )
    return pairs


def _pair(images: StoredArray, labels: StoredArray, split: Split) -> Pair:
    count = images.shape[0] if images.shape else 0
    if labels.shape not in {(count,), (count, 1)} or not count:
        raise FileFormatError(
            f"{labels.path}: array {labels.name!r} has the shape {labels.shape}, and {images.name!r} has "
            f"{images.shape}; one label a picture was needed."
        )
    for array, kinds in ((labels, "iufbU"), (images, "iufb")):
        if array.dtype.kind not in kinds or array.dtype.itemsize > LARGEST_LABEL:
            raise FileFormatError(
                f"{array.path}: array {array.name!r} is of type {array.dtype}, which cannot be used; numbers "
                "were needed, or for labels strings."
            )
    *shape, is_last = _layout(images.shape[1:])
    if not 1 <= min(shape) <= max(shape) <= LARGEST_SIDE:
        raise FileFormatError(
            f"{images.path}: array {images.name!r} has the shape {images.shape}; (pictures, height, width) "
            "was needed, and before or behind these two there may be 1 or 3 channels."
        )
    return Pair(images, labels, split, (shape[0], shape[1], shape[2]), is_last)


def _layout(sides: Sequence[int]) -> tuple[int, int, int, bool]:
    """Channels, height, width (zeros where there is no such layout), and whether the channels come last."""
    match sides:
        case [height, width]:
            return 1, height, width, False
        case [height, width, (1 | 3) as channels]:
            return channels, height, width, True
        case [(1 | 3) as channels, height, width]:
            return channels, height, width, False
    return 0, 0, 0, False


def convert_npz(
    path: Path, pairs: Sequence[Pair], wanted: Shape | None, *, key: str, sha256: str, like: Taught | None = None
) -> None:
    """Writes the data set `key`.

    Args:
        path: the file.
        pairs: its arrays.
        wanted: the pictures' shape; None for their own where it is small.
        key: what the data set is kept as.
        sha256: of the file.
        like: what a model was taught that is to score the pictures.

    Raises:
        ColumnError: there are less than two classes, or too many.
        FileFormatError: a picture holds values out of range.
        DataError: a label is of none of the classes of `like`.
    """
    labels = [[str(label) for rows in pair.labels.rows(BATCH_BYTES) for label in rows.reshape(-1)] for pair in pairs]
    names, indices = picture_classes(path, set().union(*labels), like)
    sizes = {pair.shape[1:] for pair in pairs}
    shape, notes = choose_shape(wanted, sizes, grey=all(pair.shape[0] == 1 for pair in pairs))
    about = About(path=path, sha256=sha256, classes=names, shape=shape, notes=notes, is_scored=like is not None)
    coded = [[indices[label] for label in part] for part in labels]
    write_pictures(_parts(pairs, coded, shape), about, key=key)


def _parts(pairs: Sequence[Pair], labels: Sequence[list[int]], shape: Shape) -> Iterator[Part]:
    total = sum(map(len, labels))
    with progress.bar("converting", total=total, unit="pictures") as advance:
        for pair, indices in zip(pairs, labels, strict=True):
            done = 0
            for rows in pair.images.rows(BATCH_BYTES):
                bytes_ = _eight_bits(pair.images, rows, done)
                channels_last = bytes_ if pair.is_channel_last else _channels_last(bytes_, pair.shape)
                pictures = [_scaled(picture, shape) for picture in channels_last]
                coded = indices[done : done + len(rows)]
                yield Part(pictures, coded, [SPLITS.index(pair.split)] * len(rows))
                done += len(rows)
                advance(len(rows))


def _eight_bits(array: StoredArray, values: NDArray[Any], first: int) -> NDArray[np.uint8]:
    """Values from 0 to 1 that are floating-point numbers or truths, or whole ones up to 255, as bytes."""
    is_whole = values.dtype.kind in "iu"
    high, numbers = (255, "whole numbers") if is_whole else (1, "floating-point numbers")
    inside = (values >= 0) & (values <= high)  # NaN is not
    if not inside.all():
        place = np.unravel_index(int(np.argmin(inside)), inside.shape)
        raise FileFormatError(
            f"{array.path}: picture {first + int(place[0]):,} of array {array.name!r} holds the value "
            f"{values[place]}; {numbers} from 0 to {high} were needed."
        )
    scaled = values if is_whole else np.round(values.astype(np.float32) * 255)
    return scaled.astype(np.uint8)


def _channels_last(pictures: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    return pictures.reshape(len(pictures), *shape).transpose(0, 2, 3, 1)


def _scaled(picture: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """A picture of (height, width, channels), brought to `shape`."""
    plain = picture[:, :, 0] if picture.shape[2] == 1 else picture
    return pixels(Image.fromarray(np.ascontiguousarray(plain)), shape)
