"""`maze-dqn`: what its settings mean, which mazes it learns and is judged on, and its whole way on small ones."""

import json

import numpy as np
import pytest

import chainrule
from chainrule.errors import DataError, OptionError, UnknownNameError
from chainrule.recipes.maze_agents import JUDGED, WATCHED, lessons, tasks_of
from chainrule.recipes.maze_dqn import MazeDqn
from chainrule.recipes.settings import make
from tests.crash.small_runs import SMALL_MAZES, VECTORS
from tests.recipes.building import build

COMMON = {"threads": 1, "seed": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maze") / "run"
    return folder, chainrule.train("maze-dqn", **COMMON, **SMALL_MAZES, output=folder)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_steps": 3}, "--n-steps is for --algorithm dqn; leave it out."),
        ({"target_network": False}, "--target-network is for --algorithm dqn; leave it out."),
        ({"algorithm": "dqn", "trace": 0.5}, "--trace is for --algorithm pqn; leave it out."),
        ({"environment": "CartPole-v1", "rows": 5}, "--rows is for --environment chainrule/Maze-v0; leave it out."),
        (
            {"hidden_sizes": (5, 7)},
            "--hidden-sizes must give one size in mazes, whose network has one hidden layer.",
        ),
        (
            {"fixed_maze": 3, "mazes": 5},
            "--mazes counts those learned from, and --fixed-maze names the only one; leave one out.",
        ),
        (
            {"algorithm": "dqn", "target_network": False, "target_every": 9},
            "--target-every is for a target network; leave it out.",
        ),
        (
            {"algorithm": "dqn", "target_network": False, "double": False},
            "--no-double is for a target network, since without there is one network; leave it out.",
        ),
        (
            {"exploration": 0.3, "exploration_end": 0.3, "exploration_share": 0.9},
            "--exploration-share is for an exploration that changes; leave it out.",
        ),
        (
            {"exploration": 0.5, "exploration_share": 0.9},
            "--exploration-share is for an exploration that changes; leave it out.",
        ),
        ({"trace": 0.0, "cut_traces": False}, "--cut-traces is for a --trace above 0; leave it out."),
        ({"columns": 97}, "--columns is 97; it must be from 2 to 96."),
        ({"reward_scale": 0.5}, "--reward-scale is for other environments than mazes; leave it out."),
        ({"rows": 1}, "--rows is 1; it must be from 2 to 96."),
        ({"discount": 1.5}, "--discount is 1.5; it must be from 0 to 0.999."),
    ],
)
def test_settings_that_do_nothing_or_are_out_of_range_are_refused(settings, sentence):
    with pytest.raises(OptionError) as error:
        make(MazeDqn, settings)
    assert str(error.value) == sentence


def test_no_maze_that_is_learned_from_is_judged_on():
    recipe = make(MazeDqn, {"rows": 4, "columns": 4, "mazes": 3000})
    apart = {
        maze.tobytes()
        for which, n in (("test", JUDGED), ("validation", WATCHED))
        for maze in tasks_of(recipe, which, n).walls
    }
    learned = lessons(recipe, 3)
    assert not apart & {maze.tobytes() for maze in learned.walls}
    assert learned.left_out > 0
    assert learned.left_out + len(learned.walls) == 3000
    assert not np.array_equal(lessons(recipe, 4).walls[:9], learned.walls[:9])
    data = build("maze-dqn", {"rows": 4, "columns": 4, "mazes": 3000, "steps": 1}, seed=3).data
    count = learned.left_out
    assert data["notes"] == [
        f"{count} of 3,000 training mazes were left out: they equal one that is set apart for evaluation or test."
    ]


@pytest.mark.parametrize(
    ("changes", "taken_as_one"),
    [
        ({}, 3),
        ({"n_steps": 1}, 1),
        ({"environment": "LineWalk-v0"}, 1),
        ({"environment": "LineWalk-v0", "n_steps": 2}, 2),
    ],
)
def test_how_many_steps_are_taken_as_one(changes, taken_as_one):
    settings = {"environment": "LineWalk-v0"} if "environment" in changes else SMALL_MAZES
    learner = build("maze-dqn", {**settings, "algorithm": "dqn", "steps": 1, **changes}).learner
    assert learner.replay.steps == taken_as_one


def test_where_no_maze_is_left_there_is_nothing_to_learn():
    with pytest.raises(
        OptionError, match="all 50 mazes of 2 x 2 cells are among those set apart for the test; take more"
    ):
        build("maze-dqn", {"rows": 2, "columns": 2, "mazes": 50, "steps": 1})


def test_epsilon_falls_along_a_line():
    exploring = make(MazeDqn, {"exploration_end": 0.2, "exploration_share": 0.5}).exploring
    found = [round(exploring.epsilon(step, 100, mazes=True), 6) for step in (0, 25, 50, 99)]
    assert found == [1, 0.6, 0.2, 0.2]
    assert [MazeDqn().exploring.epsilon(step, 100, mazes=True) for step in (0, 99)] == [1, 0.5]
    assert MazeDqn().exploring.epsilon(99, 100, mazes=False) == pytest.approx(0.05)


