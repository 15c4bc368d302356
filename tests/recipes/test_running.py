"""A run from its first step to its report: begun, refused, interrupted, gone on with, judged again."""

import csv
import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file

from chainrule import api
from chainrule.errors import (
    DataError,
    Interrupted,
    MemoryShortageError,
    NotFiniteError,
    OptionError,
    ResumeError,
    UnknownNameError,
)
from chainrule.learners.supervised import SupervisedLearner
from chainrule.recipes.mlp_classification import MlpClassification
from chainrule.training.loop import Plan
from tests.recipes.own_tables import classified

RECIPE = "mlp-classification"
QUICK = {"steps": 6, "hidden_sizes": (5,), "batch_size": 32, "threads": 1, "checkpoint_every": 2, "seed": 3}


@pytest.fixture
def told(caplog):
    caplog.set_level("INFO", logger="chainrule")
    return caplog


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A file and a finished run on it, as they were left, and where they are put back for every test."""
    place, kept = tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("kept")
    api.train(RECIPE, data=classified(place / "own.csv"), output=place / "run", **QUICK)
    shutil.copytree(place, kept, dirs_exist_ok=True)
    return place, kept


@pytest.fixture
def own(place):
    place, kept = place
    shutil.rmtree(place)
    shutil.copytree(kept, place)
    return place / "own.csv"


@pytest.fixture
def run(own):
    """A run on the file, finished."""
    return own.parent / "run"


@pytest.fixture
def unfinished(run):
    """A run that was killed after its last step, before its report."""
    (run / "report.json").unlink()
    shutil.rmtree(run / "model")
    return run


def promised(folder):
    return {name: (folder / name).read_bytes() for name in ("metrics.jsonl", "model/model.safetensors")}


def changed_record(folder, **changes):
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_settings_may_be_given_as_python_gives_them(own, tmp_path):
    report = api.train(
        RECIPE, data=str(own), output=str(tmp_path / "run"), **{**QUICK, "hidden_sizes": [5], "learning_rate": 1}
    )
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert (report["steps"], report["run"]) == (6, str(tmp_path / "run"))
    assert record["configuration"]["hidden_sizes"] == [5]
    assert record["options"]["data"] == str(own)


def test_an_unknown_recipe_or_setting_is_told_the_nearest():
    with pytest.raises(
        UnknownNameError, match="no recipe named 'mlp-clasification'; did you mean 'mlp-classification'"
    ):
        api.train("mlp-clasification")
    with pytest.raises(UnknownNameError) as caught:
        api.train(RECIPE, hiden_sizes=(3,))
    assert str(caught.value) == (
        "there is no setting of mlp-classification named 'hiden_sizes'; did you mean 'hidden_sizes'?"
    )


@pytest.mark.parametrize(
    ("recipe", "settings", "error", "sentence"),
    [
        ("sentiment", {"dataset": "digits"}, OptionError, "data set 'digits' holds pictures, this recipe takes text"),
        (
            "image-cnn",
            {"dataset": "diabetes"},
            OptionError,
            "data set 'diabetes' holds table, this recipe takes pictures",
        ),
        (
            RECIPE,
            {"dataset": "digist"},
            UnknownNameError,
            "there is no data set named 'digist'; did you mean 'digits'?",
        ),
        (RECIPE, {"dataset": "diabetes"}, OptionError, "data set 'diabetes' holds numbers to predict"),
        (
            "mlp-regression",
            {"dataset": "breast-cancer"},
            OptionError,
            "data set 'breast-cancer' holds classes to predict",
        ),
        (
            RECIPE,
            {"label_column": "x"},
            OptionError,
            "--label-column is for files of your own; name the file with --data.",
        ),
        (RECIPE, {"data": "nothing.csv"}, DataError, "there is nothing at "),
        (
            RECIPE,
            {"dataset": "breast-cancer", "hidden_sizes": (10**9, 10**9)},
            MemoryShortageError,
            "there is not enough memory for ",
        ),
    ],
)
def test_what_cannot_begin_says_why_and_leaves_nothing(recipe, settings, error, sentence, tmp_path):
    with pytest.raises(error) as caught:
        api.train(recipe, output=tmp_path / "run", **settings)
    assert str(caught.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_too_few_rows_are_told(tmp_path):
    small = classified(tmp_path / "own.csv", rows=2)
    with pytest.raises(
        DataError, match=r"data set 'own.csv' has no example in its \w+ split \(of 2 rows, 0 were left out"
    ):
        api.train(RECIPE, data=small, output=tmp_path / "run")


def test_a_run_killed_before_its_record_begins_again_in_its_folder(own, tmp_path):
    folder = tmp_path / "run"
    (folder / ".partial-run.json-1").mkdir(parents=True)
    (folder / ".lock").touch()
    report = api.train(RECIPE, data=own, output=folder, **QUICK)
    assert report["steps"] == 6
    assert not list(folder.glob(".partial-*"))


def test_a_finished_run_gives_its_report_again(run, told):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert api.resume(run) == json.loads((run / "report.json").read_text())
    assert told.messages == [f"{run} is finished already; this is its report."]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_run_without_its_report_is_judged_again(run, told):
    before, report = promised(run), json.loads((run / "report.json").read_text())
    (run / "report.json").unlink()
    again = api.resume(run)
    assert "going on from step 6 of 6" in told.messages
    assert promised(run) == before
    assert again == report


def test_resume_refuses_data_that_changed(unfinished, own):
    classified(own, rows=201)
    with pytest.raises(ResumeError) as caught:
        api.resume(unfinished)
    assert str(caught.value) == (
        f"the data of {unfinished} have changed since it began (their SHA-256 differs); "
        "restore them, or start a new run."
    )


def test_resume_refuses_data_that_are_gone(unfinished, own):
    own.unlink()
    with pytest.raises(DataError, match=f"there is nothing at {own}; give the path of your data."):
        api.resume(unfinished)


def test_a_moved_run_goes_on_where_it_is(unfinished, tmp_path):
    moved = unfinished.rename(tmp_path / "moved")
    assert api.resume(moved)["run"] == str(moved)
    assert (moved / "model/model.safetensors").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"format": 2, "versions": {"chainrule": "9.9"}},
            "{run} was written in format 2, this version reads format 1; use chainrule 9.9 for it.",
        ),
        (
            {"compute": {"device": "tpu", "precision": "fp32", "threads": 1}},
            "{run} was trained on tpu, which this machine lacks; resume it where there is one.",
        ),
        ({"compute": None}, "{run}/run.json is damaged: it does not say the compute; start the run anew."),
        (
            {"options": {"sed": 1}},
            "the run cannot go on in this version: there is no setting named 'sed'; did you mean 'seed'?",
        ),
    ],
)
def test_resume_refuses_a_record_it_cannot_follow(unfinished, changes, sentence):
    changed_record(unfinished, **changes)
    with pytest.raises(ResumeError) as caught:
        api.resume(unfinished)
    assert str(caught.value) == sentence.format(run=unfinished)


def test_what_is_no_run_is_told(tmp_path, own):
    for place in (tmp_path, own, tmp_path / "nothing"):
        for verb in (api.resume, api.evaluate):
            with pytest.raises(ResumeError) as caught:
                verb(place)
            assert str(caught.value) == (
                f"{place} is not the folder of a run (it has no run.json); "
                "give the folder that `chainrule train` printed."
            )


@pytest.mark.parametrize("moment", ["build", "judge"])
def test_ctrl_c_outside_of_the_steps_loses_nothing(moment, own, tmp_path, monkeypatch):
    folder, whole = tmp_path / "a folder", own.parent / "run"

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(MlpClassification, moment, interrupted)
        if moment == "build":
            with pytest.raises(KeyboardInterrupt):
                api.train(RECIPE, data=own, output=folder, **QUICK)
            assert not folder.exists()
            return
        with pytest.raises(Interrupted) as caught:
            api.train(RECIPE, data=own, output=folder, **QUICK)
    assert str(caught.value) == f"interrupted; go on with: chainrule resume '{folder}'"
    assert caught.value.exit_status == 130
    assert not (folder / "model").exists()
    api.resume(folder)
    assert promised(folder) == promised(whole)


def test_a_loss_that_is_not_finite_stops_with_the_last_good_checkpoint(own, tmp_path, told):
    settings = {**QUICK, "checkpoint_every": 1, "steps": 30, "warmup": 0, "learning_rate": 1e9}
    with pytest.raises(NotFiniteError) as caught:
        api.train(RECIPE, data=own, output=tmp_path / "run", **settings)
    told_step = int(str(caught.value).split()[1])
    assert str(caught.value).endswith(
        "; every checkpoint is from before it. Try a lower learning rate, or clip the gradient more tightly."
    )
    kept = max(int(path.name.removeprefix("step-")) for path in (tmp_path / "run/checkpoints").iterdir())
    assert 0 < kept <= told_step
    assert told.messages[-1] == f"the last good checkpoint is of step {kept}, in {tmp_path / 'run/checkpoints'}."


def test_patience_ends_a_run_that_does_not_improve(own, tmp_path):
    settings = {**QUICK, "steps": 100, "learning_rate": 1e-12, "evaluate_every": 1, "checkpoint_every": 50}
    report = api.train(RECIPE, data=own, output=tmp_path / "run", patience=4, **settings)
    # Nothing is learned at this rate, so the first evaluation stays the best.
    assert report["steps"] == 5
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "validation"] == [1, 2, 3, 4, 5]


def test_the_best_weights_are_kept_and_not_the_last(own, tmp_path, monkeypatch):
    seen = []
    figures = iter([0.5, 0.9, 0.7])

    def evaluate(learner):
        seen.append({name: value.clone() for name, value in learner.model.state_dict().items()})
        value = next(figures)
        return {"loss": 1 - value, "accuracy": value}

    monkeypatch.setattr(SupervisedLearner, "evaluate", evaluate)
    api.train(RECIPE, data=own, output=tmp_path / "run", **{**QUICK, "evaluate_every": 2, "checkpoint_every": 6})
    kept = load_file(tmp_path / "run/model/model.safetensors")
    assert all(kept[name].equal(value) for name, value in seen[1].items())
    assert not all(kept[name].equal(value) for name, value in seen[2].items())


def test_evaluate_maps_classes_by_their_names(run, own, tmp_path, told):
    # The same rows, and a class before the others in the alphabet that no row has.
    text = own.read_text().replace("cat", "zebra").replace("dog", "cat").replace("zebra", "dog")
    (tmp_path / "swapped.csv").write_text(text)
    right, swapped = api.evaluate(run, data=own), api.evaluate(run, data=tmp_path / "swapped.csv")
    assert right["examples"] == swapped["examples"] == 200
    assert right["confusion"]["classes"] == swapped["confusion"]["classes"] == ["cat", "dog"]
    assert right["confusion"]["counts"] == swapped["confusion"]["counts"][::-1]
    assert swapped["value"] == pytest.approx(1 - right["value"])
    assert (right["expected"], right["within_expected"]) == (None, None)
    assert "Read as UTF-8." in told.messages


def test_evaluate_takes_a_file_of_some_of_the_classes(tmp_path):
    three = classified(tmp_path / "three.csv", names=("bird", "cat", "dog"))
    api.train(RECIPE, data=three, output=tmp_path / "run", **QUICK)
    report = api.evaluate(tmp_path / "run", data=classified(tmp_path / "two.csv", rows=7))
    assert report["examples"] == 7
    assert report["confusion"]["classes"] == ["bird", "cat", "dog"]
    assert [sum(row) for row in report["confusion"]["counts"]] == [0, 4, 3]


def test_evaluate_refuses_a_class_that_was_not_taught(run, tmp_path):
    with pytest.raises(DataError) as caught:
        api.evaluate(run, data=classified(tmp_path / "birds.csv", names=("bird", "cat")))
    assert str(caught.value) == (
        f"{tmp_path / 'birds.csv'} holds the class 'bird', which the model was not taught; its classes are: cat, dog."
    )


def test_the_plan_follows_the_options_or_the_length(unfinished):
    plan = json.loads((unfinished / "run.json").read_text())["plan"]
    assert Plan(**{**plan, "selection": None}) == Plan(
        seed=3, steps=6, log_every=1, evaluate_every=5, checkpoint_every=2, patience=None, selection=None
    )


def test_a_rare_class_is_found_when_classes_are_balanced(tmp_path):
    """One row in twenty is of the rare class, and the two overlap: equal weights nearly give it up."""
    draw = np.random.default_rng(1)
    with (tmp_path / "rare.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "label"])
        for number in range(3000):
            rare = number % 20 == 0
            a, b = draw.normal(1.5 * rare), draw.normal(1.5 * rare)
            writer.writerow([f"{a:.5f}", f"{b:.5f}", "rare" if rare else "usual"])
    found = {}
    for weights in ("equal", "balanced"):
        settings = {"steps": 300, "hidden_sizes": (16,), "seed": 1, "threads": 1, "class_weights": weights}
        report = api.train(RECIPE, data=tmp_path / "rare.csv", output=tmp_path / weights, **settings)
        (rare,) = (row for row in report["per_class"] if row["class"] == "rare")
        found[weights] = rare["recall"], report["figures"]["macro_f1"]
    (equal_recall, equal_f1), (recall, f1) = found["equal"], found["balanced"]
    assert recall > max(0.8, equal_recall + 0.4)
    assert f1 > equal_f1 + 0.05
