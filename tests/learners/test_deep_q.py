"""Targets and updates of both Q-learners by hand, and what they learn on a line."""

import copy

import pytest
import torch
from torch import nn

from chainrule.environments.world import Outcome
from chainrule.learners import parallel_q
from chainrule.learners.acting import Actors, explore, values_at
from chainrule.learners.contract import Fault
from chainrule.learners.deep_q import DeepQLearner, best_next
from chainrule.learners.parallel_q import ParallelQLearner
from chainrule.learners.replay import Replay

LENGTH = 5  # squares of the line; the goal is the last


class Line:
    """Agents on one line; action 1 goes right, 0 left. Whoever reaches the end is paid 1, whatever comes later."""

    scenes_stay, actions, groups, agents, reward_scale = True, 2, 1, 3, 1.0

    def __init__(self):
        self.begin()

    def begin(self):
        self.at = torch.arange(3)[None] % (LENGTH - 1)
        self.ended = torch.zeros(1, 3, dtype=torch.bool)

    def scenes(self):
        return torch.zeros(1, 1)

    def places(self):
        return self.at

    def step(self, actions):
        counts = ~self.ended
        moved = (self.at + 2 * actions - 1).clamp(0, LENGTH - 1)
        self.at = torch.where(counts, moved, 0)
        terminated = (self.at == LENGTH - 1) & counts
        self.ended = terminated
        return Outcome(terminated.float(), terminated, torch.zeros_like(terminated), counts)

    def state_dict(self):
        return {"at": self.at, "ended": self.ended}

    def load_state_dict(self, state):
        self.at, self.ended = state["at"].clone(), state["ended"].clone()


class Table(nn.Module):
    """A value for each square and action."""

    def __init__(self, values=None):
        super().__init__()
        self.values = nn.Parameter(torch.zeros(LENGTH, 2) if values is None else values)

    def forward(self, scenes):
        return self.values.expand(len(scenes), -1, -1)

    def forward_flops(self, scenes):
        return float(len(scenes))


def common(network, rate=0.5):
    return {
        "network": network,
        "world": Line(),
        "optimizer": torch.optim.SGD(network.parameters(), lr=rate),
        "learning_rate": lambda _: rate,
        "judge": lambda _: {},
        "clip_norm": 1e9,
    }


def parallel(network, epsilon=0.0, **changes):
    settings = {"rows": 2, "passes": 1, "batches": 1, "discount": 0.5, "trace": 0.5, "cut_traces": False}
    return ParallelQLearner(**common(network), epsilon=lambda _: epsilon, **{**settings, **changes})


def replayed(network, *, target=True, epsilon=1.0, steps=1, **changes):
    settings = {"rows": 4, "updates": 1, "batch_size": 64, "least_rows": 1, "target_every": 10**6, "double": True}
    replay = Replay(rows=64, scenes=torch.zeros(1, 1), agents=3, steps=steps, discount=0.5)
    older = copy.deepcopy(network) if target else None
    return DeepQLearner(
        **common(network), target=older, replay=replay, epsilon=lambda _: epsilon, **{**settings, **changes}
    )


def test_the_target_of_double_q_is_judged_by_the_other_network():
    judging, choosing = torch.tensor([[1.0, 7.0, 3.0]]), torch.tensor([[0.0, 1.0, 2.0]])
    assert best_next(judging, choosing).tolist() == [3.0]
    assert best_next(judging, judging).tolist() == [7.0]


def test_values_are_read_where_agents_stand():
    table = torch.arange(2 * 5 * 3.0).view(2, 5, 3)
    places = torch.tensor([[4, 0], [2, 2]])
    assert values_at(table, places).tolist() == [[[12, 13, 14], [0, 1, 2]], [[21, 22, 23], [21, 22, 23]]]


def test_epsilon_is_how_often_anything_is_done():
    torch.manual_seed(0)
    values = torch.zeros(40_000, 4)
    values[:, 2] = 1
    assert (explore(values, 0.0) == 2).all()
    shares = torch.bincount(explore(values, 0.4)) / 40_000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.1, 0.7, 0.1]), atol=0.01, rtol=0)


def test_an_update_of_parallel_q_by_hand():
    """Agents at 0, 1 and 2 go right twice by values that say so; the last one arrives."""
    values = torch.zeros(LENGTH, 2)
    values[:, 1] = torch.tensor([1.0, 2.0, 4.0, 8.0, 99.0])
    network = Table(values.clone())
    learner = parallel(network)
    figures = learner.step(0).figures
    # From the last row back, V being the highest value where a step led:
    #   0 → 1 → 2: G₁ = 4/2 = 2, G₀ = (G₁ + 2)/2/2 = 1
    #   1 → 2 → 3: G₁ = 8/2 = 4, G₀ = (4 + 4)/2/2 = 2
    #   2 → 3 → 4: G₁ = 1 (terminated), G₀ = (1 + 8)/2/2 = 2.25
    moved = {0: [1 - 1.0], 1: [2 - 2.0, 2 - 2.0], 2: [4 - 4.0, 4 - 2.25], 3: [8 - 1.0]}
    loss = sum(error**2 for errors in moved.values() for error in errors) / 6
    assert float(figures["loss"]) == pytest.approx(loss)
    wanted = values.clone()
    for square, errors in moved.items():
        wanted[square, 1] -= 0.5 * 2 * sum(errors) / 6
    torch.testing.assert_close(network.values.data, wanted)
    assert float(figures["mean_return"]) == 1
    assert float(figures["max_q"]) == pytest.approx((1 + 2 + 4 + 2 + 4 + 8 + 4 + 8 + 99) / 9)


