"""Worlds of vectors beside Gymnasium's own environments, and their states."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from chainrule.environments.at_once import AtOnce, at_once
from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.vectors import Vectors, as_vectors, vector_size
from chainrule.errors import OptionError, ResumeError
from chainrule.training.state_tree import read_tree, write_tree


def alone(name="CartPole-v1", **settings):
    environments = ForeignEnvironments(lambda: gymnasium.make(name), 3, seed=11, name=name)
    return Vectors(environments, actions=2, **settings)


def together(seed=11):
    world = at_once("CartPole-v1", 3, seed=seed)
    assert world is not None
    return world


def lived(world, actions):
    rows = []
    for chosen in actions:
        outcome = world.step(torch.from_numpy(chosen)[:, None])
        rows.append(
            np.concatenate([np.stack([part.double()[:, 0] for part in outcome]).ravel(), world.scenes().ravel()])
        )
    return np.stack(rows)


@pytest.mark.parametrize("make", [alone, together])
def test_a_state_on_the_disk_goes_on_with_equal_steps(make, tmp_path):
    actions = np.random.default_rng(3).integers(2, size=(170, 3))
    world, other = make(), make()
    lived(world, actions[:91])
    write_tree(tmp_path, world.state_dict())
    wanted = lived(world, actions[91:])
    lived(other, actions[:7])  # what it was before must not matter
    other.load_state_dict(read_tree(tmp_path))
    assert np.array_equal(lived(other, actions[91:]), wanted)
    assert wanted[:, 3:6].any(), "no episode ended"


@pytest.mark.parametrize("make", [alone, together])
def test_the_step_after_an_end_begins_anew_and_does_not_count(make):
    world, actions = make(), np.ones((60, 3), np.int64)
    rows = lived(world, actions)
    rewards, terminated, truncated, counts = (rows[:, 3 * n : 3 * n + 3] for n in range(4))
    seen = rows[:, 12:].reshape(60, 3, 4)
    assert not truncated.any()
    assert terminated.any(axis=0).all()
    assert np.array_equal(counts[1:], 1 - terminated[:-1])
    assert np.array_equal(rewards, counts)
    begun = terminated[:-1] == 1
    assert (np.abs(seen[1:][begun]) <= 0.05).all()  # where CartPole begins
    assert (np.abs(seen[:-1][begun]).max(axis=1) > 0.2).all()  # where it fell


def test_the_vector_form_is_as_the_single_one():
    world = together()
    single = gymnasium.make("CartPole-v1").unwrapped
    single.reset(seed=0)
    for action in (0, 1, 1, 0, 1):
        single.state = world._environments.state[:, 2].copy()
        shown = single.step(action)[0]
        world.step(torch.tensor([[0], [1], [action]]))
        np.testing.assert_allclose(world.scenes()[2], shown, rtol=1e-5, atol=1e-6)


def test_rewards_are_scaled():
    for world in (alone(reward_scale=0.25), at_once("CartPole-v1", 3, seed=1, reward_scale=0.25)):
        assert world.step(torch.zeros(3, 1, dtype=torch.int64)).rewards.tolist() == [[0.25]] * 3


def test_what_does_not_replay_is_refused():
    world = together()
    lived(world, np.zeros((4, 3), np.int64))
    state = {**world.state_dict(), "seed": 12}
    with pytest.raises(
        ResumeError, match="CartPole-v1 does not replay: after the same seed and the same 4 steps it is"
    ):
        together().load_state_dict(state)


@pytest.mark.parametrize("name", ["Acrobot-v1", "chainrule/LineWalk-v0", "FrozenLake-v1"])
def test_what_has_no_vector_form_that_begins_anew_by_itself_has_none(name):
    assert at_once(name, 3, seed=1) is None


def test_the_log_grows():
    world = together()
    actions = np.random.default_rng(4).integers(2, size=(1100, 3))
    lived(world, actions)
    assert isinstance(world, AtOnce)
    assert np.array_equal(world.state_dict()["actions"], actions)


def test_observations_become_vectors():
    box = spaces.Box(0, 9, (2, 3), np.uint8)
    shown = [np.arange(6, dtype=np.uint8).reshape(2, 3)] * 2
    assert vector_size(box, "it") == 6
    assert as_vectors(box, shown).tolist() == [[0, 1, 2, 3, 4, 5]] * 2
    assert vector_size(spaces.Discrete(3), "it") == 3
    assert as_vectors(spaces.Discrete(3), [2, 0]).tolist() == [[0, 0, 1], [1, 0, 0]]
    both = spaces.Tuple([spaces.Discrete(2), spaces.MultiBinary(2)])
    assert as_vectors(both, [(1, np.array([1, 0]))]).tolist() == [[0, 1, 1, 0]]
    with pytest.raises(OptionError, match="the observations of it are Sequence.*vectors of one length, of at most 1,0"):
        vector_size(spaces.Sequence(spaces.Text(3)), "it")
