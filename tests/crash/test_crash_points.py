"""Whatever moment a run dies at, resumed it ends with the same bytes."""

import json

import pytest

from tests.crash.jobs import KILLED, in_child
from tests.crash.small_runs import recipe_in, small_runs

RECIPES = (
    "sentiment",
    "mlp-regression",
    "image-cnn",
    "sequence-lstm",
    "mlp-classification",
    "backprop-classifier",
    "backprop-regression",
    "gan",
    "image-cnn, fast",
    "attention-text",
    "attention-text, additive",
    "transformer-text",
    "bert-classify",
    "gan, conditional",
    "q-learning",
    "q-learning, stepped",
    "maze-dqn",
    "maze-dqn, replay",
    "maze-dqn, at once",
    "maze-dqn, alone",
)
SAMPLED = 7  # crash points of each recipe, spread over the whole run and shifted from recipe to recipe


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return small_runs(tmp_path_factory.mktemp("data"))


def promised(output):
    """The bytes that may not depend on what happened."""
    drawn = [path.relative_to(output) for path in sorted(output.glob("samples/*")) + sorted(output.glob("*.gif"))]
    return {name: (output / name).read_bytes() for name in ("metrics.jsonl", "model/model.safetensors", *drawn)}


@pytest.mark.parametrize("name", RECIPES)
def test_killed_at_any_file_it_resumes_to_the_same_bytes(name, runs, tmp_path):
    recipe, settings, counted = recipe_in(name), runs[name], tmp_path / "count.json"
    # The first run also converts the data, so it is the second that tells how many points there are.
    for run in ("first", "whole"):
        assert in_child(recipe, settings, tmp_path / run, None, counted) == 0
    assert promised(tmp_path / "first") == promised(tmp_path / "whole")
    points = json.loads(counted.read_text())
    assert points > 50, "a run changes more files than that"
    whole = promised(tmp_path / "whole")
    first = 1 + RECIPES.index(name)
    for at in range(first, points + 1, max(1, points // SAMPLED)):
        output = tmp_path / f"killed-{at}"
        assert in_child(recipe, settings, output, at, counted) == KILLED, f"point {at} was not reached"
        assert in_child(recipe, settings, output, None, counted) == 0, f"killed at point {at}, it did not go on"
        assert promised(output) == whole, f"killed at point {at}"
        assert json.loads((output / "report.json").read_text())["steps"] == 13
        assert not list(output.rglob(".partial-*")), f"killed at point {at}, something is left behind"
