"""What an archive may hold, whatever its format."""

import contextlib
import errno
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from chainrule.errors import ArchiveError

MIB = 2**20
DAMAGES = (
    EOFError,
    OSError,  # gzip, bzip2, zstd
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an archive may hold."""

    members: int = 200_000
    total: int = 4096 * MIB
    """Bytes of all members together, unpacked."""
    ratio: int = 100
    """Unpacked bytes for each packed one, beyond `free`: text reaches 20, a bomb 1,000."""
    free: int = 32 * MIB


@dataclass(frozen=True)
class Member:
    """One file in an archive; its content can be read while the walk stands at it."""

    path: str
    size: int
    _open: Callable[[], IO[bytes] | None]
    _archive: str

    def read(self, *, largest: int) -> bytes:
        """The whole content, where it has at most `largest` bytes."""
        if self.size > largest:
            raise ArchiveError(
                f"{self.path} in {self._archive} has {self.size:,} bytes; at most {largest:,} are allowed."
            )
        with readable(self._archive):
            stream = self._open()
            # In pieces, for the whole size would be set aside before the content is known to be there.
            pieces = iter(lambda: stream.read(MIB) if stream else b"", b"")
            content = b"".join(pieces)
        if len(content) != self.size:
            raise ArchiveError(f"{self._archive} is damaged: {self.path} is cut short.")
        return content


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """Turns what the readers of archives raise on damaged content into one sentence."""
    try:
        yield
    except DAMAGES as error:
        # EINVAL is a seek to where a damaged offset points; other numbers are the disk's trouble.
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        raise ArchiveError(f"{name} is damaged or no archive: {error}.") from error


def check_path(path: str, name: str) -> None:
    """Refuses a member that would stand outside the folder on any operating system."""
    outside = path.startswith("/") or ".." in path.split("/") or re.match("[A-Za-z]:", path)
    if not path or outside or "\\" in path or "\0" in path:
        raise ArchiveError(f"{name} was refused: its member {path!r} would leave the folder.")


def check_count(count: int, name: str, limits: Limits) -> None:
    """Refuses more members than allowed."""
    if count > limits.members:
        raise ArchiveError(f"{name} was refused: it has more than {limits.members:,} members.")


def check_total(total: int, packed: int, name: str, limits: Limits) -> None:
    """Refuses more bytes than allowed at all, or than `packed` bytes can honestly hold."""
    if total > min(limits.total, max(limits.free, limits.ratio * packed)):
        raise ArchiveError(
            f"{name} was refused: it unpacks to {total / MIB:,.0f} MiB or more, which no honest archive "
            "of its size does."
        )


def no_file(path: str, name: str) -> ArchiveError:
    """The error for a member that is neither file nor folder."""
    return ArchiveError(f"{name} was refused: its member {path!r} is a link or device, not a file.")
