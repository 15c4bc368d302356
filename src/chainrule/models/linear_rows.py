"""Linear maps of rows, where there are many in bfloat16 on a processor as convolutions, which are faster there.

y = x Wᵀ + b is a convolution with kernels of one place over a picture one place wide, whose places are the rows.
oneDNN's adds the offset as it goes, while torch's product first copies it into the result. The gradient of the
weights stays a product: as a convolution's it is slower.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from chainrule.models.convolution import convolution_gradients

MANY = 1024  # rows; for fewer, laying out the weights for a convolution takes longer than it saves


def in_working_type(values: Tensor) -> Tensor:
    """The values in the type that products are in: bfloat16 under autocast, so that all between them is, too."""
    kind = values.device.type
    return values.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else values


def _as_picture(rows: Tensor) -> Tensor:
    """Rows (places, values) → a picture (1, values, places, 1), channels last, of the same memory."""
    return rows.contiguous().view(1, len(rows), 1, -1).permute(0, 3, 1, 2)


def _as_kernels(weight: Tensor) -> Tensor:
    """Weights (outputs, inputs) → kernels (outputs, inputs, 1, 1), channels last: else all would be laid out anew."""
    return weight.contiguous().view(len(weight), 1, 1, -1).permute(0, 3, 1, 2)


def _as_rows(picture: Tensor) -> Tensor:
    """The way back from a picture."""
    return picture[0, :, :, 0].t()


class _Map(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _as_rows(torch.conv2d(_as_picture(x), _as_kernels(weight), bias))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            pictures = _as_picture(gradient), _as_picture(x)
            of_x = _as_rows(convolution_gradients(*pictures, _as_kernels(weight), mask=(True, False, False))[0])
        if ctx.needs_input_grad[1]:
            of_weight = gradient.t() @ x
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(0)
        return of_x, of_weight, of_bias


_map: Callable[[Tensor, Tensor, Tensor], Tensor] = _Map.apply


def linear_rows(
    x: Float[Tensor, "rows inputs"], weight: Float[Tensor, "outputs inputs"], bias: Float[Tensor, " outputs"]
) -> Float[Tensor, "rows outputs"]:
    """The linear map of each row, x Wᵀ + b, in the type that products are in.

    Args:
        x: the rows.
        weight: W.
        bias: b.
    """
    working = in_working_type(x)
    if x.device.type == "cpu" and working.dtype == torch.bfloat16 and len(x) >= MANY:
        return _map(working, in_working_type(weight), in_working_type(bias))
    return nn.functional.linear(x, weight, bias)


class LinearRows(nn.Linear):
    """A linear layer whose inputs are always rows, see `linear_rows`."""

    def forward(self, input: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:  # noqa: A002 - torch's name
        """The linear map of each row."""
        return linear_rows(input, self.weight, self.bias)
