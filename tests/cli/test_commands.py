"""The commands: what each asks of the functions it wraps, and what it prints."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from chainrule import api

CURVE = {"name": "", "runs": ["runs/a"], "steps": [7], "mean": [0.5], "lowest": [0.5], "highest": [0.5]}
DRAWN = {"recipe": "toy", "dataset": "digits", "figure": "loss", "output": "x.png", "groups": [CURVE]}


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the wrapped functions: name, arguments, options."""
    calls = []

    def replace(name, answer):
        def function(*arguments, **options):
            calls.append((name, arguments, options))
            return answer

        monkeypatch.setattr(api, name, function)

    replace("runs", [])
    replace("curves", DRAWN)
    replace("resume", {"recipe": "toy", "value": 0.5})
    replace("evaluate", {"recipe": "toy", "value": 0.25})
    replace("predict", [{"label": "positive", "probability": 0.9876}, {"label": "negative", "probability": 1.0}])
    report = SimpleNamespace(render_text=lambda report, **_: f"{report['recipe']}: {report['value']}\n")
    monkeypatch.setitem(sys.modules, "chainrule.evaluation.text", report)
    return calls


def standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def test_list_runs(call, asked):
    assert call("list", "--runs") == (0, "There is no run.\n", "")
    assert json.loads(call("list", "--runs", "runs/mine", "--json").output) == {"runs": []}
    assert json.loads(call("list", "runs/mine", "--json", "--runs").output) == {"runs": []}
    assert asked == [("runs", (), {}), *[("runs", (Path("runs/mine"),), {})] * 2]


def test_a_folder_is_for_runs_alone(call, asked):
    sentence = "chainrule: there is no place for 'runs/mine'. `chainrule list --help` shows what there is.\n"
    assert call("list", "runs/mine") == (2, "", sentence)
    assert asked == []


def test_curves(call, asked):
    assert call("curves", "runs/a", "runs/b", "--output", "x.png").output.splitlines()[-1] == "x.png"
    flags = ("--figure", "loss", "--json")
    assert json.loads(call("curves", "--output=y.png", "runs/a", *flags).output) == DRAWN
    assert asked == [
        ("curves", ((Path("runs/a"), Path("runs/b")),), {"output": Path("x.png"), "figure": None}),
        ("curves", ((Path("runs/a"),),), {"output": Path("y.png"), "figure": "loss"}),
    ]


def test_curves_without_a_file_or_a_run(call):
    status, _, errors = call("curves", "runs/a")
    assert (status, "--output" in errors) == (2, True)
    sentence = "curves needs at least one run; give the folders that `chainrule train` printed."
    assert call("curves", "--output=x.png") == (2, "", f"chainrule: {sentence}\n")


def test_resume(call, asked):
    assert call("resume", "runs/x") == (0, "toy: 0.5\n", "")
    assert json.loads(call("resume", "runs/x", "--json").output) == {"recipe": "toy", "value": 0.5}
    assert asked == [("resume", (Path("runs/x"),), {"display": True})] * 2


def test_a_report_is_as_wide_as_the_terminal_and_coloured_on_one_alone(call, asked, monkeypatch):
    given = []
    told = SimpleNamespace(render_text=lambda _, **options: given.append(options) or "")
    monkeypatch.setitem(sys.modules, "chainrule.evaluation.text", told)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for terminal in (False, True):
        monkeypatch.setattr(sys, "__stdout__", SimpleNamespace(isatty=lambda is_one=terminal: is_one))
        call("resume", "runs/x")
    monkeypatch.setenv("NO_COLOR", "1")
    call("resume", "runs/x")
    assert given == [
        {"width": 80, "colour": False},
        {"width": 80, "colour": True},
        {"width": 80, "colour": False},
    ]


def test_evaluate(call, asked):
    assert call("evaluate", "runs/x") == (0, "toy: 0.25\n", "")
    flags = ["--data", "own.csv", "--device", "cpu", "--precision", "fp32", "--json"]
    columns = {f"{kind}_column": f"{kind}s" for kind in ("text", "sequence", "label", "target")}
    named = [f"--{flag.replace('_', '-')}={name}" for flag, name in columns.items()]
    assert json.loads(call("evaluate", "runs/x", *flags, *named).output) == {"recipe": "toy", "value": 0.25}
    guessed = dict.fromkeys(columns)
    assert asked == [
        ("evaluate", (Path("runs/x"),), {"data": None, **guessed, "device": "auto", "precision": "auto"}),
        ("evaluate", (Path("runs/x"),), {"data": Path("own.csv"), **columns, "device": "cpu", "precision": "fp32"}),
    ]


