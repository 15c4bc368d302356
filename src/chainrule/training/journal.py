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
    """The whole lines of a journal; one torn off by a crash is passed over."""
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                with contextlib.suppress(ValueError):
                    line = json.loads(text)
                    if isinstance(line, dict) and text.endswith("\n"):
                        yield line


def cut_back(path: Path, step: int) -> None:
    """Removes the lines after `step`, so that a resumed run writes none of them twice."""
    kept = [line for line in read_lines(path) if line["step"] <= step]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
    if path.exists() and path.read_bytes() != text.encode():
        write_atomically(path, text.encode())
