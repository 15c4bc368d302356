"""Attention by plain products of matrices with a gradient rule of its own, for processors.

The same equation as `models.attention.attend`. torch's fused operation keeps the weights out of memory, which a GPU
gains by; on a processor its way back takes longer than these products. A few texts of about one length are computed
together, so that no text is padded to the longest of its batch.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

VECTOR = 16  # values that a processor computes with at once in float32: softmax is slow where a row does not fill them
PLACES = 2**18  # pairs of places of several texts at most: with twelve heads in bfloat16 6 MiB of scores


class Group(NamedTuple):
    """Texts of about one length, one after another, whose attention is computed together."""

    lengths: tuple[int, ...]
    """Tokens of each text."""
    width: int
    """Places of each text, whole vectors; more than it has tokens are padding."""
    tokens: slice
    """Which tokens of the packed batch they are."""
    spread: Tensor | None
    """Which of these tokens stands at each place, see `places_of`; None where there is no padding."""
    places: Tensor | None
    """The place of each token, likewise."""


def groups_of(lengths: Sequence[int]) -> list[Group]:
    """Neighbouring texts that fill as many vectors, in groups.

    Each text is padded to whole vectors, by less than one.

    Args:
        lengths: tokens of each text of a packed batch, ≥ 1.
    """
    groups: list[list[int]] = []
    for length in lengths:
        width = _whole_vectors(length)
        together = groups and width == _whole_vectors(groups[-1][0])
        if together and (len(groups[-1]) + 1) * width**2 <= PLACES:
            groups[-1].append(length)
        else:
            groups.append([length])
    starts = [0, *accumulate(map(sum, groups))]
    return [_group(each, start) for each, start in zip(groups, starts, strict=False)]


def _whole_vectors(length: int) -> int:
    return -(-length // VECTOR) * VECTOR


def _group(lengths: list[int], start: int) -> Group:
    tokens = slice(start, start + sum(lengths))
    width = _whole_vectors(lengths[0])
    if min(lengths) == width:
        return Group(tuple(lengths), width, tokens, None, None)
    return Group(tuple(lengths), width, tokens, *places_of(torch.tensor(lengths), width))


def places_of(lengths: Int[Tensor, " texts"], longest: int) -> tuple[Int[Tensor, " places"], Int[Tensor, " tokens"]]:
    """Where the tokens of packed texts stand if all texts have so many places.

    Args:
        lengths: tokens of each text, ≥ 1.
        longest: places of each, at least as many.

    Returns:
        Which token stands at each place of (texts · longest), on padding the text's last, and the place of each token.
    """
    place, counts = torch.arange(longest, device=lengths.device), lengths[:, None]
    spread = counts.cumsum(0) - counts + torch.minimum(place, counts - 1)  # (texts, longest)
    return spread.flatten(), (place < counts).flatten().nonzero()[:, 0]


def _spread(rows: Tensor, group: Group) -> Tensor:
    """A group's rows of a packed batch, (texts · width, values)."""
    return rows[group.tokens] if group.spread is None else rows[group.tokens].index_select(0, group.spread)


def _spread_gradient(rows: Tensor, group: Group) -> Tensor:
    """The same of a gradient: 0 on padding, from which none comes."""
    if group.places is None:
        return rows[group.tokens]
    spread = rows.new_zeros(len(group.lengths) * group.width, rows.shape[1])
    return spread.index_copy_(0, group.places, rows[group.tokens])


def _put_back(rows: Tensor, group: Group, spread: Tensor) -> None:
    """The way back, into their rows of a packed batch."""
    if group.places is None:
        rows[group.tokens] = spread
    else:
        torch.index_select(spread, 0, group.places, out=rows[group.tokens])


def _by_head(spread: Tensor, group: Group, parts: int, heads: int) -> Tensor:
    """Rows of several parts side by side → a copy, (parts, texts · heads, width, size)."""
    cut = spread.view(len(group.lengths), group.width, parts, heads, -1)
    return cut.permute(2, 0, 3, 1, 4).clone(memory_format=torch.contiguous_format).flatten(1, 2)


