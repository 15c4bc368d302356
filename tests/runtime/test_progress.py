"""Sentences for the log, bars for the terminal, and nothing that could stop the work."""

import contextlib
import io
import logging
import os
import pty
import subprocess
import sys
from unittest import mock

import pytest

from chainrule.runtime import progress

GONE = "\x1b[1A\x1b[2K"  # up a line, and the line taken away


class Terminal(io.StringIO):
    def isatty(self):
        return True


@contextlib.contextmanager
def terminal():
    """A standard error that is a terminal, while progress is wanted; yields what it shows."""
    level = progress.LOGGER.level
    progress.LOGGER.setLevel(logging.INFO)
    environment = mock.patch.dict(os.environ, {"TERM": "xterm", "COLUMNS": "80"})
    try:
        with environment, mock.patch.object(sys, "stderr", Terminal()) as stream:
            yield stream
    finally:
        progress.LOGGER.setLevel(level)


def test_a_sentence_goes_to_the_log_as_it_is(caplog):
    caplog.set_level("INFO", logger="chainrule")
    progress.say("100 % of %s and {} are kept")
    assert caplog.record_tuples == [("chainrule", logging.INFO, "100 % of %s and {} are kept")]


def test_nobody_is_told_unasked(capsys):
    progress.say("read")
    with progress.bar("reading", total=3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_bar_shows_what_is_done_and_goes():
    with terminal() as stream, progress.bar("reading iris.csv", total=1200) as advance:
        advance(1200)
    shown = stream.getvalue()
    assert "reading iris.csv" in shown
    assert "1,200 rows" in shown
    assert shown.endswith(GONE)


def test_a_bar_goes_when_its_block_fails():
    def fail():
        with progress.bar("reading", total=None, unit="bytes") as advance:
            advance(2**20)
            raise ZeroDivisionError

    with terminal() as stream, pytest.raises(ZeroDivisionError):
        fail()
    assert stream.getvalue().endswith(GONE)


def test_a_bar_shows_a_file_s_name_as_it_is_called():
    with terminal() as stream, progress.bar("reading a[/b] [red]\x1b[2J.csv", total=3) as advance:
        advance(3)
    assert "reading a[/b] [red]\\x1b[2J.csv" in stream.getvalue()


def test_bars_are_for_terminals_and_for_those_who_want_them():
    with terminal():
        assert progress.on_terminal()
        progress.LOGGER.setLevel(logging.WARNING)
        assert not progress.on_terminal()
    for stream in (io.StringIO(), None):
        with terminal(), mock.patch.object(sys, "stderr", stream):
            assert not progress.on_terminal()


def test_lines_go_to_standard_error(capsys):
    progress.write_line("step 3")
    assert capsys.readouterr() == ("", "step 3\n")


SCRIPT = """
import sys
from chainrule.runtime.progress import write_line
for number in range(3):
    write_line("a line")
print("done")
"""


def test_a_standard_error_that_takes_nothing_does_not_stop_the_work():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=full, check=False)
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_a_terminal_sees_lines_at_once():
    master, slave = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.DEVNULL, stderr=slave) as process:
        process.wait()
    os.close(slave)
    assert os.read(master, 1000).count(b"a line\r\n") == 3
    os.close(master)


def test_what_does_not_print_is_written_as_its_escape(capsys):
    progress.write_line("the run \x1b[2Jred\u202e of \udc80\n每行\u3000stay")
    assert capsys.readouterr().err == "the run \\x1b[2Jred\\u202e of \\udc80\n每行\u3000stay\n"
