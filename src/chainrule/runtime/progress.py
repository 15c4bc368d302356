"""What a person is told while something takes its time: sentences and bars, all on standard error.

Sentences go through the standard `logging` (logger `chainrule`), so that a Python program decides what becomes of
them; the command line prints them. Bars appear on a terminal only.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator

from chainrule.runtime.printable import printable
from chainrule.runtime.processes import here

LOGGER = logging.getLogger("chainrule")


def say(sentence: str) -> None:
    """Tells the user one thing that happened; of several processes the first alone does."""
    if here().is_first:
        LOGGER.info("%s", sentence)


def on_terminal() -> bool:
    """Whether bars and live lines make sense: progress is wanted and standard error is a terminal."""
    wanted = LOGGER.isEnabledFor(logging.INFO) and here().is_first
    return wanted and sys.stderr is not None and sys.stderr.isatty()


def write_line(line: str) -> None:
    """Writes on standard error; where nothing can be written there, all that follows is dropped: work goes on.

    What does not print in it, since sentences name what files and folders are called, is written as its escape; a line
    break stays one.
    """
    try:
        print("\n".join(map(printable, line.split("\n"))), file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@contextlib.contextmanager
def bar(description: str, *, total: int | None, unit: str = "rows") -> Iterator[Callable[[int], None]]:
    """A progress bar that is gone when the block ends; yields a function that moves it on by a count.

    Args:
        description: what is being done, such as "downloading iris.csv".
        total: the count at which it is full, or None where nobody knows.
        unit: "bytes" is shown in binary units, anything else is counted.
    """
    if not on_terminal():
        yield lambda count: None  # noqa: ARG005
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn() if unit == "bytes" else TextColumn("{task.completed:,.0f} " + unit)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(printable(description), total=total)
        yield lambda count: progress.advance(task, count)
