"""The command line called in this process, and a recipe to train."""

from typing import NamedTuple

import pytest

from chainrule import recipes
from chainrule.cli import main


class Outcome(NamedTuple):
    """What a call left behind."""

    status: int
    output: str
    errors: str


@pytest.fixture
def call(capsys, monkeypatch):
    """Calls the program; the result of `chainrule list --json` is `call("list", "--json")`."""

    monkeypatch.setenv("COLUMNS", "80")  # a help page is as wide as the terminal

    def called(*arguments):
        status = main(arguments)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return called


@pytest.fixture
def toys(monkeypatch):
    """Recipes that are known for the time of the test."""
    monkeypatch.setattr(
        recipes,
        "BUILT_IN",
        {
            "clash": recipes.Entry("tests.cli.toy_recipe:Clash", "a clash", "digits"),
            "missing": recipes.Entry("tests.cli.no_such_module:Missing", "never imported", "digits"),
            "terse": recipes.Entry("tests.cli.toy_recipe:Terse", "says little", "digits"),
            "toy": recipes.Entry("tests.cli.toy_recipe:Toy", "a toy", "digits"),
        },
    )
