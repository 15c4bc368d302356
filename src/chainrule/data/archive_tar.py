"""Tar archives, plain or packed, and Debian's packages, walked without being unpacked to disk."""

import bz2
import functools
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, cast

from chainrule.data.archive_rules import (
    MIB,
    Limits,
    Member,
    check_count,
    check_path,
    check_total,
    no_file,
    readable,
)
from chainrule.errors import ArchiveError

LONG_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


def tar_members(stream: BinaryIO, name: str, limits: Limits) -> Iterator[Member]:
    """Walks over a tar archive; see `archives.members`."""
    with readable(name):
        plain = _unpacked(stream, name, limits)
        archive = tarfile.open(fileobj=plain, mode="r|", tarinfo=_Header)  # noqa: SIM115 - it opens no file
    total = 0
    for count, entry in enumerate(_entries(archive, name), 1):
        check_count(count, name, limits)
        check_path(entry.name, name)
        if entry.issparse() or not (entry.isreg() or entry.isdir()):
            raise no_file(entry.name, name)
        total += entry.size
        check_total(total, limits.total, name, limits)
        if entry.isreg():
            yield Member(entry.name, entry.size, functools.partial(archive.extractfile, entry), name)


def debian_members(stream: BinaryIO, name: str, limits: Limits) -> Iterator[Member]:
    """Walks over the file tree in a Debian package: the member `data.tar…` of an `ar` archive (deb(5))."""
    place = 8
    while True:
        stream.seek(place)
        header = stream.read(60)  # name 16, time 12, owner 6, group 6, mode 8, size 10, end 2
        if len(header) < 60 or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
            raise ArchiveError(f"{name} is damaged: it holds no data.tar.")
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            section = cast("BinaryIO", _Section(stream, place + 60, size))
            return tar_members(section, name, limits)
        place += 60 + size + size % 2


def _entries(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    while True:
        with readable(name):
            entry = archive.next()
        if entry is None:
            return
        archive.members.clear()  # type: ignore[attr-defined]  # or every header is kept
        yield entry


class _Header(tarfile.TarInfo):
    """A tar header that is refused where tarfile would end silently, or read a long name of any length."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):  # else the archive's end
                raise tarfile.ReadError(str(error)) from error
            raise
        if header.type in LONG_HEADERS and header.size > MIB:
            raise tarfile.ReadError("a header of more than 1 MiB")
        return header


def _unpacked(stream: BinaryIO, name: str, limits: Limits) -> BinaryIO:
    """The plain tar file in `stream`, by what it begins with."""
    start = stream.tell()
    head = stream.read(6)
    stream.seek(start)
    if head.startswith(b"\x1f\x8b"):
        plain: Any = gzip.GzipFile(fileobj=stream)
    elif head.startswith(b"BZh"):
        plain = bz2.BZ2File(stream)
    elif head == b"\xfd7zXZ\0":
        plain = lzma.LZMAFile(stream)  # noqa: SIM115 - it opens no file
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa

        plain = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
    else:
        return stream
    return cast("BinaryIO", _Measured(plain, stream, name, limits))


class _Measured:
    """Reads what is being unpacked until it is more than the packed bytes allow."""

    def __init__(self, plain: IO[bytes], packed: BinaryIO, name: str, limits: Limits) -> None:
        self._plain, self._packed, self._name, self._limits = plain, packed, name, limits
        self._start = packed.tell()
        self._total = 0

    def read(self, size: int) -> bytes:
        content = self._plain.read(size)
        self._total += len(content)
        check_total(self._total, self._packed.tell() - self._start, self._name, self._limits)
        return content


class _Section(io.RawIOBase):
    """A part of a file, read as if it were one."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream, self._start, self._size, self._place = stream, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._place = place + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        self._stream.seek(self._start + self._place)
        content = self._stream.read(min(len(buffer), max(0, self._size - self._place)))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)
