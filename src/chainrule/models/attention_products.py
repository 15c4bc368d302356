"""Attention by plain products of matrices with a gradient rule of its own, for processors.

The same equation as `models.attention.attend`. torch's fused operation keeps the weights out of memory, which a GPU
gains by; on a processor its way back takes longer than these products, and so does bfloat16's softmax where a row is no
multiple of its vectors.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

AT_A_TIME = 2**21  # scores that stand in memory at once where nothing is learned, about


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
        batch, heads, time, size = query.shape
        ctx.scale, ctx.shape = size**-0.5, query.shape
        scaled = (query * ctx.scale).flatten(0, 1)  # (batch · heads, time, size)
        keys, values = key.flatten(0, 1), value.flatten(0, 1)
        gathered, kept = torch.empty_like(values), []
        texts = max(1, AT_A_TIME // (heads * time * time))  # so few that the cache holds their scores
        for start in range(0, batch, texts):
            rows = slice(start * heads, (start + texts) * heads)
            weights = _weights(torch.bmm(scaled[rows], keys[rows].mT), lengths[start : start + texts])
            torch.bmm(weights, values[rows], out=gathered[rows])
            kept.append(weights if any(ctx.needs_input_grad) else None)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(scaled, keys, values, *kept)
        return gathered.view(ctx.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        scaled, keys, values, *kept = ctx.saved_tensors
        of_gathered, start = gradient.flatten(0, 1), 0  # (batch · heads, time, size)
        of_query, of_keys, of_values = (torch.empty_like(each) for each in (scaled, keys, values))
        for weights in kept:
            rows = slice(start, start := start + len(weights))
            torch.bmm(weights.mT, of_gathered[rows], out=of_values[rows])
            of_weights = torch.bmm(of_gathered[rows], values[rows].mT)  # (texts · heads, time, time)
            # Of softmax: w ⊙ (g − Σ g ⊙ w).
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            torch.bmm(of_scores, keys[rows], out=of_query[rows])
            torch.bmm(of_scores.mT, scaled[rows], out=of_keys[rows])
        of_query *= ctx.scale
        return of_query.view(ctx.shape), of_keys.view(ctx.shape), of_values.view(ctx.shape), None


def _weights(scores: Tensor, lengths: Sequence[int]) -> Tensor:
    """Softmax over the real places of each text; (texts · heads, time, time), which it changes."""
    by_text = scores.view(len(lengths), -1, *scores.shape[1:])
    for number, length in enumerate(lengths):
        by_text[number, :, :, length:] = -torch.inf
    exact = torch.promote_types(scores.dtype, torch.float32)
    return torch.softmax(scores, dim=-1, dtype=exact).to(scores.dtype)


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
