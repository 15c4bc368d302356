"""One process at a time, where several would write the same file.

The locks are the system's own, advisory, and fall with the process that holds them. Where there are none, on systems
that are not POSIX and in some clusters' file systems, every lock is free: whole files are renamed into place all the
same.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from chainrule.runtime import progress


class Opened(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """The descriptor."""


def take(opened: Opened | int, *, wait: bool = False) -> bool:
    """Takes the lock on a file or folder, until it is closed.

    Args:
        opened: the file, or a folder's descriptor.
        wait: whether to wait until no other process holds it.

    Returns:
        Whether no other process holds it.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def lock(opened: Opened | int, awaited: str) -> None:
    """Waits until no other process holds the lock on a file or folder, then holds it until it is closed.

    Args:
        opened: the file, or a folder's descriptor.
        awaited: what the other process is doing, to say while waiting, such as "fetches iris.csv".
    """
    if not take(opened):
        progress.say(f"waiting for another process that {awaited}")
        take(opened, wait=True)


@contextlib.contextmanager
def locked_folder(folder: Path, awaited: str) -> Iterator[None]:
    """Holds the lock on a folder while the block runs.

    Args:
        folder: which.
        awaited: as for `lock`.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # where folders cannot be opened they cannot be locked
        yield
        return
    try:
        lock(descriptor, awaited)
        yield
    finally:
        os.close(descriptor)
