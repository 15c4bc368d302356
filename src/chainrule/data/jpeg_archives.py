"""Archives of JPEG files `{train,test}/<class>/<name>.jpg`, whatever folder they stand in and however it is packed."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from chainrule.data import archives

MIB = 2**20
LARGEST = MIB  # bytes, of a picture
LIMITS = archives.Limits(total=256 * MIB)


class Jpeg(NamedTuple):
    """One file."""

    split: str
    """`train` or `test`."""
    thing: str
    """The class."""
    name: str
    content: bytes


def jpeg_files(stream: BinaryIO) -> Iterator[Jpeg]:
    """The pictures, in the archive's order, one of them in memory at a time.

    Raises:
        ArchiveError: it is no archive, is damaged, or may not be opened.
    """
    for member in archives.members(stream, "the archive of JPEG files", LIMITS):
        *_, split, thing, name = ["", "", *member.path.split("/")]
        if split in {"train", "test"} and name.endswith(".jpg"):
            yield Jpeg(split, thing, name, member.read(largest=LARGEST))


def pictures_sha256(stream: BinaryIO) -> str:
    """The SHA-256 of what `sha256sum` says of the pictures, sorted: of the pictures, and not of their packing."""
    sums = sorted(
        f"{hashlib.sha256(jpeg.content).hexdigest()}  {jpeg.split}/{jpeg.thing}/{jpeg.name}"
        for jpeg in jpeg_files(stream)
    )
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()
