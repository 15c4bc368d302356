"""Whole networks: in step with torch's of the same weights, and learning by themselves."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import chainrule.autograd as ag

GENERATOR = np.random.default_rng(0)
OPTIONS = {"generator": GENERATOR, "dtype": np.float64}


class Recurrent(ag.Module):
    """An LSTM's last state, classified."""

    def __init__(self):
        self.cell = ag.LSTMCell(3, 5, **OPTIONS)
        self.head = ag.Linear(5, 2, **OPTIONS)

    def forward(self, x):
        state = None
        for step in x.transpose(0, 1):
            state = self.cell(step, state)
        return self.head(state[0])


class RecurrentOfTorch(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        state = None
        for step in x.transpose(0, 1):
            state = self.cell(step, state)
        return self.head(state[0])


class Attentive(ag.Module):
    """One attention layer over embedded tokens, their mean classified."""

    def __init__(self):
        self.embedding = ag.Embedding(11, 4, **OPTIONS)
        self.attention = ag.MultiHeadAttention(4, 2, batch_first=True, **OPTIONS)
        self.norm = ag.LayerNorm(4, dtype=np.float64)
        self.head = ag.Linear(4, 2, **OPTIONS)

    def forward(self, tokens):
        x = self.embedding(tokens)
        x = self.norm(x + self.attention(x, x, x)[0])
        return self.head(ag.gelu(x).mean(1))


class AttentiveOfTorch(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)

    def forward(self, tokens):
        x = self.embedding(tokens)
        x = self.norm(x + self.attention(x, x, x)[0])
        return self.head(functional.gelu(x).mean(1))


NETWORKS = {
    "perceptron": (
        lambda: ag.Sequential(ag.Linear(7, 5, **OPTIONS), ag.tanh, ag.Linear(5, 2, **OPTIONS)),
        lambda: nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 2)),
        GENERATOR.normal(size=(13, 7)),
    ),
    "convolutional": (
        lambda: ag.Sequential(
            ag.Conv2d(1, 3, 3, padding=1, **OPTIONS),
            ag.BatchNorm(3, dtype=np.float64),
            ag.relu,
            lambda x: ag.max_pool2d(x, 2),
            lambda x: x.flatten(1),
            ag.Linear(12, 2, **OPTIONS),
        ),
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(12, 2),
        ),
        GENERATOR.normal(size=(13, 1, 4, 4)),
    ),
    "recurrent": (Recurrent, RecurrentOfTorch, GENERATOR.normal(size=(13, 7, 3))),
    "attentive": (Attentive, AttentiveOfTorch, GENERATOR.integers(0, 11, (13, 5))),
}
OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01, "weight_decay": 0.1},
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_learn_in_step_with_torchs(network, optimizer):
    make, make_other, inputs = NETWORKS[network]
    own, other = make(), make_other().double()
    other.load_state_dict({name: torch.tensor(values) for name, values in own.state_dict().items()})
    targets = np.random.default_rng(1).integers(0, 2, len(inputs))
    given = inputs if inputs.dtype == np.int64 else ag.Tensor(inputs)
    steps = getattr(ag, optimizer)(own.parameters(), **OPTIMIZERS[optimizer])
    reference = getattr(torch.optim, optimizer)(other.parameters(), **OPTIMIZERS[optimizer])
    losses = []
    for _ in range(30):
        steps.zero_grad()
        loss = ag.cross_entropy(own(given), targets)
        loss.backward()
        norm = ag.clip_grad_norm(own.parameters(), 0.5)
        steps.step()

        reference.zero_grad()
        expected = functional.cross_entropy(other(torch.from_numpy(inputs)), torch.from_numpy(targets))
        expected.backward()
        assert norm == pytest.approx(float(nn.utils.clip_grad_norm_(other.parameters(), 0.5)), rel=1e-6)
        reference.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    for name, values in other.state_dict().items():
        np.testing.assert_allclose(own.state_dict()[name], values.numpy(), rtol=1e-5, atol=1e-7, err_msg=name)


def test_three_points_are_learned_exactly():
    x, y = ag.Tensor([[1, 0], [0, 1], [1, 1]]), np.array([[0.0], [1.0], [1.0]])
    network = ag.Sequential(
        ag.Linear(2, 4, generator=np.random.default_rng(0)),
        ag.tanh,
        ag.Linear(4, 1, generator=np.random.default_rng(1)),
    )
    optimizer = ag.Adam(network.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        ag.binary_cross_entropy_with_logits(network(x), y).backward()
        optimizer.step()
    with ag.no_grad():
        answers = ag.sigmoid(network(x)).data
    np.testing.assert_allclose(answers, y, atol=0.02)


def test_two_intertwined_spirals_are_told_apart():
    angle = np.linspace(0.5, 3 * np.pi, 100)
    arm = np.stack([angle * np.cos(angle), angle * np.sin(angle)], 1) / 5
    x, y = ag.Tensor(np.concatenate([arm, -arm]), dtype=np.float32), np.repeat([0, 1], 100)
    generator = np.random.default_rng(0)
    network = ag.Sequential(
        ag.Linear(2, 32, generator=generator),
        ag.relu,
        ag.Linear(32, 32, generator=generator),
        ag.relu,
        ag.Linear(32, 2, generator=generator),
    )
    optimizer = ag.Adam(network.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        ag.cross_entropy(network(x), y).backward()
        optimizer.step()
    assert np.mean(network(x).data.argmax(1) == y) == 1.0


def adversaries(linear, rectifier, sequence):
    """A critic of numbers, and a maker of them from noise."""
    return [sequence(linear(size, 5), rectifier(), linear(5, 1)) for size in (1, 2)]


def test_adversaries_learn_in_step_with_torchs():
    own = adversaries(lambda *sizes: ag.Linear(*sizes, **OPTIONS), lambda: ag.leaky_relu, ag.Sequential)
    other = [network.double() for network in adversaries(nn.Linear, nn.LeakyReLU, nn.Sequential)]
    for network, reference in zip(own, other, strict=True):
        reference.load_state_dict({name: torch.tensor(values) for name, values in network.state_dict().items()})
    sides = (
        (own, ag.Adam, ag.binary_cross_entropy_with_logits, ag.concatenate, ag.Tensor, np.asarray),
        (
            other,
            torch.optim.Adam,
            functional.binary_cross_entropy_with_logits,
            lambda *parts: torch.cat(parts),
            torch.from_numpy,
            torch.from_numpy,
        ),
    )
    for (critic, maker), adam, surprise, join, tensor, target in sides:
        generator = np.random.default_rng(5)
        judging, making = adam(critic.parameters(), lr=0.02), adam(maker.parameters(), lr=0.01)
        for _ in range(20):
            real, noise = generator.normal(3, 0.5, (8, 1)), generator.normal(size=(8, 2))
            made = maker(tensor(noise))
            judging.zero_grad()
            scores = critic(join(tensor(real), made.detach()))
            surprise(scores, target(np.repeat([[1.0], [0.0]], 8, axis=0))).backward()
            judging.step()
            making.zero_grad()
            surprise(critic(made), target(np.ones((8, 1)))).backward()
            making.step()
    for network, reference in zip(own, other, strict=True):
        for name, values in reference.state_dict().items():
            np.testing.assert_allclose(network.state_dict()[name], values.numpy(), rtol=1e-7, err_msg=name)