def _by_row(parts: Tensor, group: Group) -> Tensor:
    """(parts, texts · heads, width, size) → rows of them side by side, (texts · width, parts · heads · size)."""
    cut = parts.view(len(parts), len(group.lengths), -1, group.width, parts.shape[3])
    return cut.permute(1, 3, 0, 2, 4).reshape(len(group.lengths) * group.width, -1)


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projected: Tensor, heads: int, groups: Sequence[Group]) -> Tensor:
        ctx.heads, ctx.groups = heads, groups
        gathered, kept = projected.new_empty(len(projected), projected.shape[1] // 3), []
        for group in groups:
            parts = _by_head(_spread(projected, group), group, 3, heads)
            parts[0] *= parts.shape[3] ** -0.5
            query, key, value = parts
            weights = _weights(torch.bmm(query, key.mT), group)
            _put_back(gathered, group, _by_row(torch.bmm(weights, value)[None], group))
            if any(ctx.needs_input_grad):
                kept += [parts, weights]
        ctx.save_for_backward(*kept)
        return gathered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        of_projected, kept = gradient.new_empty(len(gradient), 3 * gradient.shape[1]), iter(ctx.saved_tensors)
        for group, parts, weights in zip(ctx.groups, kept, kept, strict=True):
            query, key, value = parts
            of_parts = torch.empty_like(parts)
            of_gathered = _by_head(_spread_gradient(gradient, group), group, 1, ctx.heads)[0]
            torch.bmm(weights.mT, of_gathered, out=of_parts[2])
            of_weights = torch.bmm(of_gathered, value.mT)  # (texts · heads, width, width)
            # Of softmax: w ⊙ (g − Σ g ⊙ w).
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            torch.bmm(of_scores, key, out=of_parts[0])
            torch.bmm(of_scores.mT, query, out=of_parts[1])
            of_parts[0] *= parts.shape[3] ** -0.5
            _put_back(of_projected, group, _by_row(of_parts, group))
        return of_projected, None, None


def _weights(scores: Tensor, group: Group) -> Tensor:
    """Softmax over the real places of each text; (texts · heads, width, width), which it changes."""
    by_text = scores.view(len(group.lengths), -1, group.width, group.width)
    for number, length in enumerate(group.lengths):
        if length < group.width:
            by_text[number, :, :, length:] = -torch.inf
    return softmax(scores)


def softmax(scores: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
    """Of each row, without a gradient rule: in bfloat16 by oneDNN, which is faster there than torch.

    By `python -m benchmarks.between_products` on two cores of an AMD EPYC (Zen 5) with all copies: 0.8–0.9 of torch's
    time for rows of 64, 0.4 for 112, 0.6 for 128, 0.7 for 352. Either adds up in float32.
    """
    if scores.dtype == torch.bfloat16 and onednn_takes_bfloat16():
        return torch.softmax(scores.to_mkldnn(), dim=-1).to_dense()
    return torch.softmax(scores, dim=-1)


@cache
def onednn_takes_bfloat16() -> bool:
    """Whether oneDNN has the softmax of this type for this processor; not every one that holds such tensors does."""
    try:
        torch.softmax(torch.zeros(1, 1, dtype=torch.bfloat16).to_mkldnn(), dim=-1)
    except RuntimeError:
        return False
    return True


_attend: Callable[[Tensor, int, Sequence[Group]], Tensor] = _Attend.apply


def attend_by_products(
    projected: Float[Tensor, "tokens projected"], heads: int, groups: Sequence[Group]
) -> Float[Tensor, "tokens hidden"]:
    """What every token of packed texts gathers from the tokens of its own text.

    Args:
        projected: of each token its query, its key and its value, each head by head.
        heads: ways to look; divides `hidden`.
        groups: the texts, see `groups_of`.
    """
    return _attend(projected, heads, groups)
