"""The networks of torch once more on our autograd: the same layers, parameters and names.

They are there to be compared with, layer by layer; dropout and noise must be off, for both would draw differently.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import nn

import chainrule.autograd as ag
from chainrule.errors import UsageError
from chainrule.models.cnn import ConvolutionalNetwork
from chainrule.models.lstm import BidirectionalLstm, SequenceClassifier, pieces_of, turned_round
from chainrule.models.mlp import MultilayerPerceptron

State = tuple[ag.Tensor, ag.Tensor]
FIRST = np.random.default_rng(0)  # draws weights that others take the place of


def twin(layer: nn.Module) -> ag.Module:
    """A layer or network of torch on our autograd, with first weights of its own, in float32.

    Args:
        layer: its class, of which `TWINS` tells how it is built here.

    Raises:
        UsageError: it is, or holds, a layer of another class.
    """
    if type(layer) not in TWINS:
        raise UsageError(
            f"{type(layer).__name__} has no twin on our autograd; tell chainrule.models.twins.TWINS how to build it."
        )
    return TWINS[type(layer)](layer)


def torch_twin(network: ag.Sequential) -> nn.Sequential:
    """A network of linear layers and plain functions in torch, with the same weights.

    Raises:
        UsageError: it holds something else.
    """
    layers: list[nn.Module] = []
    for name, part in network.named_parts():
        function = part.function if isinstance(part, ag.Lambda) else None
        if isinstance(part, ag.Linear):
            size = part.weight.shape
            layers.append(nn.Linear(size[1], size[0], bias=part.bias is not None, dtype=torch.float64))
        elif isinstance(function, ag.Operation) and function.name in FUNCTIONS:
            layers.append(FUNCTIONS[function.name]())
        else:
            raise UsageError(
                f"part {name} of the network has no twin in torch, which Linear, {', '.join(FUNCTIONS)} have."
            )
    other = nn.Sequential(*layers)
    other.load_state_dict({name: torch.tensor(values) for name, values in network.state_dict().items()})
    return other


def converted(network: ag.Module, dtype: DTypeLike) -> ag.Module:
    """The same network, its parameters now in another type."""
    for parameter in network.parameters():
        parameter.data = parameter.data.astype(dtype)
    return network


FUNCTIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}


class Chain(ag.Module):
    """The parts of a network one after the other, under the names that they have in torch."""

    def __init__(self, network: nn.Module) -> None:
        self.order = [name for name, _ in network.named_children()]
        for name, layer in network.named_children():
            setattr(self, name, twin(layer))

    def forward(self, x: Any) -> Any:
        """What the last part makes."""
        for name in self.order:
            x = getattr(self, name)(x)
        return x


class Lstm(ag.Module):
    """An `nn.LSTM` of one layer and one direction, step by step."""

    def __init__(self, lstm: nn.LSTM) -> None:
        cell = ag.LSTMCell(lstm.input_size, lstm.hidden_size, bias=lstm.bias, generator=FIRST)
        self.weight_ih_l0, self.weight_hh_l0 = cell.weight_ih, cell.weight_hh
        self.bias_ih_l0, self.bias_hh_l0 = cell.bias_ih, cell.bias_hh
        self._cell = (cell,)  # in a tuple, which hides its own names for these parameters

    def forward(self, steps: ag.Tensor, state: State | None = None) -> tuple[ag.Tensor, State | None]:
        """(time, batch, input) → what it shows, (time, batch, hidden), and its last (h, c)."""
        shown = []
        for step in steps:  # (batch, input)
            state = self._cell[0](step, state)
            shown.append(state[0])
        return ag.stack(shown, dim=0), state


class Bidirectional(ag.Module):
    """A `BidirectionalLstm`."""

    def __init__(self, lstm: BidirectionalLstm) -> None:
        self.forwards, self.backwards = Lstm(lstm.forwards), Lstm(lstm.backwards)

    def forward(self, steps: ag.Tensor, lengths: NDArray[np.int64]) -> ag.Tensor:
        """Maximum and mean over time of what each direction shows, (batch, 4 hidden)."""
        longest_first = np.argsort(-lengths, kind="stable")
        ordered, time = torch.from_numpy(lengths[longest_first]), steps.shape[1]
        upwards = np.broadcast_to(np.arange(time), (len(lengths), time))
        pooled = []
        for lstm, places in ((self.forwards, upwards), (self.backwards, turned_round(ordered, time).numpy())):
            inputs = steps[longest_first, places.T]  # (time, batch, input)
            pooled += summed_up(lstm, inputs, lengths[longest_first], pieces_of(ordered, time))
        return ag.concatenate(*pooled, dim=1)[np.argsort(longest_first)]


def summed_up(lstm: Lstm, inputs: ag.Tensor, lengths: NDArray[np.int64], pieces: list[Any]) -> list[ag.Tensor]:
    """See `lstm._summed_up`."""
    shape = (inputs.shape[1], lstm.weight_hh_l0.shape[1])
    high = ag.Tensor(np.full(shape, -np.inf, inputs.dtype))  # (batch, hidden)
    total = ag.Tensor(np.zeros(shape, inputs.dtype))
    state = None
    for rows, start, end in pieces:
        if state is not None:
            state = (state[0][:rows], state[1][:rows])
        shown, state = lstm(inputs[start:end, :rows], state)  # (piece, rows, hidden)
        absent = (np.arange(start, end)[:, None] >= lengths[:rows])[..., None]
        high = ag.concatenate(ag.maximum(high[:rows], ag.where(absent, -np.inf, shown).amax(0)), high[rows:])
        total = ag.concatenate(total[:rows] + ag.where(absent, 0, shown).sum(0), total[rows:])
    return [high, total / lengths[:, None]]


class Classifier(ag.Module):
    """A `SequenceClassifier`."""

    def __init__(self, network: SequenceClassifier) -> None:
        self.lstm, self.head = Bidirectional(network.lstm), twin(network.head)

    def forward(self, steps: ag.Tensor, lengths: NDArray[np.int64]) -> ag.Tensor:
        """(batch, time, input) and lengths, (batch,) → scores (batch, classes)."""
        scores: ag.Tensor = self.head(self.lstm(steps, lengths))
        return scores


def of(function: Callable[[Any, Any], Any]) -> Callable[[Any], ag.Module]:
    """Builds a layer that is a function of torch's layer and of its input."""
    return lambda layer: ag.Lambda(partial(function, layer))


