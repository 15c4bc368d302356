"""The named sets of pictures."""

import io
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data import archives, store
from chainrule.data.dataset import CONTENT, LABEL
from chainrule.data.entry import MIB, Entry
from chainrule.data.jpeg_archives import jpeg_files
from chainrule.data.judge import Judge, published_codes
from chainrule.runtime import progress

DIGITS = tuple("0123456789")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
JPEG_CHUNK = 5000


class Part(NamedTuple):
    """Some pictures in a row."""

    pixels: NDArray[np.uint8]  # (pictures, channels * height * width)
    labels: NDArray[np.int32]  # (pictures,)
    published: str | None = None  # the split the publisher put them into, "train" or "test"


class Reading(NamedTuple):
    """How one data set is read."""

    parts: Callable[[Entry], Iterator[Part]]
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # (channels, height, width)
    notes: tuple[str, ...] = ()


def convert(entry: Entry, key: str) -> None:
    """Reads the data set, one part of it in memory at a time, and stores it as `key`."""
    reading = READINGS[entry.name]
    judge = Judge(unique=False)
    published: list[str | None] = []
    type_ = pa.list_(pa.uint8(), int(np.prod(reading.shape)))
    schema = pa.schema({CONTENT["pictures"]: type_, LABEL: pa.int32()})
    with (
        store.writing(key, schema) as writer,
        progress.bar(f"preparing {entry.name}", total=None, unit="pictures") as advance,
    ):
        for part in reading.parts(entry):
            for picture in part.pixels:
                judge.see(picture.tobytes())
            published += [part.published] * len(part.labels)
            pictures = pa.FixedSizeListArray.from_arrays(part.pixels.reshape(-1), type=type_)
            writer.add(pa.record_batch([pictures, pa.array(part.labels)], schema=schema))
            advance(len(part.labels))
        codes, left_out = judge.verdict()
        if any(published):
            codes = published_codes(codes, np.array(published) == "test")
        facts = store.Facts(
            name=entry.name,
            kind="pictures",
            sha256=entry.sha256,
            classes=reading.classes,
            picture_shape=reading.shape,
            left_out=left_out,
            notes=reading.notes,
            licence=entry.licence,
            source=entry.source,
        )
        writer.finish(codes, facts)


def _table(entry: Entry) -> Iterator[Part]:
    """Pixels and label of a picture on one line, in a gzip file."""
    name = entry.files[0].name
    with entry.open_file(name) as stream:
        content = archives.gunzip(stream, name, largest=32 * MIB)
    table = np.loadtxt(io.BytesIO(content), np.uint8, delimiter=",")
    yield Part(table[:, :-1], table[:, -1].astype(np.int32))


def _digits(entry: Entry) -> Iterator[Part]:
    for part in _table(entry):
        scaled = (part.pixels.astype(np.uint16) * 255 + 8) // 16
        yield part._replace(pixels=scaled.astype(np.uint8))


def _fashion_mnist(entry: Entry) -> Iterator[Part]:
    for prefix, split in (("train", "train"), ("t10k", "test")):
        pixels = _idx(entry, f"{prefix}-images-idx3-ubyte.gz")
        labels = _idx(entry, f"{prefix}-labels-idx1-ubyte.gz")
        yield Part(pixels.reshape(len(pixels), -1), labels.astype(np.int32), split)


def _idx(entry: Entry, name: str) -> NDArray[np.uint8]:
    """An array of bytes in MNIST's format: 0, 0, 8, the number of axes, the length of each, the values."""
    with entry.open_file(name) as stream:
        content = archives.gunzip(stream, name, largest=64 * MIB)
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _cifar10(entry: Entry) -> Iterator[Part]:
    """Files of one byte of label, then 1,024 bytes each of red, green and blue, for each picture."""
    name = entry.files[0].name
    with entry.open_file(name) as stream:
        for member in archives.members(stream, name):
            file_name = member.path.rpartition("/")[2]
            if file_name.endswith("_batch.bin") or file_name.startswith("data_batch_"):
                rows = np.frombuffer(member.read(largest=32 * MIB), np.uint8).reshape(-1, 1 + 3 * 32 * 32)
                split = "test" if file_name.startswith("test") else "train"
                yield Part(rows[:, 1:], rows[:, 0].astype(np.int32), split)


def _cifar10_jpeg(entry: Entry) -> Iterator[Part]:
    name = entry.files[0].name
    with entry.open_file(name) as stream:
        for split, group in itertools.groupby(jpeg_files(stream), lambda jpeg: jpeg.split):
            while chunk := list(itertools.islice(group, JPEG_CHUNK)):
                labels = np.array([THINGS.index(jpeg.thing) for jpeg in chunk], np.int32)
                yield Part(np.stack([_decoded(jpeg.content) for jpeg in chunk]), labels, split)


def _decoded(jpeg: bytes) -> NDArray[np.uint8]:
    """Pixels, (channels * height * width,)."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB")).transpose(2, 0, 1).reshape(-1)


READINGS = {
    "digits": Reading(_digits, DIGITS, (1, 8, 8), ("The values 0 to 16 are scaled to 0 to 255.",)),
    "mnist-5k": Reading(_table, DIGITS, (1, 28, 28)),
    "fashion-mnist": Reading(_fashion_mnist, CLOTHES, (1, 28, 28)),
    "cifar10": Reading(_cifar10, THINGS, (3, 32, 32)),
    "cifar10-jpeg": Reading(_cifar10_jpeg, THINGS, (3, 32, 32)),
}
