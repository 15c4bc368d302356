"""Networks over vectors and over mazes beside plain torch, and what is learned of mazes beside value iteration."""

import pytest
import torch
from torch import nn

from chainrule.environments.distances import distances
from chainrule.environments.maze_generators import make_mazes
from chainrule.environments.walks import Tasks
from chainrule.models.q_network import VectorQNetwork, dueled
from chainrule.models.value_iteration import ValueIteration, beside, neighbourhoods


def mazes(count, rows, columns):
    import numpy as np

    walls = make_mazes(np.arange(count), rows=rows, columns=columns)
    goals = np.full(count, 2 * columns + 2)  # the first cell
    tasks = Tasks(walls, goals, goals)
    return tasks, torch.from_numpy(tasks.scenes()).float()


def test_dueling_is_value_and_advantage_less_its_mean():
    outputs = torch.tensor([[10.0, 1.0, 2.0, 6.0]])
    assert dueled(outputs).tolist() == [[8.0, 9.0, 13.0]]
    torch.manual_seed(0)
    many = torch.randn(5, 7, 4)
    assert torch.allclose(dueled(many).mean(dim=-1), many[..., 0], atol=1e-6)
    assert torch.equal(dueled(many).argmax(dim=-1), many[..., 1:].argmax(dim=-1))


