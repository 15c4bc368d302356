"""Every layer that has a twin on our autograd computes what it does, forward and backward."""

import numpy as np
import pytest
import torch
from torch import nn

import chainrule.autograd as ag
from chainrule.errors import UsageError
from chainrule.learners.lockstep import first_fault, in_lockstep
from chainrule.models import lstm as lstms
from chainrule.models.cnn import article_network, small_network
from chainrule.models.lstm import BidirectionalLstm, lstm_sequence_classifier
from chainrule.models.mlp import MultilayerPerceptron
from chainrule.models.twins import FUNCTIONS, TWINS, converted, torch_twin, twin

GENERATOR = np.random.default_rng(0)
ROWS, PICTURES = GENERATOR.normal(size=(5, 7)), GENERATOR.normal(size=(3, 2, 11, 13))
STEPS, LENGTHS = GENERATOR.normal(size=(5, 7, 3)), np.array([2, 7, 1, 7, 3])
LAYERS = {
    "linear": (nn.Linear(7, 3), [ROWS]),
    "linear without bias": (nn.Linear(7, 3, bias=False), [ROWS]),
    "conv2d": (nn.Conv2d(2, 5, (3, 2), stride=(2, 1), padding=(1, 0)), [PICTURES]),
    "conv2d without bias": (nn.Conv2d(2, 5, 3, bias=False), [PICTURES]),
    "batch norm": (nn.BatchNorm2d(2, eps=1e-3), [PICTURES]),
    "layer norm": (nn.LayerNorm(7, eps=1e-3), [ROWS]),
    "max pooling": (nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(3, 2, 1)), [PICTURES]),
    "mean over places": (nn.Sequential(nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1)), [PICTURES]),
    "flatten": (nn.Sequential(nn.Flatten(), nn.Linear(286, 3)), [PICTURES]),
    **{
        type(function).__name__: (nn.Sequential(nn.Linear(7, 5), function), [ROWS])
        for function in (
            nn.GELU(),
            nn.GELU("tanh"),
            nn.ReLU(),
            nn.LeakyReLU(0.2),
            nn.Tanh(),
            nn.Sigmoid(),
            nn.Dropout(0),
        )
    },
    "lstm": (nn.LSTM(3, 5), [STEPS]),
    "lstm without bias": (nn.LSTM(3, 5, bias=False), [STEPS]),
    "bidirectional": (BidirectionalLstm(input_size=3, hidden_size=5), [STEPS, LENGTHS]),
    "sequences": (lstm_sequence_classifier(input_size=3, hidden_size=5, classes=2), [STEPS, LENGTHS]),
    "perceptron": (MultilayerPerceptron(input_size=7, hidden_sizes=(5, 3), output_size=2), [ROWS]),
    "small network": (small_network(channels=2, classes=3, widths=(5, 7), dropout=0.0), [PICTURES]),
    "article's network": (
        article_network(channels=1, classes=3, height=18, width=19),
        [GENERATOR.normal(size=(2, 1, 18, 19))],
    ),
}


def first(outputs):
    return outputs[0] if isinstance(outputs, tuple) else outputs


def weights(shape):
    return np.cos(np.arange(1, np.prod(shape) + 1)).reshape(shape)


def agree(own, other, inputs):
    rows = in_lockstep(
        own,
        other,
        inputs,
        lambda y: (first(y) * weights(first(y).shape)).sum(),
        lambda y: (first(y) * torch.from_numpy(weights(tuple(first(y).shape)))).sum(),
        tolerance=1e-11,
    )
    assert first_fault(rows) is None
    return [row for row in rows if row.layer != "loss"]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_and_its_twin_agree(name):
    layer, inputs = LAYERS[name]
    other = layer.double()
    rows = agree(converted(twin(other), np.float64), other, inputs)
    compared = {row.layer for row in rows}
    # Wholes that only pass on what their last part makes have no row of their own.
    parts = {name or "network" for name, module in other.named_modules() if not list(module.children())}
    assert parts - {"dropout"} <= compared
    assert sum(len(row.parameters) for row in rows) == len(list(other.parameters()))


def test_every_twin_is_compared_here():
    used = {type(module) for layer, _ in LAYERS.values() for module in layer.modules()}
    assert used == TWINS.keys()


def test_a_batch_that_is_cut_in_time_is_cut_alike(monkeypatch):
    monkeypatch.setattr(lstms, "PIECE_STEPS", 2)
    monkeypatch.setattr(lstms, "PIECE_ROWS", 1)
    monkeypatch.setattr(lstms, "WORTHWHILE", 1)
    other = BidirectionalLstm(input_size=3, hidden_size=5).double()
    assert len(lstms.pieces_of(torch.tensor(sorted(LENGTHS)[::-1]), 7)) == 3
    agree(converted(twin(other), np.float64), other, [STEPS, LENGTHS])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_network_of_ours_and_its_twin_agree(function):
    own = ag.Sequential(
        ag.Linear(7, 5, generator=GENERATOR), ag.OPERATIONS[function], ag.Linear(5, 3, bias=False, generator=GENERATOR)
    )
    before = {name: values.astype(np.float64) for name, values in own.state_dict().items()}
    other = torch_twin(own).double()
    rows = agree(converted(own, np.float64), other, [ROWS])
    assert [row.layer for row in rows] == ["0", "1", "2"]
    for name, values in own.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


def test_what_has_no_twin_is_refused():
    with pytest.raises(
        UsageError, match=r"Bilinear has no twin on our autograd; tell chainrule.models.twins.TWINS how to"
    ):
        twin(nn.Sequential(nn.Bilinear(2, 3, 5)))
    with pytest.raises(UsageError, match="part 0 of the network has no twin in torch, which Linear, relu, tanh,"):
        torch_twin(ag.Sequential(lambda x: x * 2))
    with pytest.raises(UsageError, match="part 0 of the network has no twin in torch"):
        torch_twin(ag.Sequential(ag.LayerNorm(3)))
