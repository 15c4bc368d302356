"""What becomes of a call: its status, and what stands on standard output and standard error."""

import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule.cli
from chainrule import api
from chainrule.errors import DataError, Interrupted, OptionError
from chainrule.runtime import progress

REPORTED = "chainrule: this is an error in chainrule itself; please report it with the lines above.\n"


def raising(error):
    def function(*arguments, **options):
        raise error

    return function


def test_a_result_is_on_standard_output_alone(call, monkeypatch):
    monkeypatch.setattr(api, "recipes", lambda: [{"recipe": "toy", "summary": "a toy", "data": "digits"}])
    assert call("list") == (0, "RECIPE  WHAT IT IS  DATA BY DEFAULT\ntoy     a toy       digits\n", "")


def test_json_is_one_object_and_nothing_else(call, monkeypatch):
    def chatty():
        print("a library that prints")
        progress.say("reading the list")
        return [{"recipe": "玩具", "summary": "a toy", "data": "digits"}]

    monkeypatch.setattr(api, "recipes", chatty)
    outcome = call("list", "--json")
    assert json.loads(outcome.output) == {"recipes": [{"recipe": "玩具", "summary": "a toy", "data": "digits"}]}
    assert "玩具" in outcome.output
    assert outcome.errors == "a library that prints\nreading the list\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("the file is empty."), 1),
        (OptionError("--seed is -1."), 2),
        (Interrupted("stopped at step 7; go on with: chainrule resume runs/x"), 130),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_an_expected_failure_is_one_sentence(call, monkeypatch, error, status, flags):
    monkeypatch.setattr(api, "recipes", raising(error))
    assert call("list", *flags) == (status, "", f"chainrule: {error}\n")


def test_an_interruption_is_one_sentence(call, monkeypatch):
    monkeypatch.setattr(api, "recipes", raising(KeyboardInterrupt()))
    assert call("list") == (130, "", "chainrule: interrupted.\n")


def test_a_bug_keeps_its_traceback(call, monkeypatch):
    monkeypatch.setattr(api, "recipes", raising(ZeroDivisionError("by zero")))
    status, output, errors = call("list", "--json")
    assert (status, output) == (1, "")
    assert errors.startswith("Traceback (most recent call last):\n")
    assert errors.endswith(f"ZeroDivisionError: by zero\n{REPORTED}")


def test_a_figure_that_json_cannot_hold_is_a_bug(call, monkeypatch):
    monkeypatch.setattr(api, "doctor", lambda: {"peak": float("nan")})
    status, output, errors = call("doctor", "--json")
    assert (status, output) == (1, "")
    assert errors.endswith(REPORTED)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trian"], "there is no command named 'trian'; did you mean 'train'?"),
        (
            ["grow"],
            (
                "there is no command named 'grow'; known are: compare-gradients, curves, data, doctor, evaluate, list, "
                "predict, resume, train."
            ),
        ),
        (["--versoin"], "there is no option named '--versoin'; did you mean '--version'?"),
        (["data", "shwo"], "there is no command named 'shwo'; did you mean 'show'?"),
        (
            ["list", "--jsno"],
            "unknown option: --jsno. Did you mean --json? `chainrule list --help` shows what there is.",
        ),
        (["list", "all"], "there is no place for 'all'. `chainrule list --help` shows what there is."),
        (
            ["resume"],
            'command "resume" parameter RUN requires an argument. `chainrule resume --help` shows what there is.',
        ),
        (
            ["evaluate", "runs/x", "--device", "xyz"],
            (
                'invalid value "xyz" for --device. Choose from: "auto", "cpu", "cuda", "mps". '
                "`chainrule evaluate --help` shows what there is."
            ),
        ),
    ],
)
def test_a_wrong_call_is_told_what_is_right(call, arguments, sentence):
    assert call(*arguments) == (2, "", f"chainrule: {sentence}\n")


def test_without_arguments_the_commands_are_shown(call):
    assert call() == call("--help")
    assert call().status == 0


def test_the_help_page(call):
    assert call("--help").output == (
        "Usage: chainrule COMMAND\n"
        "\n"
        "Every classic deep-learning system as software that works.\n"
        "\n"
        "Commands:\n"
        "  list               List the recipes, or with --runs the runs, the best first.\n"
        "  train              Train a recipe, judge the result and keep the model.\n"
        "  resume             Go on with a run that was interrupted.\n"
        "  evaluate           Score a model on its test split, or on a file of yours.\n"
        "  predict            Ask a model; print one answer an input, in their order.\n"
        "  curves             Draw the learning curves of runs, with bands over seeds.\n"
        "  compare-gradients  Compare our autograd with torch, layer by layer.\n"
        "  data               List, get and show data sets.\n"
        "  doctor             Tell what this machine is, what it can do and how fast.\n"
        "  --help (-h)        Display this message and exit.\n"
        "  --version          Display application version.\n"
    )


def test_the_version(call):
    assert call("--version") == (0, f"{chainrule.__version__}\n", "")


def test_sentences_are_shown_during_the_call_only(call, monkeypatch):
    monkeypatch.setattr(api, "recipes", lambda: progress.say("one") or [])
    before = (list(progress.LOGGER.handlers), progress.LOGGER.level)
    assert call("list").errors == "one\n"
    assert (list(progress.LOGGER.handlers), progress.LOGGER.level) == before
    assert call("list").errors == "one\n"


def test_what_is_less_than_a_sentence_is_not_shown(call, monkeypatch):
    monkeypatch.setattr(api, "recipes", lambda: logging.getLogger("chainrule").debug("detail") or [])
    assert call("list").errors == ""


def program(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "chainrule", *arguments],
        check=False,
        stderr=subprocess.PIPE,
        timeout=60,
        **options,
    )


def test_python_m_is_the_same_program():
    ended = program("trian", stdout=subprocess.PIPE)
    assert ended.returncode == 2
    assert ended.stdout == b""
    assert ended.stderr == b"chainrule: there is no command named 'trian'; did you mean 'train'?\n"


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["list", "--json"]])
def test_a_full_disk_is_one_sentence(arguments):
    with Path("/dev/full").open("w") as full:
        ended = program(*arguments, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr == (b"chainrule: cannot write the result to standard output: No space left on device.\n")


@pytest.mark.parametrize("arguments", [["list"], ["--help"]])
def test_a_closed_standard_output_is_one_sentence(arguments):
    command = [sys.executable, "-m", "chainrule", *arguments]
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], check=False, stderr=subprocess.PIPE, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr == b"chainrule: cannot write the result: standard output is closed.\n"


@pytest.mark.parametrize("arguments", [["list"], ["--help"]])
def test_a_reader_that_has_gone_is_no_error(arguments):
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as reader:
        reader.wait()
        ended = program(*arguments, stdout=reader.stdin)
    assert ended.returncode == 1
    assert ended.stderr == b""


def test_what_the_terminal_cannot_show_is_escaped_as_in_json(monkeypatch):
    monkeypatch.setattr(api, "recipes", lambda: [{"recipe": "玩具 😀", "summary": "é", "data": "digits"}])
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert chainrule.cli.main(["list", "--json"]) == 0
    assert raw.getvalue().isascii()
    assert json.loads(raw.getvalue())["recipes"][0] == {"recipe": "玩具 😀", "summary": "é", "data": "digits"}
