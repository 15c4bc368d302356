"""Transition models, the exact truth by them, and environments simulated by them."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from chainrule.environments import dynamic_programming
from chainrule.environments.dynamic_programming import (
    action_values,
    greedy,
    optimal_action_values,
    policy_values,
)
from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.line_walk import LineWalk
from chainrule.environments.opening import longest_episode, open_environment
from chainrule.environments.simulated import SimulatedEnvironments, SteppedEnvironments
from chainrule.environments.transition_model import TransitionModel, as_states, transition_model
from chainrule.errors import DataError, OptionError

STEPS = 10_000


def model_of(name):
    return transition_model(open_environment(name), name)


def drawn_model(seed, states=5, actions=3, outcomes=2):
    draw = np.random.default_rng(seed)
    weights = draw.random((states, actions, outcomes)) + 0.01
    return TransitionModel(
        then=draw.integers(states, size=weights.shape),
        probabilities=weights / weights.sum(axis=2, keepdims=True),
        rewards=draw.normal(size=weights.shape),
        terminates=draw.random(weights.shape) < 0.2,
        starts=np.full(states, 1 / states),
    )


def test_the_line_s_values_are_powers_of_the_discount():
    values = optimal_action_values(model_of("chainrule/LineWalk-v0"), 0.9)
    for place in range(-9, 10):
        assert values[place + 10, 1] == pytest.approx(100 * 0.9 ** (9 - place))
    for place in range(-8, 10):
        assert values[place + 10, 0] == pytest.approx(100 * 0.9 ** (11 - place))
    assert values[1, 0] == -100
    assert values[[0, 20]].tolist() == [[0, 0], [0, 0]]


def test_two_states_by_hand():
    """From state 0 action 0 earns 1 and stays with 1/2, action 1 earns 3 and ends."""
    model = TransitionModel(
        then=np.array([[[0, 1], [1, 1]], [[1, 1], [1, 1]]]),
        probabilities=np.array([[[0.5, 0.5], [1, 0]], [[1, 0], [1, 0]]], float),
        rewards=np.array([[[1, 1], [3, 0]], [[2, 0], [0, 0]]], float),
        terminates=np.array([[[False, False], [True, True]], [[True, True], [True, True]]]),
        starts=np.array([1.0, 0.0]),
    )
    # v(1) = 2; v(0) = max(3, 1 + 0.8 (v(0)/2 + 1)) = max(3, (1 + 0.8)/(1 - 0.4)) = 3
    assert optimal_action_values(model, 0.8) == pytest.approx(np.array([[1 + 0.8 * (1.5 + 1), 3], [2, 0]]))
    always_first = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert policy_values(model, always_first, 0.8) == pytest.approx([1.8 / 0.6, 2])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.95))
def test_the_optimum_satisfies_bellman_and_no_policy_is_better(seed, discount):
    model = drawn_model(seed)
    optimum = optimal_action_values(model, discount)
    values = optimum.max(axis=1)
    np.testing.assert_allclose(action_values(model, values, discount), optimum, atol=1e-9)
    np.testing.assert_allclose(policy_values(model, greedy(optimum), discount), values, atol=1e-9)
    others = np.random.default_rng(seed).dirichlet(np.ones(3), size=5)
    assert (policy_values(model, others, discount) <= values + 1e-9).all()


def test_sweeps_and_the_solution_agree(monkeypatch):
    model, policy = drawn_model(3), np.full((5, 3), 1 / 3)
    solved = policy_values(model, policy, 0.9)
    monkeypatch.setattr(dynamic_programming, "MOST_SOLVED", 0)
    np.testing.assert_allclose(policy_values(model, policy, 0.9), solved, atol=1e-9)


@pytest.mark.parametrize("name", ["chainrule/LineWalk-v0", "CliffWalking-v1", "Taxi-v4"])
def test_where_nothing_is_drawn_simulated_steps_are_gymnasium_s(name):
    count, draw, compared = 7, np.random.default_rng(1), 0
    ones = [gymnasium.make(name).unwrapped for _ in range(count)]
    longest = longest_episode(gymnasium.make(name))
    assert longest == {"CliffWalking-v1": None}.get(name, 200)
    simulated = SimulatedEnvironments(model_of(name), count, seed=3, longest=longest)
    assert not simulated.draws

    def begin(places):
        for place in places:
            ones[place].reset(seed=0)
            if isinstance(ones[place], LineWalk):
                assert simulated.states[place] == 10
            else:
                ones[place].s = int(simulated.states[place])

    begin(range(count))
    while compared < STEPS:
        actions = draw.integers(ones[0].action_space.n, size=count)
        rewards, terminated, truncated = simulated.step(actions, None)
        for place, one in enumerate(ones):
            then, reward, ended, cut, _ = one.step(int(actions[place]))
            assert (then, reward, ended) == (simulated.states[place], rewards[place], terminated[place])
            assert not cut or truncated[place]
            compared += 1
        if (over := terminated | truncated).any():
            simulated.reset(over)
            begin(np.flatnonzero(over))
    assert compared >= STEPS


def test_outcomes_and_first_states_are_drawn_as_often_as_the_model_says():
    model = drawn_model(5)
    count = 40_000
    simulated = SimulatedEnvironments(model, count, seed=3, longest=None)
    assert simulated.draws
    assert chisquare(np.bincount(simulated.states, minlength=5)).pvalue > 0.001
    draws = np.random.default_rng(0).random(count, np.float32)
    before = simulated.states.copy()
    actions = np.full(count, 2)
    rewards, _, _ = simulated.step(actions, draws)
    for state in range(5):
        here = rewards[before == state]
        counts = [(here == reward).sum() for reward in model.rewards[state, 2]]
        assert sum(counts) == len(here)
        assert chisquare(counts, model.probabilities[state, 2] * len(here)).pvalue > 0.001


def test_episodes_end_at_their_limit_as_truncated_and_not_as_terminated():
    simulated = SimulatedEnvironments(model_of("chainrule/LineWalk-v0"), 3, seed=0, longest=10)
    for _ in range(9):
        assert not np.logical_or(*simulated.step(np.array([1, 0, 1]), None)[1:]).any()
        simulated.states[2] = 10
    _, terminated, truncated = simulated.step(np.array([1, 0, 1]), None)
    assert terminated.tolist() == [True, True, False]
    assert truncated.tolist() == [False, False, True]
    simulated.reset(truncated)
    assert simulated.state_dict()["episodes"].tolist() == [0, 0, 1]


def test_a_state_goes_on_equally():
    one, other = (SimulatedEnvironments(drawn_model(5), 11, seed=7, longest=5) for _ in range(2))
    draw = np.random.default_rng(0)
    draws, actions = draw.random((20, 11), np.float32), draw.integers(3, size=(20, 11))

    def walk(environments, part):
        for step in part:
            _, terminated, truncated = environments.step(actions[step], draws[step])
            environments.reset(terminated | truncated)
        return {name: value.copy() for name, value in environments.state_dict().items()}

    state = walk(one, range(10))
    wanted = walk(one, range(10, 20))
    other.load_state_dict(state)
    found = walk(other, range(10, 20))
    assert all(np.array_equal(wanted[name], found[name]) for name in wanted)


def test_the_first_states_are_estimated_where_they_are_not_told():
    environment = open_environment("LineWalk-v0")
    told = transition_model(environment, "LineWalk").starts
    del environment.unwrapped.initial_state_distrib
    assert transition_model(environment, "LineWalk").starts.tolist() == told.tolist() == np.eye(21)[10].tolist()


def test_no_model_and_broken_ones():
    assert model_of("CartPole-v1") is None
    environment = open_environment("FrozenLake-v1")
    del environment.unwrapped.P[3]
    with pytest.raises(OptionError, match=r"F has a transition model P that is not whole \(KeyError\(3\)\)"):
        transition_model(environment, "F")
    environment = open_environment("FrozenLake-v1")
    environment.unwrapped.P[3][1] = [(0.4, 3, 0, False)]
    with pytest.raises(OptionError, match="whose probabilities do not add up to 1 or whose states do not exist"):
        transition_model(environment, "F")


def test_stepped_environments_show_numbers():
    stepped = SteppedEnvironments(
        ForeignEnvironments(lambda: gymnasium.make("chainrule/LineWalk-v0"), 3, seed=0, name="L")
    )
    stepped.step(np.array([0, 1, 1]), None)
    assert stepped.states.tolist() == [9, 11, 11]
    stepped.reset(np.array([False, True, False]))
    assert stepped.states.tolist() == [9, 10, 11]


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ([(1.5, 3, 0, False), (-0.5, 3, 0, False)], "whose probabilities do not add up to 1"),
        ([(1.0, 2.5, 0, False)], "whose states do not exist"),
        ([(1.0, 3, float("nan"), False)], "with a reward that is not finite; learn with --through environment"),
    ],
)
def test_a_model_that_is_none_is_refused(outcomes, sentence):
    environment = open_environment("FrozenLake-v1")
    environment.unwrapped.P[3][1] = outcomes
    with pytest.raises(OptionError, match=sentence):
        transition_model(environment, "F")


@pytest.mark.parametrize("shown", [7, -1, None, 1.5, np.array([1])])
def test_what_is_no_state_is_told(shown):
    with pytest.raises(DataError, match="its observation_space promised a whole number from 0 to 6"):
        as_states([3, shown], 7)
    assert as_states([3, np.int64(6), np.array(0)], 7).tolist() == [3, 6, 0]
