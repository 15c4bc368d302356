"""The lines of figures a run leaves: `metrics.jsonl`, always the same, and `timings.jsonl`, the clock's."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.runtime.files import storage_errors, write_atomically


class Journal:
    """A file of JSON lines, each with a `step`; a crash costs at most the lines after the last `sync`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage_errors(path):
            self._file = path.open("a", encoding="utf-8")

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds one line; whoever watches the file sees it at once."""
        with storage_errors(self.path):
            self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
            self._file.flush()

    def sync(self) -> None:
        """Makes every line so far durable."""
        with storage_errors(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Gives the file back; what a full disk refused is lost, as `append` has said already."""
        with contextlib.suppress(OSError):
            self._file.close()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal; one torn off by a crash is passed over, and so is one that is damaged."""
    return (line for line in read_each(path) if line is not None)


def read_each(path: Path) -> Iterator[dict[str, Any] | None]:
    """The lines of a journal, None for one that is damaged; one torn off at the end by a crash is passed over."""
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                if text.endswith("\n"):
                    yield _parsed(text)


def _parsed(text: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        line = json.loads(text)
        return line if isinstance(line, dict) else None
    return None


def cut_back(path: Path, step: int) -> None:
    """Removes the lines after `step`, so that a resumed run writes none of them twice."""
    kept = [line for line in read_lines(path) if line["step"] <= step]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
    if path.exists() and path.read_bytes() != text.encode():
        write_atomically(path, text.encode())
