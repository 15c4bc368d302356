"""The three rules, table by table, beside plain loops over numbers."""

from functools import partial

import numpy as np
import pytest

from chainrule.environments.opening import open_environment
from chainrule.environments.simulated import SimulatedEnvironments
from chainrule.environments.transition_model import transition_model
from chainrule.learners import tabular
from chainrule.learners.tabular import TabularLearner
from chainrule.recipes.q_learning import QLearning
from chainrule.runtime.draws import generator

METHODS = ("q-learning", "sarsa", "expected-sarsa")
DISCOUNT, SEED, STEPS = 0.9, 5, 150


def epsilon_of(step):
    return max(0.1, 1 - step / 100)


def learner_of(name, method, count, **changes):
    model = transition_model(open_environment(name), name)
    return TabularLearner(
        environments=SimulatedEnvironments(model, count, seed=3, longest=17),
        shape=(model.states, model.actions),
        method=method,
        discount=DISCOUNT,
        exploration=epsilon_of,
        learning_rate=lambda _, visits: 0.5 / (1 + 0.1 * visits),
        seed=SEED,
        judge=lambda *_: {},
        **changes,
    )


def chosen(values, state, draw, epsilon):
    """The best action, or any where the draw is below ε."""
    actions = values.shape[1]
    if draw < np.float32(epsilon):
        return min(int(draw * np.float32(actions / epsilon)), actions - 1)
    return int(values[state].argmax())


def moved(values, visits, found):
    """Moves each pair as many times as it was tried, each time towards the mean of what was found."""
    for pair, targets in found.items():
        rate = 0.5 / (1 + 0.1 * visits[pair])
        for _ in targets:
            values[pair] += rate * (sum(targets) / len(targets) - values[pair])
        visits[pair] += len(targets)


def plain(name, method, count, steps):
    """The same in loops: environments one after the other, and each pair's finds gathered in a dict."""
    model = transition_model(open_environment(name), name)
    environments = SimulatedEnvironments(model, count, seed=3, longest=17)
    values, visits = np.zeros((model.states, model.actions)), np.zeros((model.states, model.actions), int)
    coming = [0] * count
    choose = partial(chosen, values)

    for step in range(steps):
        rows = 1 + environments.draws + 2 * (method == "sarsa")
        draws = generator(SEED, "actions", step).random((rows, count), np.float32)
        epsilon, states = epsilon_of(step), environments.states.copy()
        if step == 0 or method != "sarsa":
            coming = [choose(states[n], draws[0, n], epsilon) for n in range(count)]
        actions = list(coming)
        outcome = draws[-1] if environments.draws else None
        rewards, terminated, truncated = environments.step(np.array(actions), outcome)
        found = {}
        for n in range(count):
            then = environments.states[n]
            if method == "q-learning":
                ahead = max(values[then])
            elif method == "sarsa":
                coming[n] = choose(then, draws[1, n], epsilon)
                ahead = values[then, coming[n]]
            else:
                ahead = (1 - epsilon) * max(values[then]) + epsilon * sum(values[then]) / model.actions
            target = rewards[n] + (0 if terminated[n] else DISCOUNT * ahead)
            found.setdefault((states[n], actions[n]), []).append(target)
        moved(values, visits, found)
        environments.reset(terminated | truncated)
        for n in np.flatnonzero(terminated | truncated):
            if method == "sarsa":
                coming[n] = choose(environments.states[n], draws[2, n], epsilon)
    return values, visits


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("name", "count"), [("chainrule/LineWalk-v0", 1), ("FrozenLake-v1", 53), ("FrozenLake-v1", 31)]
)
def test_the_table_is_that_of_plain_loops(name, count, method):
    learner = learner_of(name, method, count)
    for step in range(STEPS):
        learner.step(step)
    values, visits = plain(name, method, count, STEPS)
    assert np.array_equal(learner.visits, visits)
    assert visits.sum() == STEPS * count
    np.testing.assert_allclose(learner.values, values, rtol=1e-9, atol=1e-12)
    assert np.abs(values).max() > 0


@pytest.mark.parametrize("method", METHODS)
def test_few_and_many_pairs_are_counted_alike(method, monkeypatch):
    one, other = (learner_of("FrozenLake-v1", method, 29) for _ in range(2))
    for step in range(40):
        one.step(step)
    monkeypatch.setattr(tabular, "DENSE", 0)
    for step in range(40):
        other.step(step)
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.visits, other.visits)


def test_one_update_by_hand():
    learner = learner_of("chainrule/LineWalk-v0", "q-learning", 1)
    learner.environments.states[:] = 19
    learner.values[19] = (2.0, 3.0)
    learner.values[20] = (50.0, 70.0)  # the end, from where nothing goes on
    learner.exploration = lambda _: 0.0
    step = learner.step(0)
    assert learner.values[19].tolist() == [2.0, 3.0 + 0.5 * (100 - 3.0)]
    assert step.figures == {"temporal_difference": 97.0, "reward": 100.0, "exploration": 0.0, "learning_rate": 0.5}
    assert (step.examples, step.flops) == (1, 5)
    assert learner.environments.states.tolist() == [10]


def test_what_is_truncated_goes_on_and_what_terminates_does_not():
    learner = learner_of("chainrule/LineWalk-v0", "q-learning", 1)
    learner.exploration = lambda _: 0.0
    learner.environments.longest = 1
    learner.values[10], learner.values[11] = (0.0, 1.0), (0.0, 8.0)
    learner.step(0)
    assert learner.values[10, 1] == 1 + 0.5 * (DISCOUNT * 8 - 1)


def test_sarsa_s_next_action_is_the_one_it_takes():
    learner = learner_of("FrozenLake-v1", "sarsa", 13)
    for step in range(30):
        coming = learner.state_dict()["next"].copy()
        before, states = learner.visits.copy(), learner.environments.states.copy()
        learner.step(step)
        if step:
            tried = np.zeros_like(before)
            np.add.at(tried, (states, coming), 1)
            assert np.array_equal(learner.visits - before, tried)


def test_a_table_that_is_not_finite_is_told():
    learner = learner_of("chainrule/LineWalk-v0", "q-learning", 1)
    learner.step(0)
    assert learner.fault() is None
    learner.values[3, 1] = np.inf
    assert (learner.fault().step, learner.fault().figures) == (0, {"largest value": np.inf})


def test_exploration_and_learning_rate_follow_their_schedules():
    recipe = QLearning(exploration=0.8, exploration_end=0.2, exploration_share=0.5)
    assert [round(recipe.explore(step, 100), 3) for step in (0, 25, 50, 99)] == [0.8, 0.5, 0.2, 0.2]
    assert QLearning(exploration_share=0.0).explore(0, 10) == pytest.approx(0.1)
    visits = np.array([0, 100, 300])
    assert recipe.rate(7, 100, visits) == pytest.approx([1, 1 / 2, 1 / 4])
    linear = QLearning(learning_rate=0.5, learning_rate_schedule="linear")
    assert linear.rate(25, 100, visits).tolist() == [0.375] * 3
    assert QLearning(method="sarsa").rate(25, 100, visits).tolist() == [0.75] * 3
    assert QLearning(learning_rate=0.5, learning_rate_schedule="constant").rate(25, 100, visits).tolist() == [0.5] * 3
