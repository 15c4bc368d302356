"""Attention with several heads."""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from chainrule.autograd.backward import Array
from chainrule.autograd.layer_operations import dropout, linear
from chainrule.autograd.layers import Linear, parameter, uniform
from chainrule.autograd.module import Module
from chainrule.autograd.operations import where
from chainrule.autograd.tensor import Tensor
from chainrule.errors import OptionError


class MultiHeadAttention(Module):
    """Every query gathers the values whose keys are like it, in several ways at once.

        head = softmax(Q Kᵀ / √d) V,   y = [head₁ … headₕ] Wᵒᵀ + bᵒ

    Q, K and V are the inputs, each multiplied by weights of its own and cut into heads of d values. Vaswani et al.,
    "Attention is all you need", arXiv 1706.03762. It is torch's MultiheadAttention.

    Args:
        embed_dim: values of a query, a key and a value.
        num_heads: heads; divides embed_dim.
        dropout: share of the attention that is silenced in training, in [0, 1).
        bias: whether the linear maps have offsets.
        batch_first: inputs are (batch, time, embed_dim), not torch's (time, batch, embed_dim).
        generator: draws the first weights, Glorot and Bengio's for the inputs, and what is silenced.
        dtype: of the parameters.

    Raises:
        OptionError: embed_dim cannot be cut into so many heads.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        generator: Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if embed_dim % num_heads:
            raise OptionError(
                f"{embed_dim} values cannot be cut into {num_heads} heads; take a divisor of {embed_dim}."
            )
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.generator = generator
        bound = math.sqrt(6 / (4 * embed_dim))
        self.in_proj_weight = uniform(generator, bound, 3 * embed_dim, embed_dim, dtype=dtype)
        self.in_proj_bias = parameter(np.zeros(3 * embed_dim), dtype) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, generator=generator, dtype=dtype)
        if self.out_proj.bias is not None:
            self.out_proj.bias.data[...] = 0

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        key_padding_mask: Array | None = None,
        attn_mask: Array | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What was gathered, of query's shape, and the mean attention of the heads, (batch, target, source).

        Args:
            query: (target, batch, embed_dim), or batch first.
            key: (source, batch, embed_dim), or batch first.
            value: of key's shape.
            key_padding_mask: (batch, source), true at keys that are none.
            attn_mask: (target, source), true where a query must not look at a key.
        """
        inputs = [x if self.batch_first else x.transpose(0, 1) for x in (query, key, value)]
        weights, heads = self._thirds(self.in_proj_weight), []
        biases = [None] * 3 if self.in_proj_bias is None else self._thirds(self.in_proj_bias)
        for x, weight, bias in zip(inputs, weights, biases, strict=True):
            y = linear(x, weight, bias)  # (batch, time, embed_dim)
            heads.append(
                y.reshape(*y.shape[:2], self.num_heads, y.shape[2] // self.num_heads).transpose(1, 2)
            )  # (batch, heads, time, d)
        q, k, v = heads
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])  # (batch, heads, target, source)
        if attn_mask is not None:
            scores = where(attn_mask, -np.inf, scores)
        if key_padding_mask is not None:
            scores = where(key_padding_mask[:, None, None], -np.inf, scores)
        shares = scores.softmax(-1)
        shares = dropout(shares, self.dropout, training=self.training, generator=self.generator)
        gathered = (shares @ v).transpose(1, 2)  # (batch, target, heads, d)
        y = self.out_proj(gathered.flatten(2))  # (batch, target, embed_dim)
        return y if self.batch_first else y.transpose(0, 1), shares.mean(1)

    def _thirds(self, whole: Tensor) -> list[Tensor]:
        size = len(whole) // 3
        return [whole[place * size : (place + 1) * size] for place in range(3)]
