"""Foreign environments come back by replaying, or are refused."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.resets import reset_seeds
from chainrule.errors import DataError, ResumeError
from chainrule.training.state_tree import read_tree, write_tree


def several(name, **settings):
    return ForeignEnvironments(lambda: gymnasium.make(name, **settings), 3, seed=11, name=name)


def walk(environments, actions):
    seen = []
    for chosen in actions:
        rewards, terminated, truncated = environments.step(chosen)
        seen.append((rewards.tolist(), [np.asarray(shown).tolist() for shown in environments.observations]))
        if (ended := terminated | truncated).any():
            environments.reset(ended)
    return seen


@pytest.mark.parametrize("name", ["CartPole-v1", "FrozenLake-v1", "chainrule/Maze-v0", "Blackjack-v1"])
def test_a_state_on_the_disk_goes_on_with_equal_steps(name, tmp_path):
    draw = np.random.default_rng(5)
    environments = several(name)
    actions = draw.integers(2, size=(140, 3))
    walk(environments, actions[:77])
    write_tree(tmp_path, environments.state_dict())
    wanted = walk(environments, actions[77:])
    other = several(name)
    walk(other, actions[:13])  # what it was before must not matter
    other.load_state_dict(read_tree(tmp_path))
    assert walk(other, actions[77:]) == wanted


def test_episodes_begin_with_seeds_of_their_own():
    environments = several("CartPole-v1")
    environments.reset(np.array([False, True, False]))
    for place, episode in enumerate((0, 1, 0)):
        seed = reset_seeds(11, np.array([place]), np.array([episode]))
        alone, _ = gymnasium.make("CartPole-v1").reset(seed=int(seed[0]))
        assert np.array_equal(environments.observations[place], alone)


def test_termination_and_truncation_are_told_apart():
    environments = several("chainrule/LineWalk-v0", half_length=2, max_steps=2)
    environments.step(np.array([1, 0, 0]))
    rewards, terminated, truncated = environments.step(np.array([1, 1, 0]))
    assert rewards.tolist() == [100, 0, -100]
    assert terminated.tolist() == [True, False, True]
    assert truncated.tolist() == [False, True, False]


class Forgetful(gymnasium.Env):
    """Draws from nobody's seed."""

    observation_space, action_space = spaces.Discrete(10**6), spaces.Discrete(2)
    draw = np.random.default_rng(0)

    def reset(self, **_):
        return int(self.draw.integers(10**6)), {}

    def step(self, _):
        return int(self.draw.integers(10**6)), 0.0, False, False, {}

    def close(self):
        self.closed = True


def test_one_that_does_not_replay_is_refused():
    environments = ForeignEnvironments(Forgetful, 2, seed=3, name="Forgetful-v0")
    environments.step(np.array([0, 1]))
    with pytest.raises(ResumeError) as caught:
        environments.load_state_dict(environments.state_dict())
    assert str(caught.value) == (
        "Forgetful-v0 does not replay: after the same seed and the same 1 actions it has shown something else than "
        "before, so the run cannot go on exactly; start it anew."
    )
    environments.close()
    assert all(each.closed for each in environments.environments)


class Lucky(Forgetful):
    """Pays what nobody's seed decides, and always shows the same."""

    observation_space = spaces.Discrete(1)

    def reset(self, **_):
        return 0, {}

    def step(self, _):
        return 0, float(self.draw.random()), False, False, {}


def test_one_that_only_happens_to_be_in_the_same_place_is_refused():
    environments = ForeignEnvironments(Lucky, 2, seed=3, name="Lucky-v0")
    environments.step(np.array([0, 1]))
    with pytest.raises(ResumeError, match="Lucky-v0 does not replay"):
        environments.load_state_dict(environments.state_dict())


def test_a_reward_that_is_not_finite_is_refused():
    class Endless(Lucky):
        def step(self, _):
            return 0, float("nan"), False, False, {}

    with pytest.raises(DataError, match="Endless-v0 gave a reward of nan; it must be a finite number"):
        ForeignEnvironments(Endless, 1, seed=3, name="Endless-v0").step(np.array([0]))
