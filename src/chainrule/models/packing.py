"""Texts of a batch one after another, without padding, and where their tokens belong."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from chainrule.models.attention import seen_keys
from chainrule.models.attention_products import Group, groups_of, places_of


class Packing(NamedTuple):
    """Where the tokens of a packed batch belong."""

    lengths: Tensor
    """Tokens of each text, (batch,)."""
    starts: Tensor
    """The number of each text's first token, (batch,)."""
    positions: Tensor
    """Of each token in its text, (tokens,)."""
    spread: Tensor | None
    """Which token stands at each place of (batch, longest), flat; None where there is no padding."""
    places: Tensor
    """The place of each token there, (tokens,)."""
    longest: int
    """Places of each text: the tokens of the longest one."""
    groups: list[Group] | None
    """On a CPU, what attention between all tokens computes together; None elsewhere, where `spread` serves."""

    @property
    def seen(self) -> Tensor | None:
        """Where attention may look, (batch, 1, 1, longest)."""
        return None if self.spread is None else seen_keys(self.lengths, self.longest)


def packing_of(lengths: Int[Tensor, " batch"], tokens: int) -> Packing:
    """Where so many tokens of texts one after another belong.

    Args:
        lengths: tokens of each text, ≥ 1.
        tokens: their sum.
    """
    starts = lengths.cumsum(0) - lengths  # (batch,)
    texts = torch.repeat_interleave(lengths, output_size=tokens)  # the number of each token's text, (tokens,)
    positions = torch.arange(tokens, device=lengths.device) - starts[texts]
    longest = int(lengths.max())
    spread, places = places_of(lengths, longest)
    groups = groups_of(lengths.tolist()) if lengths.device.type == "cpu" else None
    return Packing(lengths, starts, positions, None if len(spread) == tokens else spread, places, longest, groups)


class _Spread(torch.autograd.Function):
    """Rows (tokens, values) → (batch · longest, values); what stands on padding is never asked for."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, spread: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return rows.index_select(0, spread)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(0, ctx.saved_tensors[0]), None, None


class _Pack(torch.autograd.Function):
    """The way back."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.rows = len(padded)
        return padded.index_select(0, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        padded = gradient.new_zeros(ctx.rows, gradient.shape[1])
        return padded.index_copy_(0, ctx.saved_tensors[0], gradient), None


spread_rows: Callable[[Tensor, Tensor, Tensor], Tensor] = _Spread.apply
pack_rows: Callable[[Tensor, Tensor], Tensor] = _Pack.apply
