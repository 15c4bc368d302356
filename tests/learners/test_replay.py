"""What the replay keeps, how often it gives it, and by what weight it counts."""

import pytest
import torch

from chainrule.environments.world import Outcome
from chainrule.learners.replay import Replay

GROUPS, AGENTS = 3, 2


def filled(rows, count, *, ends=(), **settings):
    """Row t shows the scene t, group g's agents are at t + 100 g and t + 100 g + 50, and the reward is t + 1000 g."""
    scenes = torch.zeros(GROUPS, 5)
    replay = Replay(rows=rows, scenes=scenes, agents=AGENTS, **settings)
    groups = torch.arange(GROUPS)
    was_end = torch.zeros(GROUPS, AGENTS, dtype=torch.bool)
    for time in range(count):
        places = time + 100 * groups[:, None] + torch.tensor([0, 50])
        rewards = (time + 1000.0 * groups)[:, None].expand(GROUPS, AGENTS)
        terminated = torch.full((GROUPS, AGENTS), time in ends)
        outcome = Outcome(rewards, terminated, torch.zeros_like(terminated), ~was_end)
        replay.add(torch.full((GROUPS, 5), float(time)), places, places % 4, outcome)
        was_end = terminated
    return replay


def test_a_drawn_transition_is_what_was_lived_through():
    replay = filled(11, 29, steps=3, discount=0.5)
    drawn = replay.draw(200)
    time, group = drawn.scenes[:, 0].long(), drawn.where % GROUPS
    assert (drawn.scenes == time[:, None]).all()
    # The rows 18 to 28 are left, and of the last three the steps after are not known.
    assert set(time.tolist()) == set(range(18, 26))
    assert torch.equal(drawn.places, time[:, None] + 100 * group[:, None] + torch.tensor([0, 50]))
    assert torch.equal(drawn.actions, drawn.places % 4)
    assert torch.equal(drawn.next_places, drawn.places + 3)
    wanted = sum(0.5**k * (time + k + 1000.0 * group) for k in range(3))
    torch.testing.assert_close(drawn.ahead.returns, wanted[:, None].expand(-1, AGENTS))
    assert (drawn.ahead.discounts == 0.125).all()


def test_an_end_on_the_way_is_as_far_as_one_looks_and_the_row_after_it_teaches_nothing():
    replay = filled(23, 17, ends=(6,), steps=3, discount=0.5)
    drawn = replay.draw(400)
    time = drawn.scenes[:, 0].long()
    assert 7 not in time.tolist()  # there episodes began anew
    assert drawn.counts.all()
    steps = torch.where(time <= 6, (7 - time).clamp_max(3), 3)
    assert torch.equal(drawn.ahead.steps, steps[:, None].expand(-1, AGENTS))
    assert torch.equal(drawn.next_places - drawn.places, drawn.ahead.steps)
    assert torch.equal(drawn.ahead.discounts == 0, ((time >= 4) & (time <= 6))[:, None].expand(-1, AGENTS))


def test_probabilities_and_weights_by_hand():
    """Priorities 1, 4, 9 … with α = ½ are drawn as 1, 2, 3 …"""
    replay = filled(7, 5, exponent=0.5, correction=1.0)
    known = torch.arange(4 * GROUPS)
    replay.update(known, (known + 1.0) ** 2 - 1e-6)
    wanted = torch.zeros(7 * GROUPS, dtype=torch.float64)
    wanted[known] = (known + 1.0).double() / 78  # 1 + 2 + … + 12; the fifth row waits for its next state
    torch.testing.assert_close(replay.probabilities(), wanted)
    torch.manual_seed(5)
    drawn = replay.draw(40_000)
    shares = torch.bincount(drawn.where, minlength=7 * GROUPS) / 40_000
    torch.testing.assert_close(shares.double(), wanted, rtol=0, atol=0.01)
    # (N P)^-1 over the largest, which is that of the rarest: 1 / place.
    torch.testing.assert_close(drawn.weights, 1 / (drawn.where + 1.0))


def test_new_transitions_come_with_the_largest_priority():
    replay = filled(7, 5, exponent=1.0)
    replay.update(torch.tensor([0]), torch.tensor([24.0]))
    outcome = Outcome(*(torch.zeros(GROUPS, AGENTS),) * 3, torch.ones(GROUPS, AGENTS, dtype=torch.bool))
    replay.add(torch.zeros(GROUPS, 5), *(torch.zeros(GROUPS, AGENTS, dtype=torch.int64),) * 2, outcome)
    replay.add(torch.zeros(GROUPS, 5), *(torch.zeros(GROUPS, AGENTS, dtype=torch.int64),) * 2, outcome)
    probabilities = replay.probabilities().view(7, GROUPS)
    torch.testing.assert_close(probabilities[5], probabilities[0, 0].expand(GROUPS))
    assert probabilities[0, 0] == pytest.approx(24 * float(probabilities[1, 0]), rel=1e-4)


def test_without_priorities_all_count_alike():
    drawn = filled(7, 5).draw(5000)
    assert (drawn.weights == 1).all()
    shares = torch.bincount(drawn.where, minlength=4 * GROUPS) / 5000
    torch.testing.assert_close(shares, torch.full((4 * GROUPS,), 1 / 12), rtol=0, atol=0.02)


def test_it_goes_back_to_a_state():
    replay, other = filled(11, 29, exponent=0.6), filled(11, 3, exponent=0.6)
    replay.update(torch.arange(6), torch.arange(6.0))
    other.load_state_dict(replay.state_dict())
    for each in (replay, other):
        torch.manual_seed(0)
        each.seen = each.draw(50)
    assert all(
        torch.equal(one, two) for one, two in zip(replay.seen, other.seen, strict=True) if isinstance(one, torch.Tensor)
    )
