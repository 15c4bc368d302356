"""The vector forms equal the single ones, step for step."""

import gymnasium
import numpy as np
import pytest
import torch

import chainrule.environments  # noqa: F401 - registers them
from chainrule.environments.resets import reset_seeds
from chainrule.errors import OptionError

STEPS = 10_000
CASES = [
    ("chainrule/LineWalk-v0", {}),
    ("chainrule/LineWalk-v0", {"half_length": 3, "max_steps": 7}),
    ("chainrule/Maze-v0", {"rows": 2, "columns": 3, "mazes": 11, "max_steps": 31}),
    (
        "chainrule/Maze-v0",
        {"rows": 3, "columns": 2, "mazes": 5, "braid": 0.7, "step_reward": -0.01, "goal_reward": 0.7},
    ),
    ("chainrule/Maze-v0", {"rows": 2, "columns": 3, "mazes": 7, "view": 5, "generator": "depth-first"}),
    ("chainrule/Maze-v0", {"mazes": 13, "max_steps": 61}),
    ("chainrule/Maze-v0", {"rows": 2, "columns": 2, "mazes": 3, "places": "corners", "first_maze": 17}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_ten_thousand_random_steps_are_equal(name, settings):
    count, draw = 13, np.random.default_rng(3)
    many = gymnasium.make_vec(name, num_envs=count, **settings)
    ones = [gymnasium.make(name, disable_env_checker=True, **settings).unwrapped for _ in range(count)]
    episodes = np.zeros(count, np.int64)
    observed, _ = many.reset(seed=5)
    numbers = np.arange(count)
    for one, seed, seen in zip(ones, reset_seeds(5, numbers, episodes).tolist(), observed, strict=True):
        assert np.array_equal(one.reset(seed=seed)[0], seen)
    compared = terminations = truncations = 0
    while compared < STEPS:
        actions = draw.integers(many.single_action_space.n, size=count)
        observed, rewards, terminated, truncated, _ = many.step(actions)
        for number, one in enumerate(ones):
            seen, reward, ended, cut, _ = one.step(actions[number])
            assert np.array_equal(seen, observed[number])
            assert np.asarray(seen).dtype == observed.numpy().dtype
            assert (reward, ended, cut) == (float(rewards[number]), bool(terminated[number]), bool(truncated[number]))
            compared += 1
        # A few of those that ended stay so for a while: they must stand still alike.
        resets = (terminated | truncated) & torch.from_numpy(draw.random(count) < 0.8)
        terminations += int((terminated & resets).sum())
        truncations += int((truncated & resets).sum())
        if resets.any():
            episodes[resets.numpy()] += 1
            observed, _ = many.reset(options={"reset_mask": resets})
            for number in torch.nonzero(resets).flatten().tolist():
                seed = reset_seeds(5, numbers[number : number + 1], episodes[number : number + 1])
                assert np.array_equal(ones[number].reset(seed=int(seed[0]))[0], observed[number])
    assert compared >= STEPS
    assert terminations > 5
    assert truncations > 20 or settings.get("max_steps") is None


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_saved_state_goes_on_equally(name, settings):
    def walk(many, steps):
        seen = []
        for _ in range(steps):
            result = many.step(draw.integers(many.single_action_space.n, size=11))
            seen += result[:4]
            if (ended := result[2] | result[3]).any():
                seen.append(many.reset(options={"reset_mask": ended})[0])
        return seen

    draw = np.random.default_rng(7)
    many = gymnasium.make_vec(name, num_envs=11, **settings)
    many.reset(seed=3)
    walk(many, 50)
    state = {
        key: value.clone() if isinstance(value, torch.Tensor) else value for key, value in many.state_dict().items()
    }
    state = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in state.items()}
    after = np.random.default_rng(9)
    draw = after
    first = walk(many, 50)
    other = gymnasium.make_vec(name, num_envs=11, **settings)
    other.load_state_dict(state)
    draw = np.random.default_rng(9)
    again = walk(other, 50)
    assert len(first) == len(again)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))


def test_without_copies_one_tensor_is_changed_in_place():
    many = gymnasium.make_vec("chainrule/Maze-v0", num_envs=3, mazes=2, copy=False)
    first, _ = many.reset(seed=1)
    assert many.step(np.zeros(3, np.int64))[0] is first
    copied = gymnasium.make_vec("chainrule/Maze-v0", num_envs=3, mazes=2)
    assert copied.step(np.zeros(3, np.int64))[0] is not copied.step(np.zeros(3, np.int64))[0]


def test_resets_without_a_seed_draw_one_and_then_count_episodes():
    many = gymnasium.make_vec("chainrule/Maze-v0", num_envs=5, mazes=100)
    first, again = many.reset()[0], many.reset()[0]
    assert not torch.equal(first, again)
    state = many.state_dict()
    other = gymnasium.make_vec("chainrule/Maze-v0", num_envs=5, mazes=100)
    assert torch.equal(other.reset(seed=state["seed"])[0], first)
    assert torch.equal(other.reset()[0], again)


@pytest.mark.parametrize("name", ["chainrule/LineWalk-v0", "chainrule/Maze-v0"])
def test_a_mask_of_another_shape_is_refused(name):
    many = gymnasium.make_vec(name, num_envs=5)
    with pytest.raises(
        OptionError,
        match=r"reset_mask has shape \(3,\) and type bool; it must be a bool for each of 5 environments",
    ):
        many.reset(options={"reset_mask": np.ones(3, np.bool_)})
    with pytest.raises(OptionError, match=r"shape \(5,\) and type int64"):
        many.reset(options={"reset_mask": torch.ones(5, dtype=torch.int64)})


def test_a_seed_and_a_mask_exclude_each_other():
    many = gymnasium.make_vec("chainrule/Maze-v0", num_envs=2)
    with pytest.raises(OptionError, match="a seed begins every environment anew; give it without reset_mask"):
        many.reset(seed=3, options={"reset_mask": np.array([True, False])})


@pytest.mark.parametrize("name", ["chainrule/LineWalk-v0", "chainrule/Maze-v0"])
@pytest.mark.parametrize("action", [-1, 4])
def test_an_action_that_does_not_exist_is_refused_by_both_forms(name, action):
    many, one = gymnasium.make_vec(name, num_envs=2), gymnasium.make(name).unwrapped
    many.reset(seed=1)
    one.reset(seed=1)
    for step in (lambda: many.step(np.array([0, action])), lambda: one.step(action)):
        with pytest.raises(OptionError, match="an action is none of the"):
            step()
