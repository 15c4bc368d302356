"""Mazes as text: what is understood, what is refused, and ways through them."""

import numpy as np
import pytest
import torch

from chainrule.environments.maze import Maze
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.maze_texts import read_maze, read_mazes
from chainrule.inference.mazes import MazePredictor, maze_values
from chainrule.models.folder import ModelConfig
from chainrule.models.q_network import VectorQNetwork
from chainrule.models.value_iteration import ValueIteration
from chainrule.runtime.devices import Compute

COMPUTE = Compute(device="cpu", precision="fp32", threads=1)
SMALL = "#####\n#A..#\n###.#\n#G..#\n#####"


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    torch.manual_seed(0)
    network = ValueIteration(lowest=-1.0, discount=0.9, hidden_size=7)
    config = ModelConfig(
        family="q-value-iteration", arguments={}, task="maze-reinforcement-learning", recipe="maze-dqn"
    )
    return MazePredictor(tmp_path_factory.mktemp("model"), network, config, COMPUTE)


def test_both_ways_of_writing_a_maze_are_the_same():
    maze = Maze(rows=2, columns=3, render_mode="ansi")
    maze.reset(seed=3)
    wide = read_maze(maze.render(), "it")
    narrow = "\n".join(line[::2].replace("█", "#") for line in maze.render().splitlines())
    for one, two in zip(wide, read_maze(narrow, "it"), strict=True):
        assert np.array_equal(one, two)
    assert np.array_equal(wide.walls[0], maze.walls)
    assert divmod(int(wide.starts[0]), 7) == maze.agent
    assert divmod(int(wide.goals[0]), 7) == maze.goal


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("#.\n##", "it has 2 x 2 squares; a maze has at least 3 x 3, and at most 250,000 in all."),
        ("", "it has 0 x 0 squares; a maze has at least 3 x 3, and at most 250,000 in all."),
        (SMALL.replace("#A..#", "#A.#"), "line 2 of it is 4 squares long, not 5."),
        (
            SMALL.replace("..#\n###", "x.#\n###"),
            "it holds 'x'; a maze is made of # or █, blanks or dots, one A and one G.",
        ),
        (SMALL.replace("#A..#", "#A..."), "it is open at its edge; put a wall, # or █, all around it."),
        (SMALL.replace("A", "."), "it has 0 squares marked A; mark the one of the agent."),
        (SMALL.replace("#G.", "#GG"), "it has 2 squares marked G; mark the one of the goal."),
    ],
)
def test_what_is_no_maze_is_refused(text, sentence):
    with pytest.raises(DataError) as error:
        read_maze(text, "it")
    assert str(error.value) == sentence


def test_a_file_may_hold_several(tmp_path):
    path = tmp_path / "mazes.txt"
    path.write_text(f"\n{SMALL}\n\n\n{SMALL}\n")
    assert list(read_mazes(path)) == [SMALL, SMALL]


def test_the_way_is_what_the_values_say(predictor, tmp_path):
    table = torch.zeros(1, 25, 4)
    for square, action in ((6, 1), (7, 1), (8, 2), (13, 2), (18, 3), (17, 3)):
        table[0, square, action] = 1
    predictor.network.forward = lambda _: table
    path = tmp_path / "maze.txt"
    path.write_text(SMALL)
    solved = {"path": "RRDDLL", "solved": True, "steps": 6, "shortest": 6}
    assert predictor.predict([SMALL, path, str(path)]) == [solved] * 3
    table[0, 18] = torch.tensor([1.0, 0, 0, 0])  # up again
    answer = predictor.predict([SMALL])[0]
    assert answer["path"].startswith("RRDDUDUD")
    assert not answer["solved"]
    walled = SMALL.replace("###.#", "#####")
    assert predictor.predict([walled])[0]["shortest"] is None
    del predictor.network.forward


def test_an_untrained_network_answers_too(predictor):
    answer = predictor.predict([predictor.example()])[0]
    assert answer.keys() == {"path", "solved", "steps", "shortest"}
    assert set(answer["path"]) <= set("URDL")


def test_what_is_no_input_is_refused(predictor, tmp_path):
    with pytest.raises(DataError, match="input 2 is int; this model takes mazes as text, or their files."):
        predictor.predict([SMALL, 7])
    two = tmp_path / "two.txt"
    two.write_text(f"{SMALL}\n\n{SMALL}")
    with pytest.raises(DataError, match="two.txt holds 2 mazes; give it as --data, or a file with one."):
        predictor.predict([str(two)])


def test_other_networks_are_refused(tmp_path):
    config = ModelConfig(family="q-vector", arguments={}, task="maze-reinforcement-learning", recipe="maze-dqn")
    other = VectorQNetwork(input_size=3, hidden_sizes=(5,), actions=4)
    with pytest.raises(ModelFolderError, match="holds a 'q-vector', which is no network for mazes."):
        MazePredictor(tmp_path, other, config, COMPUTE)


def test_values_come_in_parts_as_in_one(monkeypatch):
    torch.manual_seed(1)
    network = ValueIteration(lowest=-1.0, discount=0.9, hidden_size=7)
    scenes = np.concatenate([read_maze(SMALL, "it").scenes()] * 5)
    whole = maze_values(network, scenes, COMPUTE)
    monkeypatch.setattr("chainrule.inference.mazes.AT_ONCE", 50)
    np.testing.assert_allclose(maze_values(network, scenes, COMPUTE), whole, rtol=1e-4, atol=1e-6)