TWINS: dict[type[nn.Module], Callable[[Any], ag.Module]] = {
    nn.Linear: lambda layer: ag.Linear(
        layer.in_features, layer.out_features, bias=layer.bias is not None, generator=FIRST
    ),
    nn.Conv2d: lambda layer: ag.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        bias=layer.bias is not None,
        generator=FIRST,
    ),
    nn.BatchNorm2d: lambda layer: ag.BatchNorm(layer.num_features, eps=layer.eps, momentum=layer.momentum),
    nn.LayerNorm: lambda layer: ag.LayerNorm(layer.normalized_shape, eps=layer.eps),
    nn.GELU: of(lambda layer, x: ag.gelu(x, layer.approximate)),
    nn.ReLU: of(lambda _, x: ag.relu(x)),
    nn.LeakyReLU: of(lambda layer, x: ag.leaky_relu(x, layer.negative_slope)),
    nn.Tanh: of(lambda _, x: ag.tanh(x)),
    nn.Sigmoid: of(lambda _, x: ag.sigmoid(x)),
    nn.MaxPool2d: of(lambda layer, x: ag.max_pool2d(x, layer.kernel_size, layer.stride, layer.padding)),
    nn.AdaptiveAvgPool2d: of(lambda _, x: x.mean((2, 3), keepdim=True)),  # to one place
    nn.Flatten: of(lambda layer, x: x.flatten(layer.start_dim)),
    nn.Dropout: of(lambda _, x: x),  # off
    nn.LSTM: Lstm,
    nn.Sequential: Chain,
    MultilayerPerceptron: Chain,
    ConvolutionalNetwork: Chain,
    BidirectionalLstm: Bidirectional,
    SequenceClassifier: Classifier,
}
"""How each class of torch's layers is built on our autograd, from one of them."""
