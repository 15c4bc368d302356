"""A table answers with actions; a damaged folder is told."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from chainrule import api
from chainrule.errors import DataError, ModelFolderError
from chainrule.models.action_table import action_table
from chainrule.models.folder import seal


@pytest.fixture(scope="module")
def run(trained):
    return trained("q-learning")


def test_the_best_action_of_a_state_and_what_every_one_is_worth(run):
    tensors = load_file(run / "model/model.safetensors")
    table, visits = tensors["values"], tensors["visits"]
    assert table.shape == (16, 4)
    answers = api.predict(run, ["14", 0, np.int64(3)])
    for state, answer in zip((14, 0, 3), answers, strict=True):
        names = ["left", "down", "right", "up"]
        assert answer["values"] == dict(zip(names, table[state].tolist(), strict=True))
        assert answer["label"] == names[table[state].argmax()]
        assert answer["value"] == table[state].max()
        assert answer["tried"] == visits[state].sum()
    assert answers[0]["tried"] > 0
    assert api.predict(run, [15])[0]["tried"] == 0  # the goal, where an episode ends


def test_a_file_of_states(run, tmp_path):
    (tmp_path / "states.txt").write_text("3\n14\n")
    assert api.predict(run, data=tmp_path / "states.txt") == api.predict(run, [3, 14])


@pytest.mark.parametrize(
    ("given", "shown"),
    [(16, "'16'"), (-1, "'-1'"), ("left", "'left'"), (2.0, "float"), (True, "bool"), (None, "NoneType"), ("", "''")],
)
def test_what_is_no_state_is_refused(run, given, shown):
    with pytest.raises(DataError) as caught:
        api.load(run).predict([1, given])
    assert str(caught.value) == f"input 2 is {shown}; the number of a state, from 0 to 15, was needed."


def test_the_example_is_a_state(run):
    model = api.load(run)
    assert model.example() == "8"
    assert model.predict([model.example()])
    assert "chainrule predict run/model 8" in (run / "model/README.md").read_text()


def damaged(run, folder, *, weights=None, config=None):
    shutil.copytree(run / "model", folder)
    if weights:
        tensors = {name: values.copy() for name, values in load_file(folder / "model.safetensors").items()}
        weights(tensors)
        save_file(tensors, folder / "model.safetensors")
    if config:
        described = json.loads((folder / "config.json").read_text())
        config(described)
        (folder / "config.json").write_text(json.dumps(described))
    seal(folder)
    return folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weights": lambda held: held["values"].__setitem__((3, 1), np.nan)}, "holds values that are not finite"),
        ({"config": lambda told: told["id2label"].pop("3")}, "does not name each of its actions"),
        ({"config": lambda told: told.update(id2label=None)}, "does not name each of its actions"),
        ({"config": lambda told: told["arguments"].update(states=10**12)}, "does not fit config.json"),
        ({"config": lambda told: told["arguments"].update(actions=-1)}, "a table of 16 states and -1 actions is none"),
        ({"config": lambda told: told["arguments"].update(states="many")}, "does not fit config.json"),
        ({"config": lambda told: told.update(task="tabular-classification")}, "preprocessor_config.json"),
    ],
)
def test_a_damaged_folder_is_told_in_a_sentence(run, tmp_path, change, sentence):
    with pytest.raises(ModelFolderError, match=sentence):
        api.load(damaged(run, tmp_path / "model", **change))


def test_a_network_is_no_table(trained, tmp_path):
    folder = damaged(
        trained("backprop-classifier"),
        tmp_path / "model",
        config=lambda told: told.update(task="tabular-reinforcement-learning"),
    )
    with pytest.raises(ModelFolderError, match="holds a 'perceptron', which is no table of actions"):
        api.load(folder)


def test_an_empty_table_knows_nothing():
    table = action_table(states=7, actions=3, generator=np.random.default_rng(0))
    assert table(np.array([2, 5])).tolist() == [[0.0] * 3] * 2
    assert {name: array.shape for name, array in table.state_dict().items()} == {"values": (7, 3), "visits": (7, 3)}
