"""The SHA-256 of what was read, remembered for as long as its files do not change."""

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from chainrule.errors import StorageError
from chainrule.runtime import cache, files

YOUNG_SECONDS = 2.0  # a file that was changed just now may change again without its time showing it


def recall_sha256(paths: Sequence[Path]) -> str | None:
    """What `remember_sha256` kept of these files; None where it kept nothing or one has changed since."""
    try:
        return (cache.folder() / "hashes" / _fingerprint(paths)).read_text("ascii")
    except (OSError, ValueError):
        return None


def remember_sha256(paths: Sequence[Path], sha256: str) -> None:
    """Keeps the hash of some files, unless one was changed just now or the cache takes nothing."""
    if time.time() - max(path.stat().st_mtime for path in paths) <= YOUNG_SECONDS:
        return
    with contextlib.suppress(StorageError):
        files.write_atomically(cache.made("hashes") / _fingerprint(paths), sha256.encode())


def _fingerprint(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        status = path.stat()
        known = (str(path.absolute()), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        digest.update(repr(known).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
