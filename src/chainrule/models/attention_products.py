"""Attention by plain products of matrices with a gradient rule of its own: the fastest way on a processor.

The same equation as `models.attention.attend`. torch's fused operation keeps the weights out of memory, which a GPU
gains by; on a processor its way back takes several times longer than these products, and bfloat16's softmax does
where a row is no multiple of its vectors.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
        shape, scale = query.shape, query.shape[-1] ** -0.5
        scaled = (query * scale).flatten(0, 1)  # (batch · heads, time, size), contiguous
        keys, values = key.flatten(0, 1), value.flatten(0, 1)
        scores = torch.bmm(scaled, keys.mT)  # (batch · heads, time, time)
        by_text = scores.view(shape[0], -1, *scores.shape[1:])
        for number, length in enumerate(lengths):
            by_text[number, :, :, length:] = -torch.inf
        weights = torch.softmax(scores, dim=-1, dtype=torch.promote_types(scores.dtype, torch.float32))
        weights = weights.to(scores.dtype)
        ctx.save_for_backward(scaled, keys, values, weights)
        ctx.scale, ctx.shape = scale, shape
        return torch.bmm(weights, values).view(shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        scaled, keys, values, weights = ctx.saved_tensors
        gathered = gradient.flatten(0, 1)  # (batch · heads, time, size)
        of_values = torch.bmm(weights.mT, gathered)
        of_weights = torch.bmm(gathered, values.mT)  # (batch · heads, time, time)
        # Of softmax: w ⊙ (g − Σ g ⊙ w).
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query = torch.bmm(of_scores, keys).mul_(ctx.scale)
        of_keys = torch.bmm(of_scores.mT, scaled)
        return of_query.view(ctx.shape), of_keys.view(ctx.shape), of_values.view(ctx.shape), None


_attend: Callable[[Tensor, Tensor, Tensor, Sequence[int]], Tensor] = _Attend.apply


def attend_by_products(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """What every place of texts padded at their ends gathers from the real places of its own text.

    Args:
        query: (batch, heads, time, size).
        key: likewise.
        value: likewise.
        lengths: real places of each text, ≥ 1.

    Returns:
        (batch, heads, time, size); finite, and of no meaning, at places after a text's end.
    """
    return _attend(query, key, value, lengths)
