"""Mazes as text, the form in which `chainrule/Maze-v0` renders them or one that is easier to type."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chainrule.data.encodings import detect_encoding
from chainrule.data.own_paths import check_beginning, check_file
from chainrule.environments.walks import Tasks
from chainrule.errors import DataError

WALLS, FREE, START, GOAL = "█#", " .", "A", "G"
MOST_SQUARES = 250_000
FEWEST = 3  # squares a side


def read_mazes(path: Path) -> Iterator[str]:
    """The mazes in a text file, with an empty line between one and the next.

    Raises:
        FileFormatError: the file cannot be read.
    """
    check_file(path)
    check_beginning(path)
    lines: list[str] = []
    for line in [*path.read_text(encoding=detect_encoding(path).codec).splitlines(), ""]:
        if line.strip():
            lines.append(line)
        elif lines:
            yield "\n".join(lines)
            lines = []


def read_maze(text: str, name: str) -> Tasks:
    """A maze from its text.

    A line is a row of squares: `#` or `█` a wall, a blank or `.` a free square, `A` where the agent begins and `G` the
    goal. Each square may also be two characters wide, as `Maze-v0` renders it.

    Args:
        text: of one maze.
        name: for what is said of it.

    Raises:
        DataError: the text is no maze.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    rows = _single(lines)
    height, width = len(rows), max(map(len, rows), default=0)
    if height < FEWEST or width < FEWEST or height * width > MOST_SQUARES:
        raise DataError(
            f"{name} has {height} x {width} squares; a maze has at least {FEWEST} x {FEWEST}, and at most "
            f"{MOST_SQUARES:,} in all."
        )
    if ragged := [number for number, row in enumerate(rows, 1) if len(row) != width]:
        raise DataError(f"line {ragged[0]} of {name} is {len(rows[ragged[0] - 1])} squares long, not {width}.")
    squares = np.array([list(row) for row in rows])
    known = np.isin(squares, list(WALLS + FREE + START + GOAL))
    if not known.all():
        wrong = str(squares[~known][0])
        raise DataError(f"{name} holds {wrong!r}; a maze is made of # or █, blanks or dots, one A and one G.")
    walls = np.isin(squares, list(WALLS)).astype(np.uint8)
    if not (walls[[0, -1]].all() and walls[:, [0, -1]].all()):
        raise DataError(f"{name} is open at its edge; put a wall, # or █, all around it.")
    places = []
    for sign, meaning in ((START, "agent"), (GOAL, "goal")):
        found = np.flatnonzero(squares == sign)
        if len(found) != 1:
            raise DataError(f"{name} has {len(found)} squares marked {sign}; mark the one of the {meaning}.")
        places.append(found)
    return Tasks(walls[None], *places)


def _single(lines: list[str]) -> list[str]:
    """The lines with one character a square."""
    doubled = all(
        len(line) % 2 == 0 and all(second in (first, " ") for first, second in zip(line[::2], line[1::2], strict=True))
        for line in lines
    )
    return [line[::2] for line in lines] if doubled and lines and set(lines[0]) <= set(WALLS) else lines
