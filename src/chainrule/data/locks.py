"""One process at a time, where several would write the same file."""

import fcntl
from typing import Protocol

from chainrule.runtime import progress


class Opened(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """The descriptor."""


def lock(opened: Opened | int, awaited: str) -> None:
    """Waits until no other process holds the lock on a file or folder, then holds it until it is closed.

    Args:
        opened: the file, or a folder's descriptor.
        awaited: what the other process is doing, to say while waiting, such as "fetches iris.csv".
    """
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.say(f"waiting for another process that {awaited}")
        fcntl.flock(opened, fcntl.LOCK_EX)
    except OSError:
        pass  # some clusters' file systems have no locks; whole files are renamed into place all the same
