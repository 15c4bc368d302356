"""The Transformer: layers of attention and of a network that looks at each place alone, one after the other.

Vaswani et al., "Attention is all you need", arXiv 1706.03762. `seen` says where a query may look at a key, as
`models.attention` explains. Where the places are told is for the caller: `models.positions` has the ways.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.models.attention import KeyValueCache, multi_head_attention
from chainrule.models.transformer_layers import (
    AttentionLayer,
    DecoderCache,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    MemorySeen,
    Residual,
    Seen,
)


class Encoder(nn.Module):
    """Layers one after the other. With `causal` it is a decoder alone, as GPT is.

    Args:
        layers: in their order.
        norm: after the last; pre-norm layers need one.
    """

    def __init__(self, *, layers: Sequence[EncoderLayer | AttentionLayer], norm: nn.LayerNorm | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm = norm

    def forward(
        self,
        x: Float[Tensor, "batch time size"],
        *,
        seen: Seen | None = None,
        causal: bool = False,
        caches: Sequence[KeyValueCache] | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch time size"], list[Tensor]]:
        """The values of each place, and each layer's weights, (batch, heads, time, source), where they are needed.

        Args:
            x: the values of each place, which were told where they stand.
            seen: where a query may look at a key.
            causal: whether it may look at no later place.
            caches: of each layer, for the places before x.
            need_weights: see `MultiHeadAttention`.
        """
        seen_by: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            cache = None if caches is None else caches[number]
            x, weights = layer(x, seen=seen, causal=causal, cache=cache, need_weights=need_weights)
            seen_by += [] if weights is None else [weights]
        return x if self.norm is None else self.norm(x), seen_by

    def flops(self, lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations over real places, all of which see each other.

        Args:
            lengths: real places of each sequence.
        """
        places, pairs = lengths.sum(), lengths.square().sum()
        return torch.as_tensor(sum(layer.flops(places, pairs) for layer in self.layers))  # type: ignore[operator]


class Decoder(nn.Module):
    """Layers one after the other.

    Args:
        layers: in their order.
        norm: after the last; pre-norm layers need one.
    """

    def __init__(self, *, layers: Sequence[DecoderLayer], norm: nn.LayerNorm | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm = norm

    def forward(
        self,
        x: Float[Tensor, "batch target size"],
        memory: Float[Tensor, "batch source memory_size"],
        *,
        seen: Seen | None = None,
        memory_seen: MemorySeen | None = None,
        caches: Sequence[DecoderCache] | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch target size"], list[tuple[Tensor, Tensor]]]:
        """The values of each place, and each layer's weights, its own and to the memory, where they are needed.

        Args:
            x: see `DecoderLayer`.
            memory: see `DecoderLayer`.
            seen: see `DecoderLayer`.
            memory_seen: see `DecoderLayer`.
            caches: of each layer.
            need_weights: see `MultiHeadAttention`.
        """
        seen_by: list[tuple[Tensor, Tensor]] = []
        for number, layer in enumerate(self.layers):
            cache = None if caches is None else caches[number]
            x, weights = layer(x, memory, seen=seen, memory_seen=memory_seen, cache=cache, need_weights=need_weights)
            seen_by += [] if weights is None else [weights]
        return x if self.norm is None else self.norm(x), seen_by


def encoder(
    *,
    size: int,
    heads: int,
    inner_size: int,
    layers: int,
    norm_first: bool = True,
    activation: str = "gelu",
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
    rotary_base: float | None = None,
    key_offset: bool = True,
) -> Encoder:
    """An `Encoder` with fresh weights; a norm stands after the last layer where it is pre-norm.

    Args:
        size: values of a place.
        heads: of each attention; divides `size`.
        inner_size: values between the two maps of each feed-forward network.
        layers: how many.
        norm_first: whether they are pre-norm.
        activation: a key of `ACTIVATIONS`.
        dropout: share of the values silenced in training, in [0, 1).
        attention_dropout: share of the weights silenced in training, in [0, 1).
        rotary_base: see `MultiHeadAttention`.
        key_offset: see `multi_head_attention`.
    """
    options: dict[str, Any] = {"dropout": attention_dropout, "key_offset": key_offset}

    def layer() -> EncoderLayer:
        return EncoderLayer(
            attention=multi_head_attention(size=size, heads=heads, rotary_base=rotary_base, **options),
            feed_forward=_feed_forward(size, inner_size, activation, dropout),
            around_attention=_residual(size, dropout, norm_first=norm_first),
            around_feed_forward=_residual(size, dropout, norm_first=norm_first),
        )

    return Encoder(layers=[layer() for _ in range(layers)], norm=nn.LayerNorm(size) if norm_first else None)


def decoder(
    *,
    size: int,
    heads: int,
    inner_size: int,
    layers: int,
    memory_size: int | None = None,
    norm_first: bool = True,
    activation: str = "gelu",
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
    rotary_base: float | None = None,
    key_offset: bool = True,
) -> Decoder:
    """A `Decoder` with fresh weights; a norm stands after the last layer where it is pre-norm.

    Args:
        size: see `encoder`.
        heads: see `encoder`.
        inner_size: see `encoder`.
        layers: see `encoder`.
        memory_size: values of a place of the memory, where they are not as many.
        norm_first: see `encoder`.
        activation: see `encoder`.
        dropout: see `encoder`.
        attention_dropout: see `encoder`.
        rotary_base: see `MultiHeadAttention`; for the self-attention.
        key_offset: see `multi_head_attention`.
    """
    options: dict[str, Any] = {"dropout": attention_dropout, "key_offset": key_offset}

    def layer() -> DecoderLayer:
        return DecoderLayer(
            attention=multi_head_attention(size=size, heads=heads, rotary_base=rotary_base, **options),
            cross_attention=multi_head_attention(size=size, heads=heads, memory_size=memory_size, **options),
            feed_forward=_feed_forward(size, inner_size, activation, dropout),
            around_attention=_residual(size, dropout, norm_first=norm_first),
            around_cross_attention=_residual(size, dropout, norm_first=norm_first),
            around_feed_forward=_residual(size, dropout, norm_first=norm_first),
        )

    return Decoder(layers=[layer() for _ in range(layers)], norm=nn.LayerNorm(size) if norm_first else None)


def _feed_forward(size: int, inner_size: int, activation: str, dropout: float) -> FeedForward:
    expand, contract = nn.Linear(size, inner_size), nn.Linear(inner_size, size)
    return FeedForward(expand=expand, contract=contract, activation=activation, dropout=dropout)


def _residual(size: int, dropout: float, *, norm_first: bool) -> Residual:
    return Residual(norm=nn.LayerNorm(size), norm_first=norm_first, dropout=dropout)
