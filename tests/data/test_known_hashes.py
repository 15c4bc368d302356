import os

import pytest

from chainrule.data.known_hashes import recall_sha256, remember_sha256


@pytest.fixture
def old_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("abc")
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_a_hash_is_remembered_while_the_file_does_not_change(old_file, empty_cache):
    assert recall_sha256([old_file]) is None
    remember_sha256([old_file], "1234")
    assert recall_sha256([old_file]) == "1234"
    os.utime(old_file, ns=(10**18, 10**18 + 1))
    assert recall_sha256([old_file]) is None
    os.utime(old_file, ns=(10**18, 10**18))
    assert recall_sha256([old_file]) == "1234"
    old_file.write_text("abcd")
    os.utime(old_file, ns=(10**18, 10**18))
    assert recall_sha256([old_file]) is None


def test_a_replaced_file_is_another_file(old_file, empty_cache, tmp_path):
    remember_sha256([old_file], "1234")
    other = tmp_path / "other.csv"
    other.write_text("xyz")
    os.utime(other, ns=(10**18, 10**18))
    other.replace(old_file)
    assert recall_sha256([old_file]) is None


def test_a_young_file_is_not_trusted(tmp_path, empty_cache):
    path = tmp_path / "a.csv"
    path.write_text("abc")
    remember_sha256([path], "1234")
    assert recall_sha256([path]) is None


def test_a_cache_that_takes_nothing_does_not_matter(old_file, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file"))
    remember_sha256([old_file], "1234")
    assert recall_sha256([old_file]) is None
