"""What every layer of a network took, gave and passed back, recorded while the network computes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

import chainrule.autograd as ag
from chainrule.autograd.backward import Array, Made


@dataclass(frozen=True)
class Call:
    """One call of a layer."""

    taken: Any
    """Its first input, which nothing else has: the gradient by it is the layer's own share."""
    given: Any
    """Its output, or the first of several."""


@dataclass(frozen=True)
class Record:
    """The calls of all layers by name, a part before the whole; the network's own name is empty."""

    calls: dict[str, list[Call]] = field(default_factory=dict)

    def add(self, name: str, call: Call) -> None:
        """Notes a call that has ended."""
        self.calls.setdefault(name, []).append(call)


def first_of(result: Any) -> Any:
    """The first of several results."""
    while isinstance(result, tuple | list):
        result = result[0]
    return result


def named_layers(network: ag.Module, prefix: str = "") -> Iterator[tuple[str, ag.Module]]:
    """A network and all modules within, by name."""
    yield prefix.removesuffix("."), network
    for name, part in network.named_parts():
        yield from named_layers(part, f"{prefix}{name}.")


def followed(tensor: Any) -> Any:
    """The same tensor, told to keep its gradient."""
    if isinstance(tensor, ag.Tensor | torch.Tensor) and tensor.requires_grad:
        tensor.retain_grad()
    return tensor


def passed_on(x: Array) -> Made:
    """Nothing: y = x;  dx = dy."""
    return x, lambda dy: dy


# Not in the table: none of those may be relied on that are looked at.
PASSED_ON = ag.Operation(passed_on, axes=[], promotes=False)


def another(tensor: Any) -> Any:
    """The same values as a tensor of its own, so that its gradient is the share of whoever takes it."""
    if isinstance(tensor, ag.Tensor):
        return followed(PASSED_ON(tensor))
    return followed(tensor.view_as(tensor)) if isinstance(tensor, torch.Tensor) else tensor


@contextmanager
def recorded(network: ag.Module) -> Iterator[Record]:
    """Records a network on our autograd while the block runs."""
    record = Record()

    def listening(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        def heard(*inputs: Any, **options: Any) -> Any:
            inputs = (*map(another, inputs[:1]), *inputs[1:])
            result = forward(*inputs, **options)
            record.add(name, Call(inputs[0] if inputs else None, followed(first_of(result))))
            return result

        return heard

    layers = list(named_layers(network))
    for name, layer in layers:
        layer.forward = listening(name, layer.forward)
    try:
        yield record
    finally:
        for _, layer in layers:
            del layer.forward  # the class's comes forth again


@contextmanager
def recorded_torch(network: nn.Module) -> Iterator[Record]:
    """Records a network of torch while the block runs."""
    record = Record()
    taken: dict[str, list[Any]] = {}

    def before(name: str) -> Callable[..., Any]:
        def hook(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            inputs = (*map(another, inputs[:1]), *inputs[1:])
            taken.setdefault(name, []).append(inputs[0] if inputs else None)
            return inputs

        return hook

    def after(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: tuple[Any, ...], result: Any) -> None:
            record.add(name, Call(taken[name].pop(), followed(first_of(result))))

        return hook

    with ExitStack() as hooks:
        for name, layer in network.named_modules():
            hooks.callback(layer.register_forward_pre_hook(before(name)).remove)
            hooks.callback(layer.register_forward_hook(after(name)).remove)
        yield record


def values_of(tensor: Any) -> Array:
    """A tensor's values, of either kind, for NumPy."""
    return np.asarray(tensor.data if isinstance(tensor, ag.Tensor) else tensor.detach().numpy())


def gradient_of(tensor: Any) -> Array | None:
    """The gradient by a tensor of either kind; zeros where it needs one and none came; None where it needs none."""
    if not isinstance(tensor, ag.Tensor | torch.Tensor) or not tensor.requires_grad:
        return None
    return np.zeros(tuple(tensor.shape)) if tensor.grad is None else np.asarray(tensor.grad)
