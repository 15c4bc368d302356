"""Archives read member by member, in memory and never unpacked to disk.

Formats, told by what a file begins with: zip, tar (plain, gzip, bzip2, xz, zstd) and Debian's .deb.
An archive is hostile until shown otherwise: a member whose path would leave the folder, a link, a device, an
encrypted member, too many members or bytes, or a size that only a bomb has, and all of it is refused.
"""

import functools
import gzip
import io
import stat
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from chainrule.data.archive_rules import (
    Limits,
    Member,
    check_count,
    check_path,
    check_total,
    no_file,
    readable,
)
from chainrule.data.archive_tar import debian_members, tar_members
from chainrule.errors import ArchiveError

__all__ = ["LIMITS", "Limits", "Member", "gunzip", "members", "read_member"]
LIMITS = Limits()


def members(stream: BinaryIO, name: str, limits: Limits = LIMITS) -> Iterator[Member]:
    """Walks over the files in an archive, in its order.

    Args:
        stream: the archive, at its start; it must be able to seek.
        name: what to call it in an error.
        limits: how much it may hold.

    Raises:
        ArchiveError: it is no archive, is damaged, or may not be opened.
    """
    head = stream.read(8)
    stream.seek(0)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_members(stream, name, limits)
    if head == b"!<arch>\n":
        return debian_members(stream, name, limits)
    return tar_members(stream, name, limits)


def read_member(stream: BinaryIO, name: str, path: str, *, largest: int) -> bytes:
    """The content of one file in an archive.

    Args:
        stream: the archive, at its start.
        name: what to call it in an error.
        path: where the file stands in it.
        largest: the most bytes it may have.
    """
    for member in members(stream, name):
        if member.path.removeprefix("./") == path:
            return member.read(largest=largest)
    raise ArchiveError(f"{name} holds no {path}; it is damaged or another version.")


def gunzip(stream: BinaryIO, name: str, *, largest: int) -> bytes:
    """The content of a single gzip file, of at most `largest` bytes."""
    with readable(name), gzip.GzipFile(fileobj=stream) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ArchiveError(f"{name} unpacks to more than the {largest:,} bytes allowed.")
    return content


def _zip_members(stream: BinaryIO, name: str, limits: Limits) -> Iterator[Member]:
    with readable(name):
        packed = _checked_directory(stream, name, limits)
        archive = zipfile.ZipFile(stream)
    entries = archive.infolist()
    check_count(len(entries), name, limits)
    check_total(sum(entry.file_size for entry in entries), packed, name, limits)
    for entry in entries:
        check_path(entry.orig_filename, name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise no_file(entry.filename, name)
        if entry.flag_bits & 1:
            raise ArchiveError(f"{name} is encrypted; give it without a password.")
    for entry in entries:
        if not entry.is_dir():
            yield Member(entry.filename, entry.file_size, functools.partial(archive.open, entry), name)


def _checked_directory(stream: BinaryIO, name: str, limits: Limits) -> int:
    """The archive's size, once its directory is known to be short enough for `zipfile` to make objects of it.

    The end record, or a second one in large archives, says how long the directory is; an entry takes 46 bytes
    and its path.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 2**16 - 22))  # the longest comment and the end record
    tail = stream.read()
    for mark, start, end in ((b"PK\5\6", 12, 16), (b"PK\6\6", 40, 48)):
        place = tail.rfind(mark)
        length = int.from_bytes(tail[place + start : place + end], "little")
        if place >= 0 and length != 2**32 - 1 and length > limits.members * 160:
            check_count(limits.members + 1, name, limits)
    stream.seek(0)
    return size
