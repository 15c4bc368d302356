"""The multilayer perceptron on our own autograd, which needs NumPy alone."""

from collections.abc import Sequence
from itertools import pairwise

from numpy.random import Generator

from chainrule.autograd import Linear, Module, Operation, Sequential, gelu, relu, tanh
from chainrule.errors import UnknownNameError

ACTIVATIONS: dict[str, Operation] = {"tanh": tanh, "relu": relu, "gelu": gelu}


def perceptron(
    *,
    input_size: int,
    hidden_sizes: Sequence[int],
    output_size: int,
    activation: str = "tanh",
    generator: Generator,
) -> Sequential:
    """Layers of weighted sums, each followed by a nonlinearity, the last by none.

        h_0 = x,   h_l = activation(W_l h_{l-1} + b_l),   y = W_L h_{L-1} + b_L

    Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323, 1986; they have
    the logistic function where this has tanh, the same curve from -1 to 1.

    Args:
        input_size: values an example, ≥ 1.
        hidden_sizes: units of each hidden layer.
        output_size: values to give, ≥ 1: classes, or 1 for regression.
        activation: the nonlinearity, a key of `ACTIVATIONS`.
        generator: draws the first weights.

    Returns:
        A network (batch, input) → (batch, output). Its weights have the names of a `torch.nn.Sequential` of the same
        layers: "0.weight", "0.bias", "2.weight" and so on.
    """
    if activation not in ACTIVATIONS:
        raise UnknownNameError("activation", activation, list(ACTIVATIONS))
    sizes = [input_size, *hidden_sizes]
    steps = [
        step
        for before, after in pairwise(sizes)
        for step in (Linear(before, after, generator=generator), ACTIVATIONS[activation])
    ]
    return Sequential(*steps, Linear(sizes[-1], output_size, generator=generator))


def forward_flops(network: Module, examples: int) -> float:
    """Two operations a weight and example; biases and activations do not count."""
    return 2.0 * examples * sum(weight.data.size for weight in network.parameters() if weight.data.ndim > 1)
