"""Files that are there whole or not at all, and what the system's refusals are told as."""

import errno
import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import CheckpointError, StorageError
from chainrule.runtime import files
from chainrule.runtime.files import (
    PARTIAL,
    atomic_folder,
    remove_partial,
    sha256_file,
    storage_errors,
    write_atomically,
    write_json,
)


def below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_appears_when_its_block_ends_well(tmp_path):
    target = tmp_path / "a/b"
    with atomic_folder(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner/file").write_bytes(b"new")
        assert not target.exists()
        assert folder.parent == target.parent
    assert below(tmp_path) == {"a/b/inner/file": b"new"}


def test_a_folder_takes_the_place_of_an_older_one(tmp_path):
    for content in (b"old", b"new"):
        with atomic_folder(tmp_path / "a") as folder:
            (folder / content.decode()).write_bytes(content)
            if content == b"new":
                assert below(tmp_path / "a") == {"old": b"old"}
    assert below(tmp_path) == {"a/new": b"new"}


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), SystemExit(3)])
def test_a_block_that_fails_leaves_the_older_folder(tmp_path, error):
    with atomic_folder(tmp_path / "a") as folder:
        (folder / "file").write_bytes(b"old")

    def fail():
        with atomic_folder(tmp_path / "a") as folder:
            (folder / "file").write_bytes(b"new")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert below(tmp_path) == {"a/file": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_everything_is_durable_before_it_appears(tmp_path, monkeypatch):
    """File, then its folders, then the rename, then the name: the order that a crash cannot undo."""
    done, fsync, rename = [], os.fsync, Path.rename

    def noted_fsync(descriptor):
        done.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def noted_rename(self, target):
        done.append(("rename", str(target)))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    with atomic_folder(tmp_path / "a") as folder:
        (folder / "inner").mkdir()
        (folder / "inner/file").write_bytes(b"new")
    names = [(kind, Path(path).name.removeprefix(folder.name) or "the folder") for kind, path in done]
    assert names == [
        ("fsync", "the folder"),
        ("fsync", "file"),
        ("fsync", "inner"),
        ("rename", "a"),
        ("fsync", tmp_path.name),
    ]


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"
    assert below(tmp_path) == {"file": b"new"}


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    write_atomically(tmp_path / "file", b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space to write"):
        write_atomically(tmp_path / "file", b"new")
    assert below(tmp_path) == {"file": b"old"}


def test_what_a_crash_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / f"{PARTIAL}folder").mkdir()
    (tmp_path / f"{PARTIAL}folder/file").touch()
    (tmp_path / f"{PARTIAL}file").touch()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"x")
    (tmp_path / f"{PARTIAL}link").symlink_to(tmp_path / "kept")
    remove_partial(tmp_path)
    assert below(tmp_path) == {"kept/file": b"x"}
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=9,
    ).filter(lambda value: "\\ud" not in json.dumps(value))
)
def test_json_comes_back_and_is_equal_byte_for_byte(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("json")
    write_json(folder / "one", value)
    write_json(folder / "two", json.loads(json.dumps(value)))
    assert json.loads((folder / "one").read_text(encoding="utf-8")) == value
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes()


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file", {"loss": float("nan")})
    assert below(tmp_path) == {}


@pytest.mark.parametrize("size", [0, 1, 2**20 + 7])
def test_the_hash_is_that_of_the_whole_content(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(content[:size])
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content[:size]).hexdigest()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("native", [False, True])
def test_a_full_disk_is_told_with_what_is_free(tmp_path, monkeypatch, number, native):
    class RustError(Exception):
        """As safetensors raises it."""

    error = RustError(f"I/O error: {os.strerror(number)} (os error {number})") if native else OSError(number, "full")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=7 * 2**20))
    place = tmp_path / "a/b"
    with pytest.raises(StorageError) as caught, storage_errors(place):
        raise error
    assert str(caught.value) == (f"no space to write {place}: 7 MiB are free there; make room, then resume the run.")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO])
def test_other_refusals_are_told_with_their_reason(number):
    with pytest.raises(StorageError) as caught, storage_errors(Path("here")):
        raise OSError(number, "words", "here/file")
    assert str(caught.value) == (
        f"cannot write here/file: {os.strerror(number)}; choose a folder you may write to with --output."
    )


@pytest.mark.parametrize("name", [7, 0, b"here/file", "", None])
def test_what_is_no_name_gives_way_to_the_place(name):
    with pytest.raises(StorageError) as caught, storage_errors(Path("here")):
        raise OSError(errno.EIO, "words", name)
    assert str(caught.value) == (
        f"cannot write here: {os.strerror(errno.EIO)}; choose a folder you may write to with --output."
    )


@pytest.mark.parametrize("error", [ValueError("a bug"), CheckpointError("known"), KeyboardInterrupt()])
def test_what_is_not_the_systems_stays_what_it_is(error):
    with pytest.raises(type(error)) as caught, storage_errors(Path("here")):
        raise error
    assert caught.value is error


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageError, match="cannot write .*file: .*; choose a folder you may write to"),
        atomic_folder(tmp_path / "file/a"),
    ):
        pass
