"""The JSON of every verb on real runs of every recipe."""

import json

import numpy as np
import pytest
from PIL import Image

from chainrule import recipes
from tests.cli import schemas


@pytest.fixture(params=tuple(recipes.BUILT_IN), scope="module")
def run(request, trained):
    return trained(request.param)


def asked(call, *arguments):
    """The JSON of a call that went well."""
    status, output, errors = call(*map(str, arguments), "--json")
    assert status == 0, errors
    assert "Traceback" not in errors
    return json.loads(output)


def test_train_prints_the_report_it_writes(call, small_settings, tmp_path):
    settings = small_settings["mlp-regression"]
    flags = [
        f"--{name.replace('_', '-')}={item}"
        for name, value in settings.items()
        for item in (value if isinstance(value, tuple) else (value,))
    ]
    report = asked(call, "train", "mlp-regression", *flags, f"--output={tmp_path / 'run'}")
    schemas.check_report(report)
    assert report == json.loads((tmp_path / "run/report.json").read_text())
    assert (report["recipe"], report["run"], report["steps"]) == ("mlp-regression", str(tmp_path / "run"), 13)
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["options"]["seed"] == settings["seed"]
    assert record["configuration"]["hidden_sizes"] == list(settings["hidden_sizes"])


def test_a_report_has_its_keys(run):
    report = json.loads((run / "report.json").read_text())
    schemas.check_report(report)
    assert report["recipe"] in recipes.BUILT_IN
    low, high = report["interval"]
    assert low <= report["value"] <= high
    assert report["baseline"] in report["baselines"]
    for plot in report["plots"]:
        assert (run / plot).read_bytes().startswith(b"\x89PNG")
    assert json.loads((run / "run.json").read_text())["data"]["sha256"] == report["data"]["sha256"]


def test_a_report_tells_how_fast_it_was(run):
    report = json.loads((run / "report.json").read_text())
    schemas.check(report, schemas.SPED)
    assert report["flops_per_step"] > 0
    if report["recipe"] == "image-cnn":
        schemas.check(report, schemas.CLASSIFIED_PICTURES)
        assert report["views"] == 1


def test_a_classifier_s_report_has_every_class(run):
    report = json.loads((run / "report.json").read_text())
    if report["metric"] != "accuracy":
        assert report["metric"] in {"r2", "frechet_distance", "regret", "solved"}
        assert "per_class" not in report
        return
    assert {"macro_f1", "balanced_accuracy", "log_loss"} <= report["figures"].keys()
    schemas.check(
        report["per_class"],
        [
            {
                "class": schemas.text,
                "precision": schemas.Either(None, schemas.share),
                "recall": schemas.Either(None, schemas.share),
                "f1": schemas.Either(None, schemas.share),
                "support": schemas.whole,
                "predicted": schemas.whole,
            }
        ],
    )
    table, counts = report["per_class"], report["confusion"]["counts"]
    assert [row["class"] for row in table] == report["data"]["classes"] == report["confusion"]["classes"]
    assert [row["support"] for row in table] == [sum(row) for row in counts]
    assert sum(row["support"] for row in table) == report["examples"] == report["data"]["splits"]["test"]
    assert report["value"] == pytest.approx(sum(counts[i][i] for i in range(len(counts))) / report["examples"])
    defined = [row["f1"] or 0.0 for row in table]
    assert report["figures"]["macro_f1"] == pytest.approx(sum(defined) / len(defined))


def test_evaluate(call, run):
    report = asked(call, "evaluate", run)
    schemas.check_report(report)
    written = json.loads((run / "report.json").read_text())
    for name in ("metric", "value", "interval", "baseline", "steps", "seconds"):
        assert report[name] == written[name]


def test_resume_of_a_finished_run_prints_its_report(call, run):
    report = asked(call, "resume", run)
    schemas.check_report(report)
    assert report == json.loads((run / "report.json").read_text())


INPUTS = {
    "sentiment": ("很好", "退货，很差", ""),
    "mlp-regression": (
        '{"age": 48, "sex": 1, "bmi": 26, "bp": 94, "s1": 189, "s2": 115, "s3": 49, "s4": 4, "s5": 4.6, "s6": 91}',
    ),
}


@pytest.mark.parametrize("recipe", INPUTS)
def test_predict(call, trained, recipe):
    schema = schemas.ESTIMATED if recipe.endswith("regression") else schemas.CLASSIFIED
    found = asked(call, "predict", trained(recipe), *INPUTS[recipe])
    schemas.check(found, schema)
    assert len(found["predictions"]) == len(INPUTS[recipe])
    assert asked(call, "predict", trained(recipe) / "model", *INPUTS[recipe]) == found


def test_people_read_the_same_figures(call, run):
    told = " ".join(call("evaluate", str(run)).output.split())  # lines end at the terminal's edge
    report = json.loads((run / "report.json").read_text())
    assert told.startswith(f"{report['recipe']}: {report['examples']:,} {report['unit']}, after 13 steps in ")
    assert report["baseline"]["name"] in told
    assert report["against_baseline"] in told


def test_predict_explains_pictures_and_nothing_else(call, trained, tmp_path):
    picture, folder = tmp_path / "photo.png", tmp_path / "explained"
    Image.fromarray(np.arange(35, dtype=np.uint8).reshape(7, 5)).save(picture)
    found = asked(call, "predict", trained("image-cnn"), picture, f"--explain={folder}")
    schemas.check(found, schemas.CLASSIFIED)
    assert (folder / "1-photo.png").read_bytes().startswith(b"\x89PNG")
    status, _, errors = call("predict", str(trained("image-cnn")), str(picture), f"--explain={folder}")
    assert status != 0
    assert f"--explain {folder} is not an empty folder; give a new one." in errors
