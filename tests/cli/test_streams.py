"""Signals, and standard streams that are closed or full."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from chainrule import api
from chainrule.cli import main
from tests.crash.small_runs import reviews

PROGRAM = (sys.executable, "-m", "chainrule")


def shell(redirection, *arguments):
    """Runs the program with one of its streams redirected by the shell."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_any_command_with_one_sentence(call, monkeypatch, number):
    before = signal.getsignal(number)
    monkeypatch.setattr(api, "recipes", lambda: os.kill(os.getpid(), number) or time.sleep(60))
    assert call("list") == (130, "", "chainrule: interrupted.\n")
    assert signal.getsignal(number) is before


def test_who_ignores_a_signal_goes_on_doing_so(call, monkeypatch):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        monkeypatch.setattr(api, "recipes", lambda: os.kill(os.getpid(), signal.SIGTERM) or [])
        assert call("list", "--json").status == 0
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_may_call_the_program(capsys):
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(main(["list", "--json"])))
    thread.start()
    thread.join()
    assert statuses == [0]
    assert json.loads(capsys.readouterr().out)["recipes"]


def test_sigterm_while_data_are_converted_leaves_nothing_behind(tmp_path):
    environment = {**os.environ, "CHAINRULE_CACHE": str(tmp_path / "cache")}
    command = [
        *PROGRAM,
        "train",
        "sentiment",
        "--data",
        str(reviews(tmp_path / "own.csv")),
        "--output",
        str(tmp_path / "run"),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr.readline().startswith("training sentiment in")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "chainrule: interrupted."
    assert "Traceback" not in errors
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "cache").rglob(".partial-*"))


def test_an_interrupt_while_a_module_generates_a_class_gives_a_status(tmp_path):
    """As in a data class, whose methods are run from a string: `python -m` would end by the signal itself."""
    generated = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "cyclopts.py").write_text(f"exec({generated!r})\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([*PROGRAM, "list"], capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "chainrule: interrupted.\n")


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_without_a_standard_error_the_result_is_the_same(redirection):
    found = shell(redirection, "list", "--json")
    assert found.returncode == 0
    assert [entry["recipe"] for entry in json.loads(found.stdout)["recipes"]]
    wrong = shell(redirection, "lsit")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_without_a_standard_input_nothing_can_be_read_from_it(trained):
    ended = shell("<&-", "predict", trained("sentiment"), "-")
    assert ended.returncode == 2
    assert ended.stderr == (
        "chainrule: - was given for the lines of standard input, which is closed; give it something to read.\n"
    )
