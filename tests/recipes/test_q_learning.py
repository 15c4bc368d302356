"""The recipe: what it finds, what it reports, what it refuses, and what comes back."""

import json
import shutil
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from chainrule import api
from chainrule.environments.opening import open_environment
from chainrule.environments.transition_model import transition_model
from chainrule.errors import DataError, OptionError, ResumeError, UnknownNameError
from chainrule.evaluation.band import Band
from chainrule.evaluation.bands import give_verdict
from chainrule.evaluation.optimality import Truth, judge_optimality
from chainrule.evaluation.plots import render_png
from chainrule.evaluation.returns import mean_interval
from chainrule.evaluation.value_map import draw_action_values
from chainrule.recipes.q_learning import QLearning
from chainrule.recipes.record import band_setting
from chainrule.training.options import RunOptions
from tests.recipes.building import build

FOUR = ("LineWalk-v0", "FrozenLake-v1", "CliffWalking-v1", "Taxi-v4")


@pytest.fixture
def registered():
    """Makes environments known to Gymnasium for one test."""
    names = set()

    def register(name, kind):
        gymnasium.registry.pop(name, None)
        gymnasium.register(id=name, entry_point=kind, max_episode_steps=30)
        names.add(name)

    yield register
    for name in names:
        gymnasium.registry.pop(name)


@pytest.mark.parametrize("name", FOUR)
def test_the_greedy_policy_is_the_best_one_after_half_of_the_actions(name):
    assembly = build("q-learning", {"environment": name, "actions": 4_000_000, "seed": 3})
    for step in range(assembly.steps):
        assembly.learner.step(step)
    figures = assembly.learner.evaluate()
    assert figures["regret"] <= 0.01
    assert figures["q_error"] < (0.2 if name == "FrozenLake-v1" else 0.01)
    assert assembly.learner.visits.sum() == assembly.steps * 8192


@pytest.mark.parametrize("method", ["sarsa", "expected-sarsa"])
def test_on_the_cliff_who_explores_and_counts_on_it_keeps_away_from_the_edge(method):
    """Sutton and Barto, "Reinforcement Learning", example 6.6: the safe way is 17 steps long, the best one 13."""
    settings = {"environment": "CliffWalking-v1", "method": method, "actions": 2_000_000, "exploration_end": 0.3}
    assembly = build("q-learning", settings)
    for step in range(assembly.steps):
        assembly.learner.step(step)
    best = build("q-learning", {"environment": "CliffWalking-v1"}).learner.evaluate()["optimal_value"]
    assert best == pytest.approx(-(1 - 0.99**13) / 0.01)
    assert assembly.learner.evaluate()["value"] == pytest.approx(-(1 - 0.99**17) / 0.01)


def test_the_report_has_the_keys_that_were_promised(trained):
    report = json.loads((trained("q-learning") / "report.json").read_text())
    assert (report["metric"], report["higher_is_better"]) == ("regret", False)
    assert report["q_error"] == report["figures"]["q_error"] > 0
    assert report["updates_per_second"] > 0
    assert report["interval"] == [report["value"]] * 2
    assert report["baseline"]["name"] == "any action, all alike"
    assert {"learning-curve.png", "action-values.png"} <= set(report["plots"])
    assert (report["data"]["name"], report["data"]["kind"]) == ("FrozenLake-v1", "environment")
    assert api.evaluate(trained("q-learning"))["updates_per_second"] == report["updates_per_second"]


def test_the_list_of_runs_names_the_environment(trained):
    (run,) = api.runs(trained("q-learning"))
    assert (run["recipe"], run["dataset"], run["metric"]) == ("q-learning", "FrozenLake-v1", "regret")


def test_an_environment_stands_where_a_data_set_does_in_a_band():
    recipe = QLearning(environment="Taxi-v4", method="sarsa")
    assert band_setting(recipe, RunOptions(seed=3)) == {"dataset": "Taxi-v4", "method": "sarsa"}
    assert band_setting(QLearning(environment="LineWalk-v0"), RunOptions()) == {"dataset": "chainrule/LineWalk-v0"}


def judgement(**changes):
    environment = open_environment("chainrule/LineWalk-v0")
    truth = Truth(transition_model(environment, "L"), 0.9)
    values, visits = truth.values.copy(), np.ones((21, 2))
    made = judge_optimality(truth, values, visits, actions=("left", "right"), grid=(1, 21))
    return replace(made, **changes)


def band(mean, deviation):
    return Band(
        setting={"dataset": "chainrule/LineWalk-v0"},
        metric="regret",
        mean=mean,
        standard_deviation=deviation,
        seeds=5,
        machine="one core",
        seconds=1,
        command="chainrule train q-learning --seed SEED",
    )


