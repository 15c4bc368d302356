"""The recipes on our own autograd: what they learn, what they draw, where they compute."""

import json

import numpy as np
import pytest

from chainrule import api
from chainrule.errors import OptionError
from chainrule.evaluation.boundary import SIDE
from chainrule.learners.film import frame_steps
from chainrule.recipes.computing import asked_of
from chainrule.runtime.processes import ALONE
from tests.recipes.building import build, state, steps

QUICK = {"threads": 1, "steps": 13}
POINTS = [{"x1": 1, "x2": 0}, {"x1": 0, "x2": 1}, {"x1": 1, "x2": 1}]
PICTURE = "decision-boundary.png"


def plots(run):
    return json.loads((run / "report.json").read_text())["plots"]


@pytest.fixture(scope="module")
def article(tmp_path_factory):
    run = tmp_path_factory.mktemp("article") / "run"
    return run, api.train("backprop-classifier", dataset="article-points", threads=1, output=run)


def test_the_article_s_points_are_learned_exactly(article):
    run, report = article
    assert (report["value"], report["examples"], report["steps"]) == (1.0, 3, 1000)
    answers = api.predict(run, POINTS)
    assert [answer["label"] for answer in answers] == ["0", "1", "1"]
    assert min(answer["probability"] for answer in answers) > 0.999


def test_they_are_said_to_be_what_was_learned_from(article):
    run, report = article
    sentence = "Every split holds the same three points: the model is scored on the same three points it learned from."
    assert report["unit"] == "examples, the same that it learned from"
    assert report["notes"][0] == sentence
    assert report["data"]["notes"] == [sentence]
    card = (run / "model/README.md").read_text()
    assert "On 3 examples, the same that it learned from: accuracy 1.000" in card
    assert "never saw" not in card
    assert api.evaluate(run)["notes"] == report["notes"]


def test_the_record_says_where_it_computed(article):
    compute = json.loads((article[0] / "run.json").read_text())["compute"]
    assert compute == {"device": "cpu", "precision": "fp32", "threads": 1, "processes": 1}


@pytest.mark.parametrize(("option", "given"), [("device", "cuda"), ("device", "mps"), ("precision", "bf16")], ids=str)
def test_another_device_or_precision_is_refused(option, given, tmp_path):
    with pytest.raises(OptionError) as caught:
        api.train("backprop-classifier", output=tmp_path / "run", **QUICK, **{option: given})
    assert str(caught.value) == (
        f"backprop-classifier computes in NumPy, in fp32 on the cpu, and --{option} {given} was given; leave it out."
    )
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_scored_where_it_computes(article):
    assert api.evaluate(article[0], device="cpu", precision="fp32")["value"] == 1.0
    with pytest.raises(OptionError, match="computes in NumPy, in fp32 on the cpu, and --precision bf16 was given"):
        api.evaluate(article[0], precision="bf16")


def test_recipes_of_torch_compute_as_asked():
    class OfTorch:
        name = "of-torch"

    assert asked_of(OfTorch(), device="cuda", precision="bf16") == ("cuda", "bf16")


@pytest.mark.parametrize("recipe", ["backprop-classifier", "backprop-regression"])
def test_it_learns_in_one_process(recipe):
    assert build(recipe, QUICK).processes == ALONE


@pytest.mark.slow
def test_spirals_are_told_apart(tmp_path):
    report = api.train("backprop-classifier", dataset="spirals", threads=1, seed=1, output=tmp_path / "run")
    assert report["value"] >= 0.97
    assert report["baseline"]["value"] < 0.7


@pytest.mark.slow
def test_breast_cancer_is_as_good_as_logistic_regression(tmp_path):
    runs = [api.train("backprop-classifier", threads=1, seed=s, output=tmp_path / str(s)) for s in range(3)]
    assert np.mean([run["value"] for run in runs]) >= runs[0]["baseline"]["value"]


@pytest.mark.slow
def test_diabetes_is_as_good_as_ridge_regression(tmp_path):
    runs = [api.train("backprop-regression", threads=1, seed=s, output=tmp_path / str(s)) for s in range(3)]
    assert np.mean([run["value"] for run in runs]) >= runs[0]["baseline"]["value"] - 0.01


def test_a_plane_is_drawn_as_it_moves(article):
    assert PICTURE in plots(article[0])
    assert (article[0] / PICTURE).read_bytes().startswith(b"\x89PNG")


def test_the_picture_is_the_same_after_a_resume(tmp_path):
    options = {**QUICK, "dataset": "two-moons", "checkpoint_every": 2, "evaluate_every": 3, "seed": 2}
    api.train("backprop-classifier", **options, output=tmp_path / "whole")
    whole, resumed = (build("backprop-classifier", options) for _ in range(2))
    steps(whole, *range(7))
    resumed.learner.load_state_dict(state(whole))
    for assembly in (whole, resumed):
        steps(assembly, *range(7, 13))
    (one,), (other,) = whole.plots(), resumed.plots()
    frames, again = one.draw.args[1], other.draw.args[1]
    assert [updates for updates, _ in frames] == [updates for updates, _ in again] == frame_steps(13)
    for (_, seen), (_, seen_again) in zip(frames, again, strict=True):
        assert np.array_equal(seen, seen_again)
        assert seen.shape == (SIDE * SIDE, 2)
        np.testing.assert_allclose(seen.astype(np.float64).sum(axis=1), 1, atol=2e-3)
    assert PICTURE in plots(tmp_path / "whole")


def table(path, heads, make, rows=90):
    draw = np.random.default_rng(3)
    lines = [heads, *(make(draw, number) for number in range(rows))]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_two_columns_of_one_s_own_with_three_classes_and_gaps_are_drawn(tmp_path):
    def row(draw, number):
        gap = "" if number == 5 else f"{draw.normal() + number % 3:.3f}"
        return f"{draw.normal() * 1000 + 2000 * (number % 3):.1f},{gap},{'abc'[number % 3]}"

    path = table(tmp_path / "own.csv", "weight,height,label", row)
    api.train("backprop-classifier", data=path, **QUICK, output=tmp_path / "run")
    assert PICTURE in plots(tmp_path / "run")


@pytest.mark.parametrize(
    ("heads", "make"),
    [
        ("a,b,c,label", lambda draw, n: f"{draw.normal()},{draw.normal()},{draw.normal()},{n % 2}x"),
        ("a,b,label", lambda draw, n: f"{draw.normal()},{'uvw'[n % 3]},{n % 2}x"),
        ("a,b,label", lambda draw, n: f"{draw.normal()},{draw.normal()},c{n % 9}"),
    ],
    ids=["three columns", "a column of categories", "nine classes"],
)
def test_what_is_no_plane_is_not_drawn(tmp_path, heads, make):
    path = table(tmp_path / "own.csv", heads, make, rows=180)
    assert build("backprop-classifier", {**QUICK, "data": path}).plots() == ()


def test_a_number_is_not_drawn():
    assert build("backprop-regression", QUICK).plots() == ()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_other_optimizers_learn_too(optimizer):
    rate = 0.1 if optimizer == "sgd" else 0.01
    settings = {"dataset": "two-moons", "optimizer": optimizer, "learning_rate": rate, "steps": 150}
    assembly = build("backprop-classifier", settings)
    steps(assembly, *range(150))
    assert assembly.learner.evaluate()["accuracy"] > 0.85
