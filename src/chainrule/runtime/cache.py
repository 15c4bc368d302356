"""The folder that keeps what was fetched, converted and measured.

`downloads/` holds files as their publishers made them, `datasets/` what `data.store` made of them, `models/`
published weights, `peaks/` the speeds `runtime.peak` measured, `hashes/` those of files that were read, `passing/`
files without a name that go with their process. All of it can be removed at any time: it is fetched and made again.
"""

import os
from pathlib import Path
from typing import IO

from chainrule.errors import StorageError

VARIABLE = "CHAINRULE_CACHE"


def folder() -> Path:
    """The cache folder: `CHAINRULE_CACHE`, else the platform's own place for caches. It need not exist."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("chainrule", appauthor=False)


def made(name: str) -> Path:
    """The folder `name` in the cache, created where it is missing.

    Raises:
        StorageError: the place may not be written to.
    """
    path = folder() / name
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot create the cache folder {path}: {error.strerror}; set {VARIABLE} to a folder you may write to."
        ) from error
    return path


def nameless_file() -> IO[bytes]:
    """A new file without a name, which goes when it is closed and no longer mapped.

    It is in the cache, since the system's own place for such files is often in memory; that place will do where the
    cache takes nothing.
    """
    import tempfile

    try:
        return tempfile.TemporaryFile(dir=made("passing"))
    except (StorageError, OSError):
        return tempfile.TemporaryFile()
