"""Paths that users give: what stands there, before anything is read that could hang or fill the memory."""

import stat
from pathlib import Path

from chainrule.errors import FileFormatError

# How files begin that are given by mistake, or in the hope that they are opened.
BEGINNINGS = {
    b"\x80\x02": "a pickle, which could run any program when it is opened",
    b"\x80\x03": "a pickle, which could run any program when it is opened",
    b"\x80\x04": "a pickle, which could run any program when it is opened",
    b"\x80\x05": "a pickle, which could run any program when it is opened",
    b"PK\x03\x04": "a zip archive (an .xlsx, .npz or .docx file is one, too)",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"%PDF": "a PDF document",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy array",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def check_file(path: Path) -> None:
    """Checks that `path` is a regular file that holds something and can be opened.

    Raises:
        FileFormatError: it is not.
    """
    mode, size = _mode_and_size(path)
    if stat.S_ISDIR(mode):
        raise FileFormatError(f"{path} is a folder; a file was needed: give the path of one in it.")
    if not stat.S_ISREG(mode):
        raise FileFormatError(f"{path} is a device, pipe or socket; a regular file was needed: save its content first.")
    if size == 0:
        raise FileFormatError(f"{path} is empty.")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise _unreadable(path, error) from error


def check_folder(path: Path) -> None:
    """Checks that `path` is a folder that can be listed.

    Raises:
        FileFormatError: it is not.
    """
    if not stat.S_ISDIR(_mode_and_size(path)[0]):
        raise FileFormatError(f"{path} is not a folder; one that holds a folder of pictures for each class was needed.")
    try:
        next(path.iterdir(), None)
    except OSError as error:
        raise _unreadable(path, error) from error


def check_beginning(path: Path, expected: bytes = b"") -> None:
    """Checks that a file begins as `expected`, or where nothing is expected, not as something well known.

    Raises:
        FileFormatError: it is another kind of file.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if expected and head.startswith(expected):
        return
    found = next((name for beginning, name in BEGINNINGS.items() if head.startswith(beginning)), None)
    if found is None and not expected:
        return
    what = f"{path} is {found}" if found else f"{path} does not begin like one"
    raise FileFormatError(f"{what}; a {path.suffix or 'text'} file was needed.")


def _mode_and_size(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise FileFormatError(f"there is nothing at {path}; give the path of your data.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # a NUL byte
        raise FileFormatError(f"{str(path)!r} is no path; give the path of your data.") from error
    return status.st_mode, status.st_size


def _unreadable(path: Path, error: OSError) -> FileFormatError:
    return FileFormatError(f"{path} cannot be read: {error.strerror}.")
