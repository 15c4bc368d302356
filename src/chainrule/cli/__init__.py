"""The command line: thin, every verb is a function of `chainrule.api`.

Standard output holds the result and nothing else: text for people, or one JSON object with `--json`. Progress
and errors go to standard error. When a command fails, standard output stays empty; a check whose answer is no has not
failed, but ends with the status 1 too.

Exit status: 0 done; 1 a failure, with one sentence; 2 a wrong call; 130 interrupted, a training run after a
checkpoint.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli import output
from chainrule.errors import ChainruleError, Interrupted, ToldByAnother, UnknownNameError, UsageError
from chainrule.runtime.processes import here
from chainrule.runtime.progress import LOGGER

if TYPE_CHECKING:
    from cyclopts import CycloptsError

SHARED = (["train"], ["resume"])  # what several processes do together; all else the first does alone


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit status.

    Args:
        arguments: what follows the program's name; the process's own where None.
    """
    if sys.stderr is None:  # closed; the next file to be opened would take its number, and get what is meant for it
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stays open
    # Torch's threads wait for each other by spinning; on a core that another program wants, a step would take ten
    # times longer. It must be said before torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    given = list(sys.argv[1:] if arguments is None else arguments)
    speaks = True
    try:
        from cyclopts import CycloptsError

        speaks = here().is_first
        if not speaks and given[:1] not in SHARED:
            return 0
        with terminable(), sentences_shown():
            text = answer(given)
        return output.write(text)
    except KeyboardInterrupt:
        status, sentence = Interrupted.exit_status, "interrupted."
    except output.CheckFailedError as failed:
        output.write(failed.text)
        status, sentence = ChainruleError.exit_status, str(failed)
    except ChainruleError as error:
        status, sentence = error.exit_status, str(error)
        speaks = error.is_for_this_process or (speaks and not isinstance(error, ToldByAnother))
    except CycloptsError as error:
        status, sentence = UsageError.exit_status, explain(error)
    except Exception:  # noqa: BLE001 - a bug: the person who meets it is the one who can report it
        traceback.print_exc()
        status, speaks = ChainruleError.exit_status, True
        sentence = "this is an error in chainrule itself; please report it with the lines above."
    if not speaks:
        return 0  # with any other status torchrun would end the process that is about to say it
    output.complain(sentence)
    return status


def answer(arguments: list[str]) -> str:
    """What the call prints on standard output."""
    from chainrule.cli.application import application, tokens

    app = application(arguments)
    command, bound, _ = app.parse_args(tokens(arguments), exit_on_error=False, print_error=False)
    if "console" in bound.arguments:  # --help and --version print by themselves
        from chainrule.cli.help import printed

        return printed(command, bound)
    # A library that prints would break the one JSON object.
    with contextlib.redirect_stdout(sys.stderr):
        text: str = command(*bound.args, **bound.kwargs)
    return text


def explain(error: "CycloptsError") -> str:
    """A wrong call in a sentence, and where to read on."""
    from cyclopts import UnknownCommandError, UnusedCliTokensError

    if isinstance(error, UnknownCommandError) and error.unused_tokens and error.app:
        given = error.unused_tokens[0]
        known = [name for name in error.app if name.startswith("-") == given.startswith("-")]
        return str(UnknownNameError("option" if given.startswith("-") else "command", given, known))
    chain = " ".join(("chainrule", *(error.command_chain or ())))
    text = str(error)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        text = f"There is no place for {' '.join(map(repr, error.unused_tokens))}."
    return f"{text[:1].lower()}{text[1:]} `{chain} --help` shows what there is."


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Lets SIGTERM end what the block does as Ctrl-C does, unless it is ignored.

    Of several processes those that are left are sent it as soon as one has ended, and are to say their last sentence.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()  # no other may change handlers
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if here().count == 1 else signal.SIG_IGN)


@contextlib.contextmanager
def sentences_shown() -> Iterator[None]:
    """Prints on standard error what the package says while the block runs."""
    handler = output.SentenceHandler()
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