def test_lower_is_better_in_bands_and_verdicts():
    within = give_verdict(judgement(), band(0.0, 0.0))
    assert (within.within, within.expected) == (True, (0.0, 0.0))
    worse = give_verdict(judgement(value=0.4, interval=(0.4, 0.4)), band(0.0, 0.01))
    assert worse.within is False
    assert "is above the expected 0.000–0.050: something differs from the runs that were measured" in worse.sentence
    better = give_verdict(judgement(), band(0.4, 0.01))
    assert "is below the expected 0.350–0.450: better than 99 of 100 such runs" in better.sentence


def test_figures_by_hand():
    """On a line of three places, 100 to the right and -100 to the left; whoever goes left misses 200 of 100."""
    truth = Truth(transition_model(open_environment("chainrule/LineWalk-v0", half_length=1), "L"), 0.5)
    values = np.array([[0.0, 0.0], [7.0, 4.0], [0.0, 0.0]])
    visits = np.array([[0, 0], [2, 1], [0, 0]])
    assert truth.figures(values, visits) == {
        "regret": 2.0,
        "q_error": 107.0,
        "over_estimation": 7.0 - 100.0,
        "value": -100.0,
        "optimal_value": 100.0,
        "tried_share": pytest.approx(2 / 6),
    }
    assert truth.figures(values, np.zeros((3, 2)))["q_error"] == 0
    assert truth.figures(values, np.zeros((3, 2)))["over_estimation"] == 0
    assert truth.regret(np.full((3, 2), 0.5)) == 1.0


def test_the_map_leaves_blank_what_was_never_tried():
    learned, optimum = np.arange(12.0).reshape(6, 2), np.arange(12.0).reshape(6, 2) + 1
    tried = np.ones((6, 2), np.bool_)
    tried[4] = False
    on_a_grid = draw_action_values(learned, optimum, tried, actions=("left", "right"), grid=(2, 3))
    pictures = [axes.images[0].get_array().filled(-9) for axes in on_a_grid.axes[:3]]
    assert pictures[0].tolist() == [[1, 3, 5], [7, -9, 11]]
    assert pictures[1].tolist() == [[2, 4, 6], [8, -9, 12]]
    assert pictures[2].tolist() == [[-1, -1, -1], [-1, -9, -1]]
    nothing = draw_action_values(learned, optimum, np.zeros((6, 2), np.bool_), actions=("left", "right"), grid=(2, 3))
    assert render_png(lambda: nothing).startswith(b"\x89PNG")
    many = np.arange(5000.0).reshape(2500, 2)
    large = draw_action_values(many, many, many >= 0, actions=("a", "b"), grid=(50, 50))
    assert large.axes[0].images[0].get_array().shape == (50, 50)
    plain = draw_action_values(learned, optimum, tried, actions=("a", "$b"), grid=None)
    assert plain.axes[1].images[0].get_array().shape == (6, 2)
    assert render_png(lambda: on_a_grid).startswith(b"\x89PNG")
    assert render_png(lambda: plain).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"environment": "Nonsense-v0"}, UnknownNameError, "there is no environment named 'Nonsense-v0'; known are"),
        ({"environment": "CartPole-v1"}, OptionError, r"the states of CartPole-v1 are Box.*, and a table needs a row"),
        ({"environment": "Blackjack-v1"}, OptionError, r"the states of Blackjack-v1 are Tuple.* a table needs a row"),
        ({"environment": "Pendulum-v1"}, OptionError, r"the states of Pendulum-v1 are Box"),
        ({"environment": "os:Nonsense-v0"}, OptionError, "names a module to import; give the name alone"),
        ({"dataset": "digits"}, OptionError, "q-learning learns in an environment, and --dataset digits was given; "),
        ({"data": "own.csv"}, OptionError, "q-learning learns in an environment, and --data own.csv was given; "),
        ({"device": "cuda"}, OptionError, "q-learning computes in NumPy, in fp32 on the cpu, and --device cuda"),
        ({"patience": 3}, OptionError, "--patience waits for a better evaluation, and this recipe keeps its last"),
        ({"learning_rate": 1.5}, OptionError, "--learning-rate is 1.5; it must be greater than 0 and at most 1.0."),
        ({"exploration_end": 1.0, "exploration_share": 0.2}, OptionError, "--exploration-share is for an exploration"),
        ({"exploration": 0.7, "exploration_share": 0.0}, OptionError, "--exploration-share 0 leaves no step for"),
        ({"steps": 5, "actions": 100}, OptionError, "--steps and --actions both say how long the run is"),
        ({"actions": 5, "environments": 7}, OptionError, "--actions 5 are less than one for each of --environments 7"),
    ],
)
def test_what_is_refused_is_one_sentence(settings, error, sentence, tmp_path):
    with pytest.raises(error, match=sentence):
        api.train("q-learning", output=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


class Plain(gymnasium.Env):
    """Numbered states without a transition model."""

    observation_space, action_space = spaces.Discrete(7), spaces.Discrete(3)

    def reset(self, *, seed=None, **_):
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(3))
        return self.place, {}

    def step(self, action):
        self.place = min(max(self.place + int(action) - 1, 0), 6)
        return self.place, float(action) / 2, self.place == 6, False, {}


