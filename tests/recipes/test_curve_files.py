"""Where the picture of learning curves is written, and what is said where it cannot be."""

import errno
from pathlib import Path

import pytest

from chainrule import api
from chainrule.errors import OptionError, StorageError
from tests.recipes.made_runs import make_evaluated, refused


@pytest.fixture
def png(tmp_path):
    return tmp_path / "curves.png"


@pytest.mark.parametrize("name", ["curves", "curves.jpg", "curves.png.txt", ".png", "/dev/full"])
def test_an_output_that_is_no_png(tmp_path, name):
    output = tmp_path / name
    sentence = f"--output {output} is not the name of a PNG; give a file that ends in .png."
    assert refused([tmp_path / "never read"], output) == (sentence, OptionError)


def test_an_output_that_is_something_else(tmp_path):
    folder, device = tmp_path / "folder.png", tmp_path / "device.png"
    folder.mkdir()
    device.symlink_to("/dev/full")
    sentence = f"--output {folder} is a folder; give the name of a file in it."
    assert refused([tmp_path / "never read"], folder) == (sentence, OptionError)
    sentence = f"--output {device} is no file that could be replaced; give another name."
    assert refused([tmp_path / "never read"], device) == (sentence, OptionError)


def test_a_picture_that_is_there_is_replaced_and_folders_are_made(tmp_path):
    run, output = make_evaluated(tmp_path / "a", {10: 0.5}), tmp_path / "new/folder/Curves.PNG"
    api.curves([run], output=output)
    first = output.read_bytes()
    api.curves([make_evaluated(tmp_path / "b", {10: 0.75, 20: 0.5})], output=output)
    assert output.read_bytes() != first
    api.curves([run], output=output)
    assert output.read_bytes() == first
    assert [path.name for path in output.parent.iterdir()] == ["Curves.PNG"]


def test_a_full_disk_leaves_the_old_picture(tmp_path, png, full_disk):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    png.write_bytes(b"the old one")
    with full_disk(1000):
        sentence, kind = refused([run], png)
    assert kind is StorageError
    assert sentence.startswith(f"no space to write {png}: ")
    assert sentence.endswith(" MiB are free there; make room, then draw it again.")
    assert png.read_bytes() == b"the old one"


@pytest.mark.parametrize("name", ["mkdir", "is_dir"])
def test_a_disk_that_is_full_before_the_picture_is_written(tmp_path, monkeypatch, name):
    run, output = make_evaluated(tmp_path / "a", {10: 0.5}), tmp_path / "new/curves.png"
    real = getattr(Path, name)

    def full(path, *arguments, **options):
        if path in {output, output.parent}:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, name, full)
        with pytest.raises(StorageError, match=r" MiB are free there; make room, then draw it again\.$"):
            api.curves([run], output=output)
    assert not output.parent.exists()


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    run, closed = make_evaluated(tmp_path / "a", {10: 0.5}), tmp_path / "closed"
    closed.mkdir()
    real = Path.open

    def open_(path, *arguments, **options):
        if path.parent == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_)
    assert refused([run], closed / "x.png") == (
        f"cannot write {closed}/x.png: Permission denied; choose a folder you may write to with --output.",
        StorageError,
    )


def test_a_file_where_the_folder_should_be(tmp_path):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    (tmp_path / "file").touch()
    sentence, kind = refused([run], tmp_path / "file/x.png")
    assert kind is StorageError
    assert sentence.startswith(f"cannot write {tmp_path}/file")


def test_a_name_that_is_too_long(tmp_path):
    sentence, kind = refused([make_evaluated(tmp_path / "a", {10: 0.5})], tmp_path / f"{'x' * 300}.png")
    assert kind is StorageError
    assert "File name too long" in sentence
