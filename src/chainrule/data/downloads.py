"""Files fetched from their publisher over HTTPS: resumed where they were cut off, and never there by half."""

import contextlib
import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import IO

from chainrule.runtime import files, progress
from chainrule.runtime.locks import lock

SCHEMES = ("https:",)
TIMEOUT_SECONDS = 30.0  # without a single byte
CHUNK_BYTES = 2**18
PART = ".part"


class Unavailable(Exception):  # noqa: N818 - the next origin is tried
    """One origin does not have the file; the text says why in a few words."""


def download(url: str, target: Path, sha256: str | None, *, largest: int) -> None:
    """Fetches `url` to `target`, going on from what an earlier call left in a `.part` file beside it.

    What has no hash to check the whole by is fetched from its beginning.

    Of two processes that fetch the same file the second waits, then uses what the first has fetched.

    Args:
        url: what to fetch, over HTTPS.
        target: where to keep it; its folder exists.
        sha256: of the whole file; None where the caller checks the content.
        largest: bytes after which the download is given up.

    Raises:
        Unavailable: the publisher does not give the file, or another one.
    """
    part = target.with_name(target.name + PART)
    before = _identity(target)
    with files.storage_errors(part), _locked(part) as file:
        if _identity(target) != before:  # another process fetched it meanwhile
            part.unlink()
            return
        try:
            _fill(url, file, target.name, sha256, largest)
        except Unavailable:
            if not file.seek(0, os.SEEK_END):
                part.unlink()
            raise
        os.fsync(file.fileno())
        part.replace(target)
        files.fsync_folder(target.parent)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """Opens the file that two processes would both write, for one of them at a time."""
    while True:
        with path.open("ab+") as file:
            lock(file, f"fetches {path.name.removesuffix(PART)}")
            if _identity(path) == os.fstat(file.fileno()).st_ino:  # else it was renamed meanwhile
                yield file
                return


def _identity(path: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino
    return None


def _fill(url: str, file: IO[bytes], name: str, sha256: str | None, largest: int) -> None:
    """Transfers what is missing; where the whole is then wrong, all of it once more."""
    if sha256 is None:
        file.truncate(0)
    resumed = file.seek(0, os.SEEK_END) > 0
    _transfer(url, file, name, largest)
    if not _is_whole(file, sha256) and resumed:
        file.truncate(0)
        _transfer(url, file, name, largest)
    if not _is_whole(file, sha256):
        file.truncate(0)
        raise Unavailable("the file there has another SHA-256")


def _is_whole(file: IO[bytes], sha256: str | None) -> bool:
    file.flush()
    file.seek(0)
    return sha256 is None or hashlib.file_digest(file, "sha256").hexdigest() == sha256  # type: ignore[arg-type]


def _transfer(url: str, file: IO[bytes], name: str, largest: int) -> None:
    """Appends what `file` does not have yet; nothing is left of more than `largest` bytes."""
    place = file.seek(0, os.SEEK_END)
    try:
        with _requested(url, place) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                place = 0  # the publisher sends all of it again
                file.truncate(0)
            total = None if response.length is None else place + response.length
            _check_size(file, total or 0, largest)
            with progress.bar(f"downloading {name}", total=total, unit="bytes") as advance:
                advance(place)
                while chunk := response.read(CHUNK_BYTES):
                    file.write(chunk)
                    _check_size(file, file.tell(), largest)
                    advance(len(chunk))
            if total is not None and file.tell() < total:
                raise Unavailable("the connection was cut off; try again to go on from there")
    except (
        urllib.error.URLError,
        TimeoutError,
        ConnectionError,
        ssl.SSLError,
        http.client.HTTPException,
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise Unavailable(str(reason)) from error


def _check_size(file: IO[bytes], size: int, largest: int) -> None:
    if size > largest:
        file.truncate(0)
        raise Unavailable(f"the file there has more than {largest:,} bytes")


def _requested(url: str, place: int) -> http.client.HTTPResponse:
    """The answer to a request for `url` from byte `place` on."""
    if not url.startswith(SCHEMES):
        raise Unavailable("only https is fetched")
    headers = {"User-Agent": "chainrule", "Accept-Encoding": "identity"}
    if place:
        headers["Range"] = f"bytes={place}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked
    opener = urllib.request.build_opener(_SameScheme)
    try:
        return opener.open(request, timeout=TIMEOUT_SECONDS)  # type: ignore[no-any-return]
    except urllib.error.HTTPError as error:
        error.close()
        if place and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _requested(url, 0)
        raise


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to HTTPS alone."""

    def redirect_request(  # noqa: PLR0917 - as it is called
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith(SCHEMES):
            fp.close()
            raise Unavailable(f"it redirects to {newurl}, and only https is fetched")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