def test_cut_traces_look_no_further_than_an_explored_action(monkeypatch):
    """Values send everyone left, and everyone goes right: so all returns are of one step."""
    monkeypatch.setattr(parallel_q, "explore", lambda values, _: torch.ones(values.shape[:-1], dtype=torch.int64))
    values = torch.zeros(LENGTH, 2)
    values[:, 0] = torch.tensor([1.0, 2.0, 4.0, 8.0, 99.0])
    found = [parallel(Table(values.clone()), cut_traces=cut)._live(0.0)[0].returns for cut in (False, True)]
    # The first row of all agents, then the second. Without cutting, half of a return goes by what came later.
    assert found[0].tolist() == [[(2 + 2) / 4, (4 + 4) / 4, (8 + 1) / 4, 2, 4, 1]]
    assert found[1].tolist() == [[1, 2, 4, 2, 4, 1]]


@pytest.mark.parametrize("double", [False, True])
def test_an_update_from_replay_by_hand(double):
    """One agent stands at 0, goes right to 1, and there the networks disagree on what is best."""
    network = Table(torch.zeros(LENGTH, 2))
    learner = replayed(network, double=double, batch_size=1)
    learner.target.values.data[1] = torch.tensor([3.0, 5.0])
    network.values.data[1] = torch.tensor([2.0, 1.0])
    places = torch.tensor([[0, 0, 0]])
    one, never = torch.ones(1, 3, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.bool)
    learner.replay.add(torch.zeros(1, 1), places, one, Outcome(torch.zeros(1, 3), never, never, ~never))
    learner.replay.add(torch.zeros(1, 1), places + 1, one, Outcome(torch.zeros(1, 3), never, never, never))
    loss, _, _ = learner._learn()
    wanted = 0.5 * (3.0 if double else 5.0)  # γ times what the target says of the chosen action
    assert float(loss) == pytest.approx(wanted - 0.5)  # Huber's, beyond 1
    assert network.values[0].tolist() == [0.0, 0.5]  # down a slope of 1


@pytest.mark.parametrize("make", [parallel, replayed])
def test_it_learns_the_line_exactly(make):
    """Q* = γ^(steps to the end − 1), and for a step away two more."""
    learner = make(Table(), epsilon=1.0, rows=8, **({"cut_traces": True} if make is parallel else {"updates": 4}))
    for number in range(400):
        torch.manual_seed(number)
        if make is replayed and number % 5 == 0:
            learner.target.load_state_dict(learner.model.state_dict())
        learner.step(number)
    right = [0.125, 0.25, 0.5, 1.0]
    left = [0.0625, 0.0625, 0.125, 0.25]
    torch.testing.assert_close(
        learner.model.values.data[:-1], torch.tensor([left, right]).T.contiguous(), atol=0.01, rtol=0
    )


def test_truncated_episodes_bootstrap_and_terminated_ones_do_not():
    """All episodes are cut off by `begin`; what they would have come to is learned nevertheless."""
    learner = replayed(Table(), rows=1, updates=4, epsilon=1.0)
    for number in range(400):
        torch.manual_seed(number)
        learner.target.load_state_dict(learner.model.state_dict())
        learner.step(number)
    assert learner.model.values[2, 1].item() == pytest.approx(0.0, abs=1e-3)  # from 3 nobody ever went on
    assert learner.replay._kept["truncated"].any()


def test_without_a_target_the_network_itself_judges():
    learner = replayed(Table(), target=False, epsilon=1.0, rows=8, updates=4)
    for number in range(400):
        torch.manual_seed(number)
        learner.step(number)
    assert "target" not in learner.state_dict()
    right = torch.tensor([0.125, 0.25, 0.5, 1])
    torch.testing.assert_close(learner.model.values[:4, 1].detach(), right, atol=0.01, rtol=0)


def test_the_mean_return_is_that_of_ended_episodes_alone():
    actors = Actors(Line())
    right = torch.ones(1, 3, dtype=torch.int64)
    assert float(actors.mean_return()) == 0
    for _ in range(2):
        actors.act(right)
    assert float(actors.mean_return()) == 1
    assert float(actors.mean_return()) == 1  # nothing ended since
    actors.world.reward_scale = 0.5
    for _ in range(2):
        actors.act(right)
    assert float(actors.mean_return()) == 2  # as the environment pays, not as the network is told


@pytest.mark.parametrize("make", [parallel, replayed])
def test_going_back_to_the_beginning_is_no_step(make):
    """All go right from squares 0, 1 and 2: of six rows each has one in which it only goes back."""
    learner = make(Table(torch.tensor([[0.0, 1.0]] * LENGTH)), epsilon=0.0, rows=6)
    assert learner.step(0).examples == 3 * 5


@pytest.mark.parametrize("make", [parallel, replayed])
def test_weights_out_of_all_bounds_are_a_fault(make):
    learner = make(Table())
    learner.step(7)
    assert learner.fault() is None
    with torch.no_grad():
        learner.model.values[2, 1] = float("inf")
    assert learner.fault() == Fault(7, {"weights' norm": float("inf")})
