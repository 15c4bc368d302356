"""A user's pictures, wherever they were read from, converted to a data set."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data import store
from chainrule.data.dataset import CONTENT, LABEL
from chainrule.data.judge import Judge
from chainrule.data.own_classes import check_splits, class_notes
from chainrule.data.pictures import Shape
from chainrule.data.splits import SPLITS

SCALED = (32, 32)  # height and width of pictures that are not small and all of one size
LARGEST_KEPT = 96  # pixels a side
BATCH_BYTES = 1 << 23
TRAIN = SPLITS.index("train")
SHOWN = 5  # unreadable pictures told of at once


class Part(NamedTuple):
    """Some pictures in a row."""

    pixels: list[NDArray[np.uint8]]
    """Each of the wanted shape."""
    labels: list[int]
    published: list[int]
    """The split that whoever made the data put each into: its place in `SPLITS`; else that of "train"."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of the pictures before they are read."""

    path: Path
    sha256: str
    classes: tuple[str, ...]
    shape: Shape
    notes: tuple[str, ...]
    is_scored: bool = False
    """Whether no model is to learn from them."""
    unreadable: list[str] = field(default_factory=list)
    """Grows while they are read: a sentence on each that could not be."""


def choose_shape(
    wanted: Shape | None, sizes: Collection[tuple[int, int]], *, grey: bool
) -> tuple[Shape, tuple[str, ...]]:
    """The shape all pictures are brought to, and a note where that changes them.

    Args:
        wanted: what the user asked for.
        sizes: the heights and widths that occur.
        grey: whether none of the pictures has colour.
    """
    one = next(iter(sizes)) if len(sizes) == 1 else None
    kept = one if one is not None and max(one) <= LARGEST_KEPT else SCALED
    shape = wanted or (1 if grey else 3, *kept)
    if one == shape[1:]:
        return shape, ()
    found = f"{one[1]} x {one[0]} pixels" if one else f"{len(sizes):,} different sizes"
    return shape, (f"The pictures, of {found}, are scaled to {shape[2]} x {shape[1]} pixels.",)


def write_pictures(parts: Iterator[Part], about: About, *, key: str) -> None:
    """Writes the data set `key`.

    Raises:
        DataError: no picture is left.
    """
    pixel_type = pa.list_(pa.uint8(), int(np.prod(about.shape)))
    schema = pa.schema({CONTENT["pictures"]: pixel_type, LABEL: pa.int32()})
    judge, labels, published = Judge(unique=False), list[int](), list[int]()
    with store.writing(key, schema) as writer:
        for part in filter(lambda part: len(part.labels), parts):
            pixels = np.stack(part.pixels)
            for picture in pixels:
                judge.see(picture.tobytes())
            values = pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), type=pixel_type)
            writer.add(pa.record_batch([values, pa.array(part.labels, pa.int32())], schema=schema))
            labels += part.labels
            published += part.published
        contents_codes, _ = judge.verdict()
        codes = _codes(contents_codes, np.array(published, np.uint8))
        left_out = Counter({"unreadable": len(about.unreadable)})
        check_splits(about.path, codes, +left_out)
        small = () if about.is_scored else class_notes(about.classes, np.array(labels, np.int32), codes)
        facts = store.Facts(
            name=about.path.name,
            kind="pictures",
            sha256=about.sha256,
            classes=about.classes,
            picture_shape=about.shape,
            left_out=dict(+left_out),
            unreadable=tuple(about.unreadable),
            notes=(*about.notes, *_first_of(about.unreadable), *small),
            source=str(about.path),
        )
        writer.finish(codes, facts)


def _first_of(unreadable: Sequence[str]) -> tuple[str, ...]:
    """What is said at once of the pictures that cannot be read."""
    if len(unreadable) <= SHOWN:
        return tuple(unreadable)
    more = len(unreadable) - SHOWN
    return *unreadable[:SHOWN], f"{more:,} more cannot be read; the report lists all, under data and unreadable."


def _codes(contents_codes: NDArray[np.uint8], published: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Published splits as they are; those that nobody published are drawn from training by the contents."""
    absent = [code for code in range(len(SPLITS)) if not (published == code).any()]
    drawn = np.where(np.isin(contents_codes, absent), contents_codes, TRAIN)
    return np.where(published == TRAIN, drawn, published).astype(np.uint8)