class Huge(Plain):
    observation_space = spaces.Discrete(10**12)


class Shifted(Plain):
    observation_space = spaces.Discrete(7, start=1)


class Restless(Plain):
    """Begins somewhere else every time, whatever the seed."""

    draw = np.random.default_rng()

    def reset(self, **_):
        self.place = int(self.draw.integers(6))
        return self.place, {}


def test_tables_that_are_too_large_or_not_numbered_from_0_are_refused(registered, tmp_path):
    registered("Huge-v0", Huge)
    registered("Shifted-v0", Shifted)
    registered("Plain-v0", Plain)
    with pytest.raises(OptionError) as caught:
        api.train("q-learning", environment="Huge-v0", output=tmp_path / "run")
    assert str(caught.value) == (
        "Huge-v0 has 1,000,000,000,000 states of 3 actions, and a table holds at most 10,000,000 pairs; take maze-dqn, "
        "whose network needs no table."
    )
    with pytest.raises(OptionError, match=r"the states of Shifted-v0 are Discrete\(7, start=1\), and a table needs"):
        api.train("q-learning", environment="Shifted-v0", output=tmp_path / "run")
    with pytest.raises(OptionError, match="Plain-v0 gives no transition model P; leave out --through model"):
        api.train("q-learning", environment="Plain-v0", through="model", output=tmp_path / "run")


def test_an_environment_that_is_stepped_itself_is_still_judged_by_its_model(tmp_path):
    settings = {"environment": "CliffWalking-v1", "through": "environment", "environments": 4, "steps": 300}
    report = api.train("q-learning", output=tmp_path / "run", seed=1, **settings)
    assert report["metric"] == "regret"
    assert report["q_error"] > 0


def test_without_a_model_the_mean_return_is_judged(registered, tmp_path):
    registered("Plain-v0", Plain)
    report = api.train("q-learning", environment="Plain-v0", steps=1500, environments=3, output=tmp_path / "run")
    assert (report["metric"], report["higher_is_better"], report["unit"]) == ("mean_return", True, "episodes")
    assert report["q_error"] is None
    assert report["examples"] == 100
    low, high = report["interval"]
    assert low <= report["value"] <= high
    assert report["value"] > report["baseline"]["value"] > 0
    again = api.evaluate(tmp_path / "run")
    assert {name for name in again if again[name] != report[name]} <= {"plots"}


def unfinished(run, at):
    """The run as it was after the checkpoint of a step."""
    for folder in (run / "checkpoints").iterdir():
        if int(folder.name.removeprefix("step-")) > at:
            shutil.rmtree(folder)
    (run / "report.json").unlink()
    shutil.rmtree(run / "model")


SMALL = {"steps": 40, "environments": 3, "checkpoint_every": 10, "evaluate_every": 40, "keep_checkpoints": 9}


def test_a_foreign_environment_goes_on_with_the_same_bytes(registered, tmp_path):
    registered("Plain-v0", Plain)
    run = tmp_path / "run"
    api.train("q-learning", environment="Plain-v0", output=run, **SMALL)
    whole = (run / "model/model.safetensors").read_bytes(), (run / "metrics.jsonl").read_bytes()
    unfinished(run, 20)
    api.resume(run)
    assert ((run / "model/model.safetensors").read_bytes(), (run / "metrics.jsonl").read_bytes()) == whole


def test_one_that_does_not_replay_is_refused_in_a_sentence(registered, tmp_path):
    registered("Restless-v0", Restless)
    run = tmp_path / "run"
    api.train("q-learning", environment="Restless-v0", output=run, **{**SMALL, "environments": 20})
    unfinished(run, 20)
    with pytest.raises(ResumeError, match="Restless-v0 does not replay: after the same seed and the same"):
        api.resume(run)


def test_an_environment_that_changed_is_told(registered, tmp_path):
    class Longer(Plain):
        observation_space = spaces.Discrete(11)

    registered("Plain-v0", Plain)
    api.train("q-learning", environment="Plain-v0", output=tmp_path / "run", **SMALL)
    registered("Plain-v0", Longer)
    with pytest.raises(DataError, match=r"Plain-v0 has changed since the table was learned \(its SHA-256 differs\)"):
        api.evaluate(tmp_path / "run")
    with pytest.raises(OptionError, match="q-learning is judged in its environment, which needs no data"):
        api.evaluate(tmp_path / "run", data="own.csv")


def test_mean_and_interval_by_hand():
    low, high = mean_interval(np.array([1.0, 3.0, 5.0, 7.0]))
    assert (low + high) / 2 == 4
    assert high - low == pytest.approx(2 * 1.959964 * np.sqrt(20 / 3) / 2)
