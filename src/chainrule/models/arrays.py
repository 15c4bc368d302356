"""Networks of `chainrule.autograd` in a model folder: built without memory, written and read with NumPy alone."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from chainrule.autograd import Module
from chainrule.errors import OperandError


class Blank(Generator):
    """Stands in for a generator where weights are to be loaded: what it draws takes no memory."""

    def __init__(self) -> None:
        super().__init__(PCG64(0))

    def uniform(self, low: Any = 0, high: Any = 1, size: Any = None) -> Any:  # noqa: ARG002
        """Zeros that are all one and the same."""
        return np.broadcast_to(np.float32(0), size)


def is_of_arrays(builder: Callable[..., Any]) -> bool:
    """Whether a family's builder makes a network of `chainrule.autograd`: it takes the generator of its weights."""
    return "generator" in inspect.signature(builder).parameters


def with_weights(
    builder: Callable[..., Module], arguments: Mapping[str, Any], weights: Mapping[str, NDArray[Any]]
) -> Module:
    """A network with these weights, ready to answer.

    Raises:
        TypeError: its builder takes other arguments.
        ValueError: names, shapes or types of the weights are not the network's.
    """
    if wrong := [name for name, values in weights.items() if values.dtype.kind != "f"]:
        raise ValueError(f"{min(wrong)} holds {weights[min(wrong)].dtype}, and weights are floating-point numbers")
    # Without memory first: a configuration may ask for more than there is.
    network = builder(**arguments, generator=Blank())
    try:
        network.load_state_dict(weights, assign=True)
    except OperandError as error:
        raise ValueError(str(error)) from error
    for parameter in network.parameters():
        parameter.requires_grad = False
    return network.eval()


def save_weights(network: Module, path: Path) -> None:
    """Writes a network's weights as safetensors, under the names that torch would give them."""
    from safetensors.numpy import save_file

    weights = {name: np.ascontiguousarray(values) for name, values in network.state_dict().items()}
    save_file(weights, path, metadata={"format": "pt"})
