"""Gradients against finite differences."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.autograd.backward import no_grad
from chainrule.autograd.tensor import Tensor
from chainrule.errors import GradientError, OperandError


@dataclass(frozen=True, order=True)
class Worst:
    """The element of all inputs at which a gradient and the finite difference are furthest from each other."""

    error: float
    """|gradient − difference| / max(1, |difference|)."""
    number: int
    """Which input it is in, counted from 0."""
    place: tuple[int, ...]
    """Where in that input."""
    gradient: float
    """By the rules."""
    difference: float
    """(f(x + step) − f(x − step)) / (2 step)."""


def gradcheck(
    function: Callable[..., Tensor], *inputs: Any, step: float = 1e-6, tolerance: float = 1e-6
) -> Worst | None:
    """Compares the gradients of a function with central differences, element by element, in float64.

    A function of several values is taken as one number: their sum with fixed weights, all different.

    Args:
        function: tensors → tensor; the same at every call, and smooth around the inputs.
        inputs: tensors, arrays or numbers, of which float64 copies are taken.
        step: how far an element is moved to either side.
        tolerance: the largest error allowed.

    Returns:
        The worst element; None where the inputs have none.

    Raises:
        GradientError: its error is larger, or not a number.
        OperandError: the function computes in float32, too coarse to compare.
    """
    tensors = [Tensor(np.array(x.data if isinstance(x, Tensor) else x, np.float64), requires_grad=True) for x in inputs]
    outputs = function(*tensors)
    if outputs.dtype != np.float64:
        raise OperandError("gradcheck was given a function that returns float32 for float64; compute in float64.")
    weights = np.cos(np.arange(1, outputs.data.size + 1)).reshape(outputs.shape)
    if outputs.requires_grad:
        outputs.backward(weights)
    found = []
    for number, tensor in enumerate(tensors):
        gradient = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad
        for place in np.ndindex(tensor.shape):
            middle, values = tensor.data[place], []
            for moved in (middle + step, middle - step):
                tensor.data[place] = moved
                with no_grad():
                    values.append(float((function(*tensors).data * weights).sum()))
            tensor.data[place] = middle
            difference = (values[0] - values[1]) / (2 * step)
            error = abs(float(gradient[place]) - difference) / max(1.0, abs(difference))
            error = np.inf if np.isnan(error) else error
            found.append(Worst(error, number, place, float(gradient[place]), difference))
    worst = max(found, default=None)
    if worst and worst.error > tolerance:
        raise GradientError(
            f"the gradient by input {worst.number} is {worst.gradient:.9g} at {worst.place} and the finite difference "
            f"{worst.difference:.9g}; correct the rule, or take inputs away from where the function has a kink."
        )
    return worst
