"""`chainrule compare-gradients`: the table, the marked line, the sentence, the JSON."""

import json
import re

import numpy as np
import pytest

from chainrule import api
from tests.cli import schemas
from tests.learners.test_lockstep import broken

CALL = ("compare-gradients", "mlp-classification", "--hidden-sizes", "5", "3", "--batch-size", "11")


def test_networks_that_agree(call):
    status, output, errors = call(*CALL)
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert lines[0].split() == ["LAYER", "KIND", "SHAPE", "VALUES", "GRADIENTS", "PARAMETERS'", "GRADIENTS"]
    assert lines[1].split()[:5] == ["hidden.0", "Linear", "11", "×", "5"]
    assert len(re.findall(r"\d\.\de-\d\d \(\de-\d\d\)", lines[1])) == 3
    assert lines[8].split()[:2] == ["loss", lines[8].split()[1]]
    assert lines[-1] == "All 8 layers agree: no share is above 1e-10."
    assert "mlp-classification on breast-cancer: a batch of 11, in fp64, seed 0." in lines
    assert "◄" not in output


def test_the_first_difference_is_marked_and_named(call, monkeypatch):
    broken(monkeypatch, "gelu", 1, lambda values: 1.01 * values)
    status, output, errors = call(*CALL)
    assert status == 1
    assert [line.split()[0] for line in output.splitlines() if line.endswith("◄ the first difference")] == ["hidden.4"]
    assert errors.startswith(
        "chainrule: all values agree, and the first wrong gradient is the one that hidden.4 (GELU) passes back to its "
        "input, off by "
    )
    assert "layers agree" not in output


def test_the_marked_line_is_coloured_on_a_terminal(call, monkeypatch):
    broken(monkeypatch, "gelu", 1, lambda values: values * np.nan)
    monkeypatch.setattr("chainrule.cli.train.terminal_colours", lambda: True)
    (line,) = [line for line in call(*CALL).output.splitlines() if "◄" in line]
    assert line.startswith("\x1b[1;31mhidden.4")
    assert line.endswith("◄ the first difference\x1b[0m")


@pytest.mark.parametrize("wrong", [None, lambda values: 1.01 * values, lambda values: values * np.nan])
def test_json(call, monkeypatch, wrong):
    if wrong:
        broken(monkeypatch, "linear", 2, wrong)
    status, output, errors = call(*CALL, "--precision", "fp32", "--seed", "2", "--json")
    found = json.loads(output)
    schemas.check(found, schemas.COMPARISON)
    assert (status, found["agrees"], bool(errors)) == ((1, False, True) if wrong else (0, True, False))
    assert (found["precision"], found["seed"], found["examples"]) == ("fp32", 2, 11)
    assert found["fault"] is None or (found["fault"]["layer"], found["fault"]["what"]) == ("output", "weight")
    assert list(found["layers"][0]["parameters"]) == ["weight", "bias"]


def test_a_recipe_without_a_twin(call):
    status, output, errors = call("compare-gradients", "sentiment")
    assert (status, output) == (2, "")
    assert errors.startswith("chainrule: sentiment has no twin on our autograd; the recipes that have one are ")


def test_wrong_calls(call):
    assert call("compare-gradients").errors == (
        "chainrule: compare-gradients needs a recipe's name before all options: chainrule compare-gradients RECIPE "
        "[OPTIONS]; `chainrule list` shows the recipes.\n"
    )
    assert call("compare-gradients", "mlp-classification", "--precision", "bf16").status == 2
    sentence = (
        'chainrule: invalid value for --batch-size: "2.5" is no whole number. '
        "`chainrule compare-gradients mlp-classification --help` shows what there is.\n"
    )
    assert call("compare-gradients", "mlp-classification", "--batch-size", "2.5") == (2, "", sentence)


def test_the_help_has_the_flags_of_the_recipe(call):
    page = call("compare-gradients", "image-cnn", "--help").output
    assert {"--network", "--widths", "--seed", "--batch-size", "--precision", "--json"} <= set(page.split())
    assert "--steps" not in page
    assert "image-cnn" in call("compare-gradients", "--help").output


def test_what_is_asked_of_the_api(call, monkeypatch):
    asked = []

    def compare(recipe, **settings):
        asked.append((recipe, settings))
        return {"agrees": True}

    monkeypatch.setattr(api, "compare_gradients", compare)
    flags = ("--dropout", "0.5", "--batch-size", "11.0")
    call("compare-gradients", "mlp-regression", "--dataset", "diabetes", *flags, "--json")
    (recipe, settings) = asked[0]
    assert recipe == "mlp-regression"
    given = {name: settings[name] for name in ("dataset", "dropout", "precision", "batch_size") if name in settings}
    assert given == {"dataset": "diabetes", "dropout": 0.5, "batch_size": 11}
