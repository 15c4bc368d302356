"""The perceptron and the convolutional networks against their equations and torch's own count of operations."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from chainrule.models.cnn import article_network, small_network
from chainrule.models.mlp import MultilayerPerceptron


def test_perceptron_equals_its_equation():
    torch.manual_seed(1)
    model = MultilayerPerceptron(input_size=7, hidden_sizes=(5, 3), output_size=2).eval()
    x = torch.randn(11, 7)
    weights = dict(model.named_parameters())
    h = x
    for layer in ("hidden.0", "hidden.3"):
        h = torch.nn.functional.gelu(h @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"])
    expected = h @ weights["output.weight"].T + weights["output.bias"]
    torch.testing.assert_close(model(x), expected)


def test_without_hidden_layers_it_is_linear_regression():
    model = MultilayerPerceptron(input_size=3, hidden_sizes=(), output_size=1)
    assert [name for name, _ in model.named_parameters()] == ["output.weight", "output.bias"]


NETWORKS = {
    "small, halving first": (
        lambda: small_network(channels=3, classes=7, widths=(5, 7, 11), halves_first=True),
        (3, 3, 37, 29),
    ),
    "small, digits": (lambda: small_network(channels=1, classes=10, widths=(3, 5)), (2, 1, 8, 8)),
    "small, colour": (lambda: small_network(channels=3, classes=7, widths=(5, 7, 11)), (3, 3, 37, 29)),
    "article": (lambda: article_network(channels=3, classes=10, height=32, width=32), (2, 3, 32, 32)),
    "article, oblong": (lambda: article_network(channels=1, classes=5, height=19, width=31), (2, 1, 19, 31)),
    "perceptron": (lambda: MultilayerPerceptron(input_size=7, hidden_sizes=(5, 3), output_size=2), (11, 7)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_operations_are_those_torch_counts(name):
    build, shape = NETWORKS[name]
    model, inputs = build().eval(), torch.randn(shape)
    with FlopCounterMode(display=False) as counter:
        model(inputs)
    assert model.forward_flops(inputs) == counter.get_total_flops()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_learns(name):
    build, shape = NETWORKS[name]
    torch.manual_seed(1)
    model = build()
    model(torch.randn(shape)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_a_convolution_equals_its_sum():
    torch.manual_seed(1)
    model = article_network(channels=2, classes=3, height=18, width=18)
    first, x = model.features[0], torch.randn(1, 2, 18, 18)
    i, j, o = 4, 9, 21
    expected = first.bias[o] + sum(
        first.weight[o, c, u, v] * x[0, c, i + u, j + v] for c in range(2) for u in range(3) for v in range(3)
    )
    torch.testing.assert_close(first(x)[0, o, i, j], expected)


def test_the_article_network_is_the_well_known_one():
    model = article_network(channels=3, classes=10, height=32, width=32)
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")]
    assert shapes == [(32, 3, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (64, 1024), (10, 64)]
    assert sum(p.numel() for p in model.parameters()) == 122_570  # as Keras prints for it