def test_predict_answers_in_the_order_of_the_inputs(call, asked):
    assert call("predict", "runs/x", "这本书很有趣", "too\nlong") == (
        0,
        "positive  0.9876  这本书很有趣\nnegative  1       too long\n",
        "",
    )
    assert json.loads(call("predict", "runs/x", "这本书很有趣", "too\nlong", "--json").output) == {
        "predictions": [
            {"label": "positive", "probability": 0.9876},
            {"label": "negative", "probability": 1.0},
        ]
    }
    options = {"data": None, "explain": None, "device": "auto", "output": None}
    assert asked == [("predict", (Path("runs/x"), ["这本书很有趣", "too\nlong"]), options)] * 2


def test_predict_from_a_file(call, asked):
    assert call("predict", "runs/x", "--data", "own.csv").output == "positive  0.9876\nnegative  1\n"
    options = {"data": Path("own.csv"), "explain": None, "device": "auto", "output": None}
    assert asked == [("predict", (Path("runs/x"), []), options)]


@pytest.mark.parametrize(
    "content", [b"good\n\xe5\xa5\xbd\n", b"good\r\n\xe5\xa5\xbd", b"\xef\xbb\xbfgood\n\xe5\xa5\xbd\n"]
)
def test_a_dash_reads_standard_input(call, asked, monkeypatch, content):
    standard_input(monkeypatch, content)
    call("predict", "runs/x", "-")
    assert asked[0][1] == (Path("runs/x"), ["good", "好"])


def test_a_dash_stands_for_its_lines_among_others(call, asked, monkeypatch):
    standard_input(monkeypatch, b"b\n\nc\n")
    call("predict", "runs/x", "a", "-", "d")
    assert asked[0][1] == (Path("runs/x"), ["a", "b", "", "c", "d"])


def test_a_line_ends_where_the_line_ends_and_nowhere_else(call, asked, monkeypatch):
    standard_input(monkeypatch, "a\u2028b\vc\x85d\n".encode())
    call("predict", "runs/x", "-")
    assert asked[0][1] == (Path("runs/x"), ["a\u2028b\vc\x85d"])


def test_a_dash_after_two_is_a_dash(call, asked):
    call("predict", "runs/x", "--", "-")
    assert asked[0][1] == (Path("runs/x"), ["-"])


def test_an_input_that_begins_with_a_dash_follows_two(call, asked):
    call("predict", "runs/x", "--json", "--", "--json", "-_-")
    assert asked[0][1] == (Path("runs/x"), ["--json", "-_-"])


def test_standard_input_in_another_encoding_is_refused(call, asked, monkeypatch):
    standard_input(monkeypatch, "好\n".encode("gb18030"))
    assert call("predict", "runs/x", "-") == (
        2,
        "",
        (
            "chainrule: standard input is not UTF-8 (byte 0 is 0xba); "
            "convert it, or give the file with --data, which detects encodings.\n"
        ),
    )
    assert asked == []


def test_nothing_to_predict_is_a_wrong_call(call, asked):
    assert call("predict", "runs/x") == (
        2,
        "",
        (
            "chainrule: predict needs something to predict: give inputs after the run's folder, "
            "- to read them from standard input, or --data FILE.\n"
        ),
    )


def test_no_lines_on_standard_input_are_no_predictions(call, monkeypatch):
    standard_input(monkeypatch, b"")
    monkeypatch.setattr(api, "predict", lambda _, inputs, **__: [{"value": 1.0} for _ in inputs])
    assert call("predict", "runs/x", "-").output == ""
    standard_input(monkeypatch, b"")
    assert json.loads(call("predict", "runs/x", "-", "--json").output) == {"predictions": []}


def test_values_are_printed_as_they_are(call, monkeypatch):
    monkeypatch.setattr(api, "predict", lambda *_, **__: [{"value": 123.456789}])
    assert call("predict", "runs/x", '{"hour": 7}').output == '123.5  {"hour": 7}\n'


def test_the_usage_of_predict(call):
    assert call("predict", "--help").output.startswith("Usage: chainrule predict [OPTIONS] RUN [INPUT...]\n")


def test_the_usage_of_curves(call):
    assert call("curves", "--help").output.startswith("Usage: chainrule curves --output PATH [OPTIONS] RUN...\n")


def test_data_without_a_verb_shows_the_verbs(call):
    page = call("data")
    assert page.status == 0
    assert [line.split()[0] for line in page.output.splitlines() if line.startswith("  ")] == ["list", "get", "show"]
