"""Networks over vectors and over mazes beside plain torch, and values that spread beside value iteration."""

import pytest
import torch
from torch import nn

from chainrule.environments.maze_generators import make_mazes
from chainrule.environments.walks import Tasks
from chainrule.models.q_network import VectorQNetwork, dueled
from chainrule.models.value_propagation import ValuePropagation, framed, neighbourhoods, spread


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


def test_a_round_by_hand():
    values = torch.full((1, 3, 4, 1), -9.0)
    values[0, 1, 1], values[0, 0, 2], values[0, 1, 3] = 1.0, 4.0, 2.0
    share, gain = torch.full((1, 1, 2, 1), 0.5), torch.full((1, 1, 2, 1), -1.0)
    # (1, 1) has nothing better beside it than -9 · ½ - 1; (1, 2) has 4 above: 4 · ½ - 1.
    assert spread(values, share, gain).flatten().tolist() == [1.0, 1.0]


def test_values_spread_to_what_value_iteration_gives():
    """With share γ and gain r where one can walk, and a share of 0 and a low gain in walls."""
    tasks, scenes = mazes(5, 4, 6)
    discount, reward, goal_value = 0.9, -0.05, 1.0
    free = (scenes[:, 0] == 0).permute(1, 2, 0)[None]
    goal = scenes[:, 1].permute(1, 2, 0)[None] == 1
    start = torch.where(goal, goal_value, -3.0)
    share, gain = torch.where(free, discount, 0.0), torch.where(free, reward, -3.0)
    network = ValuePropagation(channels=1)
    reached = network._reached(start, share[:, 1:-1, 1:-1], gain[:, 1:-1, 1:-1])
    from chainrule.environments.distances import distances

    away = torch.from_numpy(distances(tasks.walls, tasks.goals)).permute(1, 2, 0)[None]
    wanted = discount**away * goal_value + reward * (1 - discount**away) / (1 - discount)
    torch.testing.assert_close(reached[free], wanted[free].float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("layer_norm", "dueling"), [(False, False), (True, True)])
def test_one_network_takes_mazes_of_every_size(layer_norm, dueling):
    torch.manual_seed(3)
    network = ValuePropagation(channels=2, hidden_size=11, layer_norm=layer_norm, dueling=dueling)
    for rows, columns in ((2, 3), (7, 5)):
        _, scenes = mazes(3, rows, columns)
        values = network(scenes)
        assert values.shape == (3, (2 * rows + 1) * (2 * columns + 1), 4)
        assert torch.isfinite(values).all()
        assert (values.view(3, 2 * rows + 1, -1, 4)[:, 0] == 0).all()
        for place in range(3):  # what other mazes are there does not matter
            torch.testing.assert_close(network(scenes[place : place + 1])[0], values[place], rtol=1e-4, atol=1e-5)


def test_the_last_rounds_have_the_gradient_of_plain_torch():
    """Where all rounds are learned the gradient is that of the whole, written in another way."""
    torch.manual_seed(4)
    _, scenes = mazes(3, 2, 3)
    network = ValuePropagation(channels=2, hidden_size=11, rounds_learned=9).double()
    network._reached = lambda start, *_: start.clone()
    scenes = scenes.double()

    def plain():
        planes = scenes.permute(1, 2, 3, 0)
        first, logits, gain = network.look(neighbourhoods(planes)).chunk(3)
        values = framed(first, -3.0)
        for _ in range(9):
            beside = [values.roll(way, axis) for axis in (1, 2) for way in (1, -1)]
            around = torch.stack(beside).amax(dim=0)[:, 1:-1, 1:-1]
            moved = logits.sigmoid() * around + gain
            values = framed(torch.maximum(values[:, 1:-1, 1:-1], moved), -3.0)
        return network.read(neighbourhoods(torch.cat([values, planes])))

    weight = torch.randn(4, dtype=torch.float64)
    (network(scenes).view(3, 5, 7, 4)[:, 1:-1, 1:-1] * weight).sum().backward()
    ours = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    (plain() * weight[:, None, None, None]).sum().backward()
    for found, parameter in zip(ours, network.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad)
