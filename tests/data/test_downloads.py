"""Downloads from a server that cuts off, lies, redirects and knows ranges or not."""

import contextlib
import errno
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chainrule.data import downloads
from chainrule.data.downloads import Unavailable, download
from chainrule.errors import StorageError

CONTENT = bytes(range(251)) * 4003
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Publisher:
    """What the server does, and the ranges it was asked for."""

    content: bytes = CONTENT
    cut_after: int | None = None
    knows_ranges: bool = True
    tells_length: bool = True
    redirect: str = ""
    status: int = 200
    gate: threading.Event | None = None
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


def handler(publisher: Publisher) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            publisher.asked.append(wanted)
            if publisher.gate:
                publisher.gate.wait(10)
            start = int(wanted[6:-1]) if wanted and publisher.knows_ranges else 0
            if start >= len(publisher.content) > 0:
                self.send_error(416)
                return
            self.send_response(publisher.status if publisher.status != 200 else 206 if start else 200)
            if publisher.redirect:
                self.send_header("Location", publisher.redirect)
            body = publisher.content[start:]
            if publisher.tells_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(body[: publisher.cut_after])

    return Handler


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(downloads, "SCHEMES", ("https:", "http:"))
    publisher = Publisher()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(publisher)) as server:
        publisher.url = f"http://127.0.0.1:{server.server_port}/file.bin"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield publisher
        server.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fetch(url: str, target: Path) -> None:
    download(url, target, SHA256, largest=len(CONTENT))


def refusal(publisher: Publisher, target: Path, sha256: str | None = SHA256) -> str:
    with pytest.raises(Unavailable) as caught:
        download(publisher.url, target, sha256, largest=len(CONTENT))
    return str(caught.value)


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_is_fetched(publisher: Publisher, tmp_path: Path, tells_length: bool) -> None:
    publisher.tells_length = tells_length
    download(publisher.url, tmp_path / "file.bin", SHA256, largest=len(CONTENT))
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]
    assert publisher.asked == [None]


def test_a_cut_download_goes_on_where_it_stopped(publisher: Publisher, tmp_path: Path) -> None:
    publisher.cut_after = 300_007
    target = tmp_path / "file.bin"
    assert refusal(publisher, target) == "the connection was cut off; try again to go on from there"
    assert names(tmp_path) == ["file.bin.part"]
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:300_007]
    publisher.cut_after = None
    download(publisher.url, target, SHA256, largest=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert publisher.asked == [None, "bytes=300007-"]


def test_a_publisher_without_ranges_sends_all_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.knows_ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1009])
    download(publisher.url, tmp_path / "file.bin", SHA256, largest=len(CONTENT))
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert publisher.asked == ["bytes=1009-"]


@pytest.mark.parametrize("length", [1009, len(CONTENT), len(CONTENT) + 1])
def test_a_wrong_part_is_thrown_away(publisher: Publisher, tmp_path: Path, length: int) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"x" * length)
    download(publisher.url, tmp_path / "file.bin", SHA256, largest=len(CONTENT))
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert publisher.asked == [f"bytes={length}-", None]


def test_another_file_than_expected(publisher: Publisher, tmp_path: Path) -> None:
    publisher.content = b"something else"
    assert refusal(publisher, tmp_path / "file.bin") == "the file there has another SHA-256"
    assert names(tmp_path) == []
    download(publisher.url, tmp_path / "file.bin", None, largest=len(CONTENT))
    assert (tmp_path / "file.bin").read_bytes() == b"something else"


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_that_is_too_large_is_given_up(publisher: Publisher, tmp_path: Path, tells_length: bool) -> None:
    publisher.tells_length = tells_length
    publisher.content = CONTENT + b"x"
    assert refusal(publisher, tmp_path / "file.bin") == f"the file there has more than {len(CONTENT):,} bytes"
    assert names(tmp_path) == []
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert refusal(publisher, tmp_path / "file.bin") == f"the file there has more than {len(CONTENT):,} bytes"
    assert publisher.asked == [None, f"bytes={len(CONTENT)}-"]
    assert names(tmp_path) == []


def test_what_cannot_be_checked_is_not_gone_on_from(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1009)
    download(publisher.url, tmp_path / "file.bin", None, largest=len(CONTENT))
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert publisher.asked == [None]


def test_what_a_server_may_answer(publisher: Publisher, tmp_path: Path) -> None:
    publisher.status = 404
    assert refusal(publisher, tmp_path / "file.bin") == "Not Found"
    publisher.status, publisher.redirect = 302, "ftp://127.0.0.1/file.bin"
    assert refusal(publisher, tmp_path / "file.bin") == (
        "it redirects to ftp://127.0.0.1/file.bin, and only https is fetched"
    )
    publisher.url = "http://127.0.0.1:9/file.bin"
    assert "Connection refused" in refusal(publisher, tmp_path / "file.bin")
    assert names(tmp_path) == []


def test_a_redirect_is_followed(publisher: Publisher, tmp_path: Path) -> None:
    other = Publisher(status=302, redirect=publisher.url)
    with http.server.HTTPServer(("127.0.0.1", 0), handler(other)) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        download(f"http://127.0.0.1:{server.server_port}/old.bin", tmp_path / "file.bin", SHA256, largest=len(CONTENT))
        thread.join()
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_only_https_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"^only https is fetched$"):
        download("http://127.0.0.1/file.bin", tmp_path / "file.bin", SHA256, largest=len(CONTENT))
    with pytest.raises(Unavailable, match=r"^only https is fetched$"):
        download("file:///etc/passwd", tmp_path / "file.bin", SHA256, largest=len(CONTENT))


def test_a_silent_server_is_given_up(publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT_SECONDS", 0.05)
    publisher.gate = threading.Event()
    assert "timed out" in refusal(publisher, tmp_path / "file.bin")
    publisher.gate.set()


def test_several_at_once_do_not_disturb_each_other(publisher: Publisher, tmp_path: Path) -> None:
    publisher.gate = threading.Event()
    target = tmp_path / "file.bin"
    threads = [threading.Thread(target=fetch, args=(publisher.url, target)) for _ in range(3)]
    for thread in threads:
        thread.start()
    publisher.gate.set()
    for thread in threads:
        thread.join()
    assert target.read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


def test_a_waiting_download_uses_what_the_other_fetched(publisher: Publisher, tmp_path: Path) -> None:
    target = tmp_path / "file.bin"
    part = tmp_path / "file.bin.part"
    with downloads._locked(part) as file:
        waiting = threading.Thread(target=fetch, args=(publisher.url, target))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        file.write(CONTENT)
        file.flush()
        part.replace(target)
    waiting.join()
    assert publisher.asked == []
    assert names(tmp_path) == ["file.bin"]


def test_a_full_disk_is_told(publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads.os, "fsync", full)
    with pytest.raises(StorageError, match=r"^no space to write .*file\.bin\.part: \d+ MiB are free there"):
        download(publisher.url, tmp_path / "file.bin", SHA256, largest=len(CONTENT))
