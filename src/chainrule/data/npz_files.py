"""NumPy's .npz files, whose arrays are read a few rows at a time and only after their headers were judged."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.archive_rules import Limits, check_count, check_total, readable
from chainrule.data.own_paths import check_beginning
from chainrule.errors import FileFormatError

LIMITS = Limits(members=100, total=1 << 38)
LONGEST_HEADER = 10_000  # bytes; NumPy would read a longer one before it refused it
HEADERS = {  # how a file begins, how its header is read, and in how many bytes its length stands
    b"\x93NUMPY\x01\x00": (np.lib.format.read_array_header_1_0, 2),
    b"\x93NUMPY\x02\x00": (np.lib.format.read_array_header_2_0, 4),
}


@dataclass(frozen=True)
class StoredArray:
    """One array in a file, of which only the header has been read."""

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    header_bytes: int

    @property
    def name(self) -> str:
        """As it was saved."""
        return self.member.removesuffix(".npy")

    @property
    def _row_bytes(self) -> int:
        return max(1, self.dtype.itemsize * int(np.prod(self.shape[1:])))

    def rows(self, batch_bytes: int) -> Iterator[NDArray[Any]]:
        """The array along its first axis, in pieces of about so many bytes.

        Raises:
            ArchiveError: the file is damaged.
        """
        step = max(1, batch_bytes // self._row_bytes)
        yield from self.pieces(min(step, self.shape[0] - start) for start in range(0, self.shape[0], step))

    def pieces(self, counts: Iterable[int]) -> Iterator[NDArray[Any]]:
        """The array along its first axis, in pieces of so many rows.

        Raises:
            ArchiveError: the file is damaged.
        """
        with readable(str(self.path)), zipfile.ZipFile(self.path) as archive:
            stream = archive.open(self.member)
        with stream:
            stream.seek(self.header_bytes)
            for count in counts:
                with readable(str(self.path)):
                    content = stream.read(count * self._row_bytes)
                    values = np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])
                yield values


def open_npz(path: Path) -> dict[str, StoredArray]:
    """The arrays in a file, by their names in lower case.

    Raises:
        FileFormatError: the file is no .npz file, or an array is not of numbers or strings.
        ArchiveError: the file is damaged, or claims sizes that no honest one has.
    """
    check_beginning(path, b"PK\x03\x04")
    with readable(str(path)), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_count(len(members), str(path), LIMITS)
        packed = sum(member.compress_size for member in members)
        check_total(sum(member.file_size for member in members), packed, str(path), LIMITS)
        arrays = [_header(path, archive, member) for member in members]
    return {array.name.casefold(): array for array in arrays}


def _header(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> StoredArray:
    if not member.filename.endswith(".npy"):
        raise FileFormatError(f"{path} holds {member.filename!r}, which is no NumPy array; save it with np.savez.")
    with archive.open(member) as stream:
        read, width = HEADERS.get(stream.read(8), (None, 0))
        length = int.from_bytes(stream.read(width), "little")
        if read is None or length > LONGEST_HEADER:
            raise FileFormatError(f"{path}: {member.filename} has no header of an array that is known here.")
        stream.seek(8)
        shape, is_fortran, dtype = read(stream)
        array = StoredArray(path, member.filename, shape, dtype, stream.tell())
    if dtype.hasobject:
        raise FileFormatError(
            f"{path}: array {array.name!r} holds Python objects, that is a pickle, which could run any "
            "program; save an array of numbers or strings."
        )
    if is_fortran and len(shape) > 1:
        raise FileFormatError(
            f"{path}: array {array.name!r} is stored column by column; save np.ascontiguousarray of it."
        )
    claimed = dtype.itemsize * int(np.prod([int(n) for n in shape], dtype=object))
    there = member.file_size - array.header_bytes
    if claimed != there or min(shape, default=0) < 0:
        raise FileFormatError(
            f"{path}: array {array.name!r} claims the shape {shape}, that is {claimed:,} bytes; {there:,} are there."
        )
    return array
