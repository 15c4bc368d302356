"""Locks: one holder at a time, and none where the system has none."""

import errno
import subprocess
import sys

import pytest

from chainrule.runtime import locks

HOLDER = (
    "import sys\n"
    "from chainrule.runtime.locks import take\n"
    "with open(sys.argv[1]) as file: take(file); print('in', flush=True); sys.stdin.read()"
)


@pytest.fixture
def held(tmp_path):
    """A file whose lock another process holds until its input ends."""
    path = tmp_path / "file"
    path.touch()
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        yield path, other
        other.kill()


def test_a_lock_is_free_when_its_holder_has_ended(held):
    path, other = held
    with path.open() as file:
        assert not locks.take(file)
        other.stdin.close()
        assert locks.take(file, wait=True)


def test_who_waits_says_what_for(held, monkeypatch):
    path, other = held
    said = []

    def say(sentence):
        said.append(sentence)
        other.stdin.close()

    monkeypatch.setattr(locks.progress, "say", say)
    with path.open() as file:
        locks.lock(file, "fetches iris.csv")
        with path.open() as second:
            assert not locks.take(second)
    assert said == ["waiting for another process that fetches iris.csv"]


def test_a_free_lock_is_taken_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(locks.progress, "say", pytest.fail)
    with locks.locked_folder(tmp_path, "stores x"), locks.locked_folder(tmp_path / "..", "stores y"):
        pass


def test_every_lock_is_free_where_the_system_has_none(held, monkeypatch):
    path, _ = held
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with path.open() as file:
        assert locks.take(file)


def test_every_lock_is_free_where_the_file_system_has_none(held, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOTSUP, "not supported")

    path, _ = held
    monkeypatch.setattr("fcntl.flock", refuse)
    with path.open() as file:
        assert locks.take(file)


def test_a_folder_that_cannot_be_opened_is_not_locked(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "is a folder")

    monkeypatch.setattr("os.open", refuse)
    with locks.locked_folder(tmp_path, "stores x"):
        pass
