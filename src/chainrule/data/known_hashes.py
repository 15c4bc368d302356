"""The SHA-256 of large files, remembered for as long as they do not change."""

import contextlib
import hashlib
import time
from pathlib import Path

from chainrule.errors import StorageError
from chainrule.runtime import cache, files

YOUNG_SECONDS = 2.0  # a file that was changed just now may change again without its time showing it


def recall_sha256(path: Path) -> str | None:
    """What `remember_sha256` kept of this file; None where it kept nothing or the file has changed since."""
    try:
        return (cache.folder() / "hashes" / _fingerprint(path)).read_text("ascii")
    except (OSError, ValueError):
        return None


def remember_sha256(path: Path, sha256: str) -> None:
    """Keeps a file's hash, unless the file was changed just now or the cache takes nothing."""
    if time.time() - path.stat().st_mtime <= YOUNG_SECONDS:
        return
    with contextlib.suppress(StorageError):
        files.write_atomically(cache.made("hashes") / _fingerprint(path), sha256.encode())


def _fingerprint(path: Path) -> str:
    status = path.stat()
    known = (str(path.resolve()), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return hashlib.sha256(repr(known).encode("utf-8", "surrogateescape")).hexdigest()