def test_the_report_of_mazes(run):
    folder, report = run
    assert report["metric"] == "solved"
    assert report["higher_is_better"]
    assert report["mazes"] == report["examples"] == JUDGED
    assert 0 <= report["shortest"] == report["figures"]["shortest"] <= report["value"] <= 1
    assert report["environment_steps_per_second"] > 0
    assert report["baseline"]["name"] == "random walk"
    assert report["unit"] == "mazes"
    assert {"solved_larger", "shortest_larger", "detour"} <= report["figures"].keys()
    assert any("keeps a hand on the wall solves 1.000 of these mazes" in note for note in report["notes"])
    for name in ("values.png", "learning-curve.png", "training.gif", "walk.gif"):
        assert (folder / name).stat().st_size > 500, name
    record = json.loads((folder / "run.json").read_text())
    assert record["compute"]["precision"] == "fp32"
    assert record["data"]["mazes"]["test"] == JUDGED


def test_it_is_judged_again_alike(run):
    folder, report = run
    again = chainrule.evaluate(folder)
    assert (again["value"], again["shortest"]) == (report["value"], report["shortest"])
    with pytest.raises(
        OptionError, match="maze-dqn is judged in its environment, which needs no data; leave out --data."
    ):
        chainrule.evaluate(folder, data=folder / "run.json")


def test_the_model_goes_through_a_maze(run, tmp_path):
    folder, _ = run
    path = tmp_path / "maze.txt"
    path.write_text("#####\n#A..#\n###.#\n#G..#\n#####\n")
    answer = chainrule.predict(folder, [str(path)])[0]
    assert answer["shortest"] == 6
    assert answer["steps"] == len(answer["path"])
    assert chainrule.predict(folder, data=path) == [answer]


def test_a_run_that_began_with_other_mazes_is_not_judged(run, monkeypatch):
    folder, _ = run
    monkeypatch.setattr("chainrule.recipes.maze_agents.SET_APART", {"test": 5, "validation": 6, "larger": 7})
    with pytest.raises(DataError, match="the mazes are not those that the run began with"):
        chainrule.evaluate(folder)


def test_a_fixed_maze_is_the_only_one(tmp_path):
    settings = {name: value for name, value in SMALL_MAZES.items() if name != "mazes"}
    report = chainrule.train("maze-dqn", **COMMON, **settings, fixed_maze=7, output=tmp_path / "run")
    assert report["mazes"] == 1
    recipe = make(MazeDqn, {"rows": 4, "columns": 5, "fixed_maze": 7})
    task = tasks_of(recipe, "test", JUDGED)
    assert np.array_equal(task.walls, lessons(recipe, 3).walls)
    assert divmod(int(task.starts[0]), 11) == (1, 1)
    assert divmod(int(task.goals[0]), 11) == (7, 9)


@pytest.mark.parametrize(
    "changes", [{"environment": "CartPole-v1"}, {"environment": "LineWalk-v0", "algorithm": "dqn"}]
)
def test_other_environments_are_judged_by_the_mean_return(changes, tmp_path):
    report = chainrule.train("maze-dqn", **COMMON, **VECTORS, **changes, output=tmp_path / "run")
    assert report["metric"] == "mean_return"
    assert report["unit"] == "episodes"
    assert report["examples"] == 100
    assert report["baseline"]["name"] == "any action, all alike"
    assert report["environment_steps_per_second"] > 0
    model = chainrule.load(tmp_path / "run")
    answer = model.predict([model.example()])[0]
    assert answer["label"] in {"left", "right"}
    assert chainrule.evaluate(tmp_path / "run")["value"] == report["value"]


def test_the_length_of_the_run_is_said_once():
    with pytest.raises(OptionError, match="^--steps and --actions both say how long the run is; give one of them.$"):
        build("maze-dqn", {**SMALL_MAZES, "actions": 1000})


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ("Pendulum-v1", "the actions of Pendulum-v1 are"),
        ("CartPol-v1", "there is no environment named 'CartPol-v1'; did you mean 'CartPole-v1'?"),
    ],
)
def test_environments_that_will_not_do_are_refused(environment, sentence):
    with pytest.raises((OptionError, UnknownNameError), match=sentence):
        build("maze-dqn", {"environment": environment, "steps": 1})


def test_bfloat16_is_refused(tmp_path):
    with pytest.raises(OptionError, match="maze-dqn computes in fp32, and --precision bf16 was given; leave it out."):
        chainrule.train("maze-dqn", **SMALL_MAZES, precision="bf16", output=tmp_path / "run")


@pytest.mark.slow
def test_cartpole_is_learned(tmp_path):
    report = chainrule.train("maze-dqn", environment="CartPole-v1", **COMMON, output=tmp_path / "run")
    assert report["value"] >= 475
