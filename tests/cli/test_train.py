"""`chainrule train`: the flags of a recipe."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from chainrule import api
from chainrule.training.options import RunOptions
from tests.cli.toy_recipe import Fit, Toy

READ_ON = "`chainrule train toy --help` shows what there is."


@pytest.fixture
def runs(monkeypatch, toys):
    """The recipes and options that were run."""
    made = []

    def run(recipe, options, *, display):
        assert display
        made.append((recipe, options))
        return {"recipe": recipe.name, "value": 0.5}

    monkeypatch.setattr(api, "run", run)
    return made


def test_without_flags_everything_is_as_by_default(call, runs):
    assert call("train", "toy", "--json").status == 0
    assert runs == [(Toy(), RunOptions())]


@pytest.mark.parametrize(
    ("flags", "recipe"),
    [
        (["--width", "3"], Toy(width=3)),
        (["--width=3"], Toy(width=3)),
        (["--width", "2.0"], Toy(width=2)),
        (["--width", "1.e1"], Toy(width=10)),
        (["--shade", "dark"], Toy(shade="dark")),
        (["--no-both-ways"], Toy(both_ways=False)),
        (["--both-ways"], Toy(both_ways=True)),
        (["--word-list", "words.txt"], Toy(word_list=Path("words.txt"))),
        (["--columns", "a", "--columns", "b"], Toy(columns=("a", "b"))),
        (["--columns", "a", "b", "--width", "3"], Toy(columns=("a", "b"), width=3)),
        (["--limit", "1e-3"], Toy(limit=0.001)),
        (["--limit", "None"], Toy(limit=None)),
        (["--sizes", "7", "11", "13"], Toy(sizes=(7, 11, 13))),
        (["--sizes", "7", "11.0"], Toy(sizes=(7, 11))),
        (["--turns", "7", "11.0"], Toy(turns=[7, 11])),
        (["--rate", "0.25"], Toy(fit=Fit(rate=0.25))),
        (["--rounds", "5"], Toy(fit=Fit(rate=0.5, rounds=5))),
    ],
)
def test_the_recipes_fields_are_flags(call, runs, flags, recipe):
    assert call("train", "toy", *flags, "--json").errors == ""
    assert runs == [(recipe, RunOptions())]


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (["--seed", "7"], RunOptions(seed=7)),
        (["--seed", "9007199254740993.0"], RunOptions(seed=2**53 + 1)),  # a float holds no such number
        (["--data", "own.csv"], RunOptions(data=Path("own.csv"))),
        (["--dataset", "digits", "--steps", "11"], RunOptions(dataset="digits", steps=11)),
        (["--device", "cpu", "--precision", "bf16"], RunOptions(device="cpu", precision="bf16")),
        (["--output", "runs/一"], RunOptions(output=Path("runs/一"))),
    ],
)
def test_the_runs_options_are_flags(call, runs, flags, options):
    assert call("train", "toy", *flags, "--json").errors == ""
    assert runs == [(Toy(), options)]


def test_the_report_is_printed(call, runs, monkeypatch):
    report = SimpleNamespace(render_text=lambda report, **_: f"{report['recipe']}: {report['value']}\n")
    monkeypatch.setitem(sys.modules, "chainrule.evaluation.text", report)
    assert call("train", "toy") == (0, "toy: 0.5\n", "")
    assert call("train", "toy", "--json") == (0, '{\n  "recipe": "toy",\n  "value": 0.5\n}\n', "")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--widht", "3"],
            "unknown option: --widht. Did you mean --width? `chainrule train toy --help` shows what there is.",
        ),
        (
            ["--sed", "3"],
            "unknown option: --sed. Did you mean --seed? `chainrule train toy --help` shows what there is.",
        ),
        (["--width", "0"], "--width is 0; it must be from 1 to 64."),
        (["--seed", "-1"], "--seed is -1; it must be at least 0."),
        (
            ["--data", "a.csv", "--dataset", "digits"],
            "--dataset and --data exclude each other: give the name or your own file, not both.",
        ),
        (
            ["--width", "wide"],
            (
                'invalid value for --width: unable to convert "wide" into int. '
                "`chainrule train toy --help` shows what there is."
            ),
        ),
        *(
            (
                [flag, *words],
                f'invalid value for {flag}: "{words[-1]}" is no whole number. {READ_ON}',
            )
            for flag, *words in (
                ("--width", "2.5"),
                ("--seed", "9007199254740992.5"),
                ("--steps", "2.5"),
                ("--sizes", "3", "2.5"),
                ("--turns", "3", "2.5"),
                ("--rounds", "1.0e-5"),
            )
        ),
        *(
            (
                [f"--width={word}"],
                f'invalid value for --width: unable to convert "{word}" into int. {READ_ON}',
            )
            for word in ("1.0e999", "1.0e-999999999999999999999", "nan.", "a.b", "inf")
        ),
        (
            ["--shade", "drak"],
            (
                'invalid value "drak" for --shade. Choose from: "light", "dark". Did you mean "dark"? '
                "`chainrule train toy --help` shows what there is."
            ),
        ),
        (
            ["--width"],
            (
                'command "train toy" parameter --width requires an argument. '
                "`chainrule train toy --help` shows what there is."
            ),
        ),
        (["more"], "there is no place for 'more'. `chainrule train toy --help` shows what there is."),
    ],
)
def test_a_wrong_flag_is_told_what_is_right(call, runs, flags, sentence):
    assert call("train", "toy", *flags) == (2, "", f"chainrule: {sentence}\n")
    assert runs == []


def test_an_unknown_recipe_is_told_the_nearest(call, toys):
    assert call("train", "tyo") == (2, "", "chainrule: there is no recipe named 'tyo'; did you mean 'toy'?\n")


@pytest.mark.parametrize("arguments", [[], ["--seed", "1", "toy"], ["--json", "toy"]])
def test_the_recipe_comes_first(call, toys, arguments):
    assert call("train", *arguments) == (
        2,
        "",
        (
            "chainrule: train needs a recipe's name before all options: chainrule train RECIPE [OPTIONS]; "
            "`chainrule list` shows the recipes.\n"
        ),
    )


def test_a_recipe_may_not_have_what_every_run_has(call, toys):
    assert call("train", "clash") == (
        2,
        "",
        "chainrule: the recipe clash has a field 'steps', and so has every run; rename the recipe's.\n",
    )


def test_a_field_without_a_default_is_a_flag_that_must_be_given(call, toys):
    assert call("train", "terse") == (
        2,
        "",
        (
            'chainrule: command "train terse" parameter --width requires an argument. '
            "`chainrule train terse --help` shows what there is.\n"
        ),
    )


@pytest.mark.parametrize("arguments", [("train", "--help"), ("train", "-h"), ("--help", "train")])
def test_help_without_a_recipe_lists_the_recipes(call, toys, arguments):
    # One of them cannot be imported, and none is.
    assert call(*arguments).output == (
        "Usage: chainrule train RECIPE [OPTIONS]\n"
        "\n"
        "Train a recipe, judge the result and keep the model.\n"
        "\n"
        "Recipes:\n"
        "  clash    a clash\n"
        "  missing  never imported\n"
        "  terse    says little\n"
        "  toy      a toy\n"
        "\n"
        "chainrule train RECIPE --help shows the options of a recipe.\n"
    )


def test_help_of_a_recipe(call, toys):
    status, page, errors = call("train", "toy", "--help")
    assert (status, errors) == (0, "")
    head, run, own = page.split("\n\nRun:\n")[0], *page.split("\n\nRun:\n")[1].split("\n\nModel and training:\n")
    assert head == "Usage: chainrule train toy [OPTIONS]\n\nLearns nothing.\n\nIt is here for its flags."
    assert "  --seed INT              Seed of every random draw, ≥ 0. [default: 0]\n" in run
    assert "  --json  " in run
    assert own == (
        "  --width INT                 Of the layer, from 1 to 64. [default: 8]\n"
        "  --shade CHOICE              How it looks. [choices: light, dark] [default:\n"
        "                              light]\n"
        "  --both-ways --no-both-ways  Whether it is read backwards too. [default: True]\n"
        "  --word-list PATH            A file of words.\n"
        "  --columns STR...            Which columns are left out.\n"
        "  --sizes INT...              Of the layers. [default: (3, 5)]\n"
        "  --turns INT...              Which are taken. [default: []]\n"
        "  --limit FLOAT               Largest value. [default: 1.0]\n"
        "  --rate FLOAT                Of learning, > 0. [default: 0.5]\n"
        "  --rounds INT                How often. [default: 3]\n"
    )


def test_a_recipe_that_is_not_described_shows_its_summary(call, toys):
    assert call("train", "terse", "--help").output.startswith(
        "Usage: chainrule train terse --width INT [OPTIONS]\n\nsays little\n\n"
    )


def test_every_recipe_has_a_help_page_and_every_flag_is_explained(call):
    from chainrule import recipes

    for name in recipes.BUILT_IN:
        status, page, errors = call("train", name, "--help")
        assert (status, errors) == (0, "")
        for line in page.splitlines():
            if line.startswith("  --"):
                assert len(line.split("  ", 2)[-1].strip()) > 10, f"{name}: {line}"
