"""λ-returns and n-step returns beside slow recursions and beside answers worked out by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.learners.returns import lambda_returns, n_step_returns


def slow_return(step, lived, discount, trace):
    """G of one agent, as the equation stands."""
    rewards, terminated, truncated, values = lived
    if terminated[step]:
        return rewards[step]
    if truncated[step] or step == len(rewards) - 1:
        return rewards[step] + discount * values[step]
    later = slow_return(step + 1, lived, discount, trace)
    factor = trace[step + 1]
    return rewards[step] + discount * (factor * later + (1 - factor) * values[step])


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6), discount=st.floats(0, 1), time=st.integers(1, 11))
def test_lambda_returns_are_those_of_the_slow_recursion(seed, discount, time):
    draw = torch.Generator().manual_seed(seed)
    shape = (time, 3, 2)
    rewards, values = (torch.randn(shape, generator=draw) for _ in range(2))
    trace = torch.rand(shape, generator=draw)
    ends = torch.randint(5, shape, generator=draw)
    found = lambda_returns(rewards, ends == 0, ends == 1, values, discount=discount, trace=trace)
    for group in range(3):
        for agent in range(2):
            one = [part[:, group, agent].tolist() for part in (rewards, ends == 0, ends == 1, values)]
            wanted = [slow_return(t, one, discount, trace[:, group, agent].tolist()) for t in range(time)]
            torch.testing.assert_close(found[:, group, agent], torch.tensor(wanted), rtol=1e-4, atol=1e-5)


def test_lambda_returns_by_hand():
    rewards = torch.tensor([[1.0], [2.0], [4.0]])
    values = torch.tensor([[10.0], [20.0], [40.0]])
    never = torch.zeros(3, 1, dtype=torch.bool)
    second = torch.tensor([[False], [True], [False]])

    def returns(terminated, truncated):
        found = lambda_returns(rewards, terminated, truncated, values, discount=0.5, trace=0.5)
        return found[:, 0].tolist()

    # 4 + 40/2 = 24; 2 + (24/2 + 20/2)/2 = 13; 1 + (13/2 + 10/2)/2 = 6.75
    assert returns(never, never) == [6.75, 13, 24]
    assert returns(second, never) == [4, 2, 24]  # nothing comes after a terminated episode
    assert returns(never, second) == [6.5, 12, 24]  # a truncated one would have gone on: 2 + 20/2


def test_n_steps_by_hand():
    """Five agents: all steps; terminated or truncated by the second; terminated by the first; truncated by the last."""
    rewards = torch.tensor([1.0, 10.0, 100.0])[:, None].expand(3, 5)
    terminated = torch.zeros(3, 5, dtype=torch.bool)
    truncated = terminated.clone()
    terminated[1, 1] = truncated[1, 2] = terminated[0, 3] = truncated[2, 4] = True
    ahead = n_step_returns(rewards, terminated, truncated, discount=0.5)
    assert ahead.returns.tolist() == [1 + 5 + 25, 6, 6, 1, 31]
    assert ahead.steps.tolist() == [3, 2, 2, 1, 3]
    assert ahead.discounts.tolist() == [0.125, 0, 0.25, 0, 0.125]


@pytest.mark.parametrize("steps", [1, 3])
def test_many_agents_are_as_each_alone(steps):
    draw = torch.Generator().manual_seed(3)
    rewards = torch.randn(steps, 5, 7, generator=draw)
    ends = torch.randint(4, rewards.shape, generator=draw)
    together = n_step_returns(rewards, ends == 0, ends == 1, discount=0.9)
    for place in range(5):
        alone = n_step_returns(rewards[:, place], ends[:, place] == 0, ends[:, place] == 1, discount=0.9)
        for whole, part in zip(together, alone, strict=True):
            assert torch.equal(whole[place], part)
