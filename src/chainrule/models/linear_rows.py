"""Linear maps of rows, where there are many in bfloat16 on a processor as convolutions.

y = x Wᵀ + b is a convolution with kernels of one place over a picture one place wide, whose places are the rows.
torch's product first copies the offset into the result, while oneDNN's convolution adds it as it goes. By
`python -m benchmarks.linear_rows` on two cores of an AMD EPYC (Zen 5), with all gradients: 0.92 of the product's time
for 4,096 rows of 384 values and 1,536 outputs, 0.99 for 1,024 rows, 1.13 for 256. Small maps gain later: 384 values to
384 take 1.04 of it at 4,096 rows and 0.92 at 8,192. The gradient of the weights stays a product.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chainrule.models.convolution import convolution_gradients
from chainrule.models.working_type import in_working_type, working_type

MANY = 1024  # rows; for fewer, laying out the weights for a convolution takes longer than it saves


def linear_rows(
    x: Float[Tensor, "*rows inputs"], weight: Float[Tensor, "outputs inputs"], bias: Float[Tensor, " outputs"] | None
) -> Float[Tensor, "*rows outputs"]:
    """The linear map of each row, x Wᵀ + b, in the type that products are in.

    Args:
        x: the rows.
        weight: W.
        bias: b, if there is one.
    """
    many = x.device.type == "cpu" and x.dim() == 2 and x.shape[0] >= MANY
    if many and working_type(x) == torch.bfloat16:
        own = None if bias is None else in_working_type(bias)
        return map_by_convolution(in_working_type(x), in_working_type(weight), own)
    return nn.functional.linear(x, weight, bias)


class LinearRows(nn.Linear):
    """A linear layer of rows, see `linear_rows`."""

    def forward(self, input: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "*rows outputs"]:  # noqa: A002 - torch's name
        """The linear map of each row."""
        return linear_rows(input, self.weight, self.bias)


def map_by_convolution(
    x: Float[Tensor, "rows inputs"], weight: Float[Tensor, "outputs inputs"], bias: Float[Tensor, " outputs"] | None
) -> Float[Tensor, "rows outputs"]:
    """The same as a convolution, whatever the rows and their type; all three are of one.

    Args:
        x: the rows.
        weight: W.
        bias: b, if there is one.
    """
    return _as_rows(_convolve(x, weight, bias))


def _as_picture(rows: Tensor) -> Tensor:
    """Rows (places, values) → a picture (1, values, places, 1), channels last, of the same memory."""
    return rows.contiguous().view(1, rows.shape[0], 1, rows.shape[1]).permute(0, 3, 1, 2)


def _as_kernels(weight: Tensor) -> Tensor:
    """Weights (outputs, inputs) → kernels (outputs, inputs, 1, 1), channels last, as the picture is."""
    return weight.contiguous().view(weight.shape[0], 1, 1, weight.shape[1]).permute(0, 3, 1, 2)


def _as_rows(picture: Tensor) -> Tensor:
    """The way back from a picture; the gradient of an index would be a copy."""
    return picture.squeeze(3).squeeze(0).t()


class _Convolve(torch.autograd.Function):
    """Rows → a picture: only outside of here are views of it recorded, so that rows may be changed in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.conv2d(_as_picture(x), _as_kernels(weight), bias)

    @staticmethod
    def backward(ctx: Any, of_picture: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_rows = _as_rows(of_picture)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            gradient = _as_picture(of_rows)  # channels last, however its own memory is laid out
            of_x = _as_rows(
                convolution_gradients(gradient, _as_picture(x), _as_kernels(weight), mask=(True, False, False))[0]
            )
        if ctx.needs_input_grad[1]:
            of_weight = of_rows.t() @ x
        if ctx.needs_input_grad[2]:
            of_bias = of_rows.sum(0)
        return of_x, of_weight, of_bias


_convolve: Callable[[Tensor, Tensor, Tensor | None], Tensor] = _Convolve.apply
