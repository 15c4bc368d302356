"""Where the command line's words go, and in which form."""

import codecs
import json
import logging
import os
import shutil
import sys
import unicodedata
from collections.abc import Container, Sequence
from typing import Any

from chainrule.runtime.progress import write_line

ESCAPED = "chainrule.escaped"


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - what `str.encode` raises
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


class CheckFailedError(Exception):
    """A check was done, and its answer is no: it is printed like any other, then a sentence, and the status is 1."""

    def __init__(self, text: str, sentence: str) -> None:
        super().__init__(sentence)
        self.text = text


# What standard output cannot show, such as Chinese in an ASCII terminal, appears as in JSON: \u4f60.
codecs.register_error(ESCAPED, _escape)


def as_json(result: Any) -> str:
    """One JSON object; NaN is refused, because JSON has no word for it."""
    return json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def aligned(rows: Sequence[Sequence[str]], *, right: Container[int] = ()) -> str:
    """Rows as lines, their columns aligned also where characters are two cells wide.

    Args:
        rows: all with the same number of cells.
        right: the columns that are aligned on their right side.
    """
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        padded = []
        for place, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cells(text))
            padded.append(space + text if place in right else text + space)
        lines.append("  ".join(padded).rstrip() + "\n")
    return "".join(lines)


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def terminal_width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def terminal_colours() -> bool:
    """Whether standard output is a terminal and its user does not mind colours (no-color.org)."""
    return sys.__stdout__ is not None and sys.__stdout__.isatty() and not os.environ.get("NO_COLOR")


def write(text: str) -> int:
    """Writes the result on standard output and returns the exit status."""
    if sys.stdout is None:
        complain("cannot write the result: standard output is closed.")
        return 1
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, ESCAPED).decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has had enough, as `head` has
        _discard_rest()
        return 1
    except OSError as error:
        _discard_rest()
        complain(f"cannot write the result to standard output: {error.strerror}.")
        return 1
    return 0


def _discard_rest() -> None:
    # Python flushes standard output once more when it ends, and would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(sentence: str) -> None:
    """Prints a sentence on standard error."""
    write_line(f"chainrule: {sentence}")


class SentenceHandler(logging.Handler):
    """Prints what the package says on standard error, whatever it is then: a live display replaces it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints one sentence."""
        write_line(self.format(record))