@pytest.mark.parametrize("dueling", [False, True])
def test_the_vector_network_is_what_its_equation_says(dueling):
    torch.manual_seed(1)
    network = VectorQNetwork(input_size=5, hidden_sizes=(7, 11), actions=3, dueling=dueling)
    vectors = torch.randn(13, 5)
    hidden = vectors
    for place in (0, 3):
        linear, norm = network.hidden[place], network.hidden[place + 1]
        raw = hidden @ linear.weight.T + linear.bias
        centred = raw - raw.mean(1, keepdim=True)
        scaled = centred / (raw.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        hidden = (scaled * norm.weight + norm.bias).relu()
    outputs = hidden @ network.output.weight.T + network.output.bias
    wanted = dueled(outputs) if dueling else outputs
    torch.testing.assert_close(network(vectors), wanted[:, None])
    assert network.forward_flops(vectors) == 2 * 13 * (5 * 7 + 7 * 11 + 11 * (3 + dueling))


def test_neighbourhoods_with_a_linear_layer_are_a_convolution():
    torch.manual_seed(2)
    maps, weight, bias = torch.randn(3, 7, 11, 5), torch.randn(13, 9 * 3), torch.randn(13)
    convolved = nn.functional.conv2d(
        maps.permute(3, 0, 1, 2), weight.view(13, 9, 3).transpose(1, 2).reshape(13, 3, 3, 3), bias
    )
    ours = torch.einsum("oi,ihws->ohws", weight, neighbourhoods(maps)) + bias[:, None, None, None]
    torch.testing.assert_close(ours, convolved.permute(1, 2, 3, 0), rtol=1e-4, atol=1e-4)


def rules(scenes, discount, reward):
    """What value iteration needs to know of mazes: b, γm and γc, each (4, height - 2, width - 2, scenes)."""
    walls, goals = (scenes[:, plane].permute(1, 2, 0) for plane in (0, 1))
    blocked, arrives = beside(walls), beside(goals)
    gain = reward + arrives
    return gain, discount * (1 - blocked) * (1 - arrives), discount * blocked


def test_a_round_by_hand():
    network = ValueIteration(lowest=-9.0, discount=0.5)
    values = torch.tensor([[0.0, 1.0, 0.0], [8.0, 3.0, 2.0], [0.0, 4.0, 0.0]])[..., None]
    assert beside(values).flatten().tolist() == [1.0, 2.0, 4.0, 8.0]  # up, right, down, left
    gain = torch.tensor([10.0, 20.0, 30.0, 40.0]).view(4, 1, 1, 1)
    moves, stays = torch.full((4, 1, 1, 1), 0.25), torch.full((4, 1, 1, 1), 2.0)
    found = network.judged(values, gain, moves, stays)
    assert found.flatten().tolist() == [10.25 + 6, 20.5 + 6, 31 + 6, 42 + 6]


def test_with_the_true_rules_it_is_value_iteration():
    """Also where a maze has a way as long as it can be: all rounds that it needs are done."""
    tasks, scenes = mazes(5, 4, 6)
    discount, reward = 0.9, -0.05
    network = ValueIteration(lowest=-0.5, discount=discount)
    known = rules(scenes, discount, reward)
    network.rules = lambda _: known
    values = network(scenes).amax(dim=2).view(5, 9, 13)
    free = (scenes[:, 0] == 0) & (scenes[:, 1] == 0)
    away = torch.from_numpy(distances(tasks.walls, tasks.goals))
    wanted = discount ** (away - 1) + reward * (1 - discount**away) / (1 - discount)
    torch.testing.assert_close(values[free], wanted[free].float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dueling", [False, True])
def test_the_rules_are_chances(dueling):
    torch.manual_seed(5)
    network = ValueIteration(lowest=-1.0, discount=0.7, hidden_size=11, dueling=dueling)
    _, scenes = mazes(3, 2, 5)
    gain, moves, stays = network.rules(scenes.permute(1, 2, 3, 0))
    outputs = network.look(neighbourhoods(scenes.permute(1, 2, 3, 0)))
    own, logits = outputs[: 4 + dueling], outputs[4 + dueling :]
    wanted = own[:1] + own[1:] - own[1:].mean(0) if dueling else own
    torch.testing.assert_close(gain, wanted)
    powers = logits.view(3, 4, *logits.shape[1:]).exp()
    torch.testing.assert_close(moves, 0.7 * powers[0] / powers.sum(0))
    torch.testing.assert_close(stays, 0.7 * powers[1] / powers.sum(0))


@pytest.mark.parametrize(("layer_norm", "dueling"), [(False, False), (True, True)])
def test_one_network_takes_mazes_of_every_size(layer_norm, dueling):
    torch.manual_seed(3)
    network = ValueIteration(lowest=-1.0, discount=0.9, hidden_size=11, layer_norm=layer_norm, dueling=dueling)
    for rows, columns in ((2, 3), (7, 5)):
        _, scenes = mazes(3, rows, columns)
        values = network(scenes)
        assert values.shape == (3, (2 * rows + 1) * (2 * columns + 1), 4)
        assert torch.isfinite(values).all()
        assert (values.view(3, 2 * rows + 1, -1, 4)[:, 0] == 0).all()
        for place in range(3):  # what other mazes are there does not matter
            torch.testing.assert_close(network(scenes[place : place + 1])[0], values[place], rtol=1e-4, atol=1e-4)


def test_the_last_rounds_have_the_gradient_of_plain_torch():
    """Where all rounds are learned the gradient is that of the whole, written in another way."""
    torch.manual_seed(4)
    _, scenes = mazes(3, 2, 3)
    network = ValueIteration(lowest=-2.0, discount=0.9, hidden_size=11, rounds_learned=9).double()
    network._settled = lambda _, shape: torch.full((*shape[2:], shape[0]), -2.0, dtype=torch.float64)
    scenes = scenes.double()

    def plain():
        gain, moves, stays = network.rules(scenes.permute(1, 2, 3, 0))
        values = torch.full((5, 7, 3), -2.0, dtype=torch.float64)
        for _ in range(9):
            ways = [values.roll(way, axis) for way, axis in ((1, 0), (-1, 1), (-1, 0), (1, 1))]
            around = torch.stack(ways)[:, 1:-1, 1:-1]
            found = gain + moves * around + stays * values[1:-1, 1:-1]
            values = nn.functional.pad(found.amax(0), (0, 0, 1, 1, 1, 1), value=-2.0)
        return found

    weight = torch.randn(4, dtype=torch.float64)
    (network(scenes).view(3, 5, 7, 4)[:, 1:-1, 1:-1] * weight).sum().backward()
    ours = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    (plain() * weight[:, None, None, None]).sum().backward()
    for found, parameter in zip(ours, network.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad)
