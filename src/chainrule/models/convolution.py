"""A convolution whose gradient can be differentiated as fast as the convolution itself.

torch's own second derivative convolves pictures with pictures, channels and examples exchanged: kernels as large as
the picture, several times slower than what follows from the rules of the convolution. Where no gradient is going to be
differentiated, torch's own is faster: it does not come back to Python.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.models.working_type import working_type

_BACKWARD = torch.ops.aten.convolution_backward
_TWICE = ContextVar("differentiated_twice", default=False)


@contextmanager
def differentiated_twice(*, wanted: bool = True) -> Iterator[None]:
    """Says that gradients of what a `Convolution` computes in here, in this thread, are going to be differentiated.

    Without it they can be as well, by torch's own slower way.

    Args:
        wanted: false where they are not, for callers that do so now and then.
    """
    token = _TWICE.set(wanted)
    try:
        yield
    finally:
        _TWICE.reset(token)


def convolution_gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, groups: int = 1, *, mask: tuple[bool, bool, bool]
) -> Any:
    """Gradients of a convolution that keeps height and width.

    Args:
        gradient: of the result, (batch, outputs, height, width).
        x: what was convolved, (batch, inputs, height, width).
        weight: (outputs, inputs / groups, k, k), k odd.
        groups: of channels.
        mask: whether those of x, weight and bias are wanted.

    Returns:
        The three; None for what is not wanted.
    """
    padding = [size // 2 for size in weight.shape[2:]]
    shape = {"stride": [1, 1], "padding": padding, "dilation": [1, 1], "transposed": False, "output_padding": [0, 0]}
    return _BACKWARD(gradient, x, weight, [weight.shape[0]], **shape, groups=groups, output_mask=list(mask))


class _Convolve(torch.autograd.Function):
    """y = w * x + b."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        """The convolution."""
        context.save_for_backward(x, weight)
        context.groups = groups
        return nn.functional.conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=groups)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Any, ...]:
        """∂L/∂x can be differentiated once more; ∂L/∂w and ∂L/∂b cannot."""
        x, weight = context.saved_tensors
        wanted = context.needs_input_grad
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x: Any = None
        if wanted[0]:
            of_x = _InputGradient.apply(gradient, weight, x.detach(), context.groups)  # type: ignore[no-untyped-call]
        of_weight = of_bias = None
        # A gradient that is recorded, to be differentiated, is one of the pictures: that of the weights would be waste.
        if (wanted[1] or wanted[2]) and not torch.is_grad_enabled():
            mask = (False, wanted[1], wanted[2])
            _, of_weight, of_bias = convolution_gradients(gradient, x, weight, context.groups, mask=mask)
        return of_x, of_weight, of_bias, None


class _InputGradient(torch.autograd.Function):
    """∂L/∂x of a convolution, linear in ∂L/∂y as in w: its derivatives are a convolution and a weight's gradient."""

    @staticmethod
    def forward(context: Any, gradient: Tensor, weight: Tensor, x: Tensor, groups: int) -> Tensor:
        """The transposed convolution of the gradient."""
        context.save_for_backward(gradient, weight)
        context.groups = groups
        of_x: Tensor = convolution_gradients(gradient, x, weight, groups, mask=(True, False, False))[0]
        return of_x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, second: Tensor) -> tuple[Any, ...]:
        """With s = ∂L'/∂(∂L/∂x): w * s, and the gradient of w as if s had been the input."""
        gradient, weight = context.saved_tensors
        second = second.contiguous(memory_format=torch.channels_last)
        of_gradient = nn.functional.conv2d(second, weight, padding=weight.shape[-1] // 2, groups=context.groups)
        of_weight = convolution_gradients(gradient, second, weight, context.groups, mask=(False, True, False))[1]
        return of_gradient, of_weight, None, None


class Convolution(nn.Conv2d):
    """A convolution that keeps height and width, of odd kernel size; channels last in memory.

    Values and derivatives are `nn.Conv2d`'s, but for one: what was computed in `differentiated_twice` gives with
    `create_graph` only the gradient of the input, none of the weights. Under autocast it computes in the type that is
    set there. Gradients that come back are put into channels last only within `differentiated_twice`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same with other channels."""
        dtype = working_type(x)
        bias = None if self.bias is None else self.bias.to(dtype)
        x, weight = x.to(dtype), self.weight.to(dtype)
        if not _TWICE.get():
            return nn.functional.conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=self.groups)
        y: Tensor = _Convolve.apply(x, weight, bias, self.groups)  # type: ignore[no-untyped-call]
        return y
