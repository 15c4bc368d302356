"""Attention by plain products of matrices with a gradient rule of its own, for processors.

The same equation as `models.attention.attend`. torch's fused operation keeps the weights out of memory, which a GPU
gains by; on a processor its way back takes longer than these products. A few texts of about one length are computed
together, so that no text is padded to the longest of its batch.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

# Values of a processor's vector in bfloat16, whose softmax is slow where a row does not fill its vectors. Other types
# pay for it with a little more padding than they need.
VECTOR = 32
PLACES = 2**17  # pairs of places of several texts at most: with twelve heads in bfloat16 3 MiB of scores


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
            weights = _weights(torch.bmm(query, key.mT), group.lengths)
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
            of_gathered = _by_head(_spread(gradient, group), group, 1, ctx.heads)[0]
            torch.bmm(weights.mT, of_gathered, out=of_parts[2])
            of_weights = torch.bmm(of_gathered, value.mT)  # (texts · heads, width, width)
            # Of softmax: w ⊙ (g − Σ g ⊙ w).
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            torch.bmm(of_scores, key, out=of_parts[0])
            torch.bmm(of_scores.mT, query, out=of_parts[1])
            of_parts[0] *= parts.shape[3] ** -0.5
            _put_back(of_projected, group, _by_row(of_parts, group))
        return of_projected, None, None


def _weights(scores: Tensor, lengths: Sequence[int]) -> Tensor:
    """Softmax over the real places of each text, 0 on padding; (texts · heads, width, width), which it changes."""
    by_text = scores.view(len(lengths), -1, *scores.shape[1:])
    for number, length in enumerate(lengths):
        by_text[number, :, :, length:] = -torch.inf
    weights = torch.softmax(scores, dim=-1)  # its sums are in float32 in bfloat16, too
    for number, length in enumerate(lengths):
        weights.view_as(by_text)[number, :, length:] = 0  # so that no gradient comes from padding
    return weights


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
