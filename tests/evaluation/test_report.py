"""The report: its keys, its files, and what may not stand in it."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from chainrule.errors import OptionError
from chainrule.evaluation.bands import Band, expected_interval
from chainrule.evaluation.judgement import Mistake, Plot, Score
from chainrule.evaluation.report import assemble_report, write_report
from tests.evaluation.sets import judgement

DATA = {"name": "small", "kind": "text", "left_out": {"empty": 2, "duplicate": 3}, "classes": ["good", "bad"]}
BAND = Band(
    setting={"dataset": "small"},
    metric="accuracy",
    mean=0.84,
    standard_deviation=0.004,
    seeds=5,
    machine="two cores",
    seconds=100.0,
    command="chainrule train sentiment",
)


def assemble(judged, band=BAND, data=DATA):
    return assemble_report(judged, recipe="sentiment", run="runs/one", band=band, seconds=151.25, steps=1870, data=data)


def full():
    """A judgement with every part."""
    return judgement(
        baselines=(
            Score(name="majority class", value=0.517, figures={"accuracy": 0.517}),
            Score(
                name="linear",
                value=0.834,
                interval=(0.82, 0.85),
                difference=(-0.01, 0.02),
                figures={"accuracy": 0.834, "macro_f1": 0.833},
                notes=("Linear was slow.",),
            ),
        ),
        figures={"accuracy": 0.841, "macro_f1": 0.84},
        tables={"per_class": [{"class": "good", "f1": None}], "confusion": {"classes": ["good"], "counts": [[3]]}},
        mistakes=(Mistake(index=7, input="好", truth="good", predicted="bad", probability=0.9),),
        extra={"flops_per_step": 1e9},
        plots=(Plot("square.png", lambda: Figure(figsize=(2, 2))),),
        notes=("One class is rare.",),
    )


def test_the_whole_report():
    found = assemble(full())
    linear = {
        "name": "linear",
        "value": 0.834,
        "interval": [0.82, 0.85],
        "difference": [-0.01, 0.02],
        "figures": {"accuracy": 0.834, "macro_f1": 0.833},
    }
    low, high = expected_interval(BAND, (0, 1))
    assert found == {
        "recipe": "sentiment",
        "run": "runs/one",
        "metric": "accuracy",
        "higher_is_better": True,
        "value": 0.841,
        "interval": [0.827, 0.854],
        "baseline": linear,
        "expected": [low, high],
        "within_expected": True,
        "seconds": 151.25,
        "steps": 1870,
        "verdict": f"0.841 [0.827, 0.854] is within the expected {low:.3f}–{high:.3f}",
        "against_baseline": (
            "it cannot be told apart from the baseline, linear, at 0.834: the difference is 0.007 [-0.010, 0.020]"
        ),
        "examples": 3464,
        "unit": "test examples",
        "figures": {"accuracy": 0.841, "macro_f1": 0.84},
        "baselines": [
            {
                "name": "majority class",
                "value": 0.517,
                "interval": None,
                "difference": None,
                "figures": {"accuracy": 0.517},
            },
            linear,
        ],
        "mistakes": [{"index": 7, "input": "好", "truth": "good", "predicted": "bad", "probability": 0.9}],
        "left_out": {"empty": 2, "duplicate": 3},
        "data": DATA,
        "notes": ["One class is rare.", "Linear was slow."],
        "plots": ["square.png"],
        "per_class": [{"class": "good", "f1": None}],
        "confusion": {"classes": ["good"], "counts": [[3]]},
        "flops_per_step": 1e9,
    }


def test_the_keys_that_programs_rely_on_come_first():
    keys = "recipe run metric higher_is_better value interval baseline expected within_expected seconds steps"
    assert " ".join(list(assemble(judgement()))[:11]) == keys


def test_a_learner_without_examples_or_classes_has_the_same_report():
    # An agent is judged by its regret over episodes, in an environment: no rows, no classes, no probabilities.
    judged = judgement(
        metric="regret",
        higher_is_better=False,
        value=3.5,
        interval=(2.0, 5.0),
        limits=(0, np.inf),
        examples=20,
        unit="episodes",
        baselines=(Score(name="random walk", value=90.0),),
    )
    found = assemble(judged, band=None, data={"name": "LineWalk-v0"})
    assert (found["expected"], found["within_expected"], found["left_out"]) == (None, None, {})
    assert found["against_baseline"] == "it beats the baseline, random walk, at 90.00, by 86.50"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("part", ["tables", "extra"])
def test_a_judgement_may_not_set_the_reports_own_keys(part):
    with pytest.raises(OptionError) as caught:
        assemble(judgement(**{part: {"value": 1.0}}))
    assert str(caught.value) == "a judgement may not set the report's own key 'value'; give it another name."


def test_the_report_is_written_with_its_plots(tmp_path):
    judged = full()
    written = write_report(tmp_path, assemble(judged), judged)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "square.png"]
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == written == assemble(judged)
    with Image.open(tmp_path / "square.png") as picture:
        assert picture.format == "PNG"


def test_the_learning_curve_stands_with_the_plots(tmp_path):
    lines = [{"step": 10, "split": "train", "loss": 0.5}, {"step": 10, "split": "validation", "accuracy": 0.7}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    judged = full()
    written = write_report(tmp_path, assemble(judged), judged)
    assert written["plots"] == ["learning-curve.png", "square.png"]
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == written
    assert (tmp_path / "learning-curve.png").stat().st_size > 10_000


def test_where_the_report_stands_every_plot_does(tmp_path):
    def fail():
        raise ZeroDivisionError

    judged = judgement(plots=(full().plots[0], Plot("broken.png", fail)))
    with pytest.raises(ZeroDivisionError):
        write_report(tmp_path, assemble(judged), judged)
    assert [path.name for path in tmp_path.iterdir()] == ["square.png"]
