"""The lines of a text file, none too long for the memory."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from chainrule.errors import FileFormatError

LINE_LIMIT = 1 << 24  # characters


class TextLines:
    """The lines of a text file, each with its end; can be gone through again and again.

    Attributes:
        characters: how many have been read.
    """

    def __init__(self, path: Path, codec: str) -> None:
        self._path = path
        self._codec = codec
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        with self._path.open(encoding=self._codec, newline="") as file:
            for number in itertools.count(1):
                line = file.readline(LINE_LIMIT)
                if not line:
                    return
                if len(line) == LINE_LIMIT:
                    raise FileFormatError(
                        f"{self._path}: line {number:,} is longer than {LINE_LIMIT:,} characters; "
                        "shorter lines were needed."
                    )
                self.characters += len(line)
                yield line
