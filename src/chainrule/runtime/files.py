"""Files that are there whole or not at all.

The order that survives a crash on POSIX file systems: write beside, fsync the file, rename, fsync the folder
(Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, OptionError, StorageError

PARTIAL = ".partial-"
LONGEST_LABEL = 40  # characters that a file's name may take over from elsewhere: file systems take 255 bytes in all


def fsync_folder(folder: Path) -> None:
    """Makes the names in `folder` durable; where folders cannot be opened, their names are durable already."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def fsync_file(path: Path) -> None:
    """Makes the content of `path` durable."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


# EFBIG is what a file-size limit answers: to the user the disk is as full.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NATIVE_ERROR = re.compile(r"\(os error (\d+)\)")  # how libraries in Rust, such as safetensors, end their message


@contextlib.contextmanager
def storage_errors(place: Path, *, then: str = "resume the run", option: str = "--output") -> Iterator[None]:
    """Turns the operating system's refusal to write below `place` into one sentence.

    Args:
        place: a file or folder.
        then: what to do once a full disk has room again.
        option: that says where.
    """
    try:
        yield
    except ChainruleError:
        raise
    except Exception as error:
        number = _error_number(error)
        if number is None:
            raise
        refused = _place_in(error) or place
        if refused.name.startswith(PARTIAL) and refused.parent == place.parent:
            refused = place  # the user knows no other name
        if number in FULL:
            free = shutil.disk_usage(next(p for p in (place, *place.absolute().parents) if p.exists())).free
            raise StorageError(
                f"no space to write {refused}: {free / 2**20:.0f} MiB are free there; make room, then {then}."
            ) from error
        raise StorageError(
            f"cannot write {refused}: {os.strerror(number)}; choose a folder you may write to with {option}."
        ) from error


def require_unused(folder: Path, option: str) -> None:
    """Refuses a folder in which something of the user's could be replaced.

    Raises:
        OptionError: it holds something, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"{option} {folder} is not an empty folder; give a new one.")


def _error_number(error: Exception) -> int | None:
    """The operating system's number of an error, whoever met it."""
    if isinstance(error, OSError):
        return error.errno
    found = NATIVE_ERROR.search(str(error))
    return int(found[1]) if found else None


def _place_in(error: Exception) -> Path | None:
    """The place that an error names, if it does: it may hold an open file's number, or bytes."""
    name = getattr(error, "filename", None)
    text = os.fspath(name) if isinstance(name, str | os.PathLike) else None
    return Path(text) if isinstance(text, str) and text else None


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yields a new folder beside `folder` that takes its place, durably, when the block ends well.

    A folder that stands there already is replaced. Where the block fails, nothing is left behind.
    """
    partial = folder.with_name(f"{PARTIAL}{folder.name}-{uuid.uuid4().hex[:8]}")
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            yield partial
            for parent, _, names in os.walk(partial):
                for name in names:
                    fsync_file(Path(parent, name))
                fsync_folder(Path(parent))
            old = partial.with_name(f"{partial.name}-old")
            if folder.exists():
                folder.rename(old)  # removing it takes time, in which there would be neither
            partial.rename(folder)
            fsync_folder(folder.parent)
            shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def write_atomically(path: Path, content: bytes, *, then: str = "resume the run", option: str = "--output") -> None:
    """Writes `content` to `path`: the old content or the new one is there, never a part.

    Args:
        path: of the file.
        content: all of it.
        then: what to do once a full disk has room again.
        option: that says where.
    """
    partial = path.with_name(f"{PARTIAL}{path.name}-{uuid.uuid4().hex[:8]}")
    with storage_errors(path, then=then, option=option):
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            fsync_folder(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def remove_partial(folder: Path) -> None:
    """Removes what a crash left half-written in `folder`."""
    for path in folder.glob(f"{PARTIAL}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as JSON that is equal byte for byte whenever the value is; NaN is refused."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
