from pathlib import Path

import pytest

from chainrule.errors import StorageError
from chainrule.runtime import cache


def test_the_variable_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "here"))
    assert cache.folder() == tmp_path / "here"
    assert not cache.folder().exists()


def test_the_home_folder_may_be_abbreviated(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CHAINRULE_CACHE", "~/cache")
    assert cache.folder() == tmp_path / "cache"


def test_a_relative_folder_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAINRULE_CACHE", "cache")
    assert cache.folder() == Path(tmp_path, "cache")


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_platform_decides(monkeypatch, tmp_path, value):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if value is None:
        monkeypatch.delenv("CHAINRULE_CACHE", raising=False)
    else:
        monkeypatch.setenv("CHAINRULE_CACHE", value)
    assert cache.folder() == tmp_path / "chainrule"


def test_a_folder_in_it_is_made_once(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "a" / "b"))
    assert cache.made("peaks") == tmp_path / "a" / "b" / "peaks"
    assert cache.made("peaks").is_dir()


def test_a_place_that_cannot_be_written_to_is_told(monkeypatch, tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("")
    monkeypatch.setenv("CHAINRULE_CACHE", str(occupied))
    with pytest.raises(StorageError) as caught:
        cache.made("peaks")
    assert str(caught.value) == (
        f"cannot create the cache folder {occupied}/peaks: Not a directory; "
        "set CHAINRULE_CACHE to a folder you may write to."
    )
