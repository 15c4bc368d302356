"""Attention: every query gathers the values whose keys are like it.

There is one convention for masks: `seen` is true where a query may look at a key. It is (batch, heads, target,
source), and an axis of 1 stands for any number. `seen_keys` makes one from lengths, `seen_before` a causal one, and
`&` joins them. A query that may look nowhere gathers zeros.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from chainrule.models.dropout import dropout as silenced
from chainrule.models.positions import rotate

SHORT = 256  # tokens; the products of longer texts no longer fit a cache
MAPS = ("query", "key", "value", "output")
Heads = Float[Tensor, "batch heads time size"]


def attend(
    query: Float[Tensor, "batch heads target size"],
    key: Float[Tensor, "batch heads source size"],
    value: Float[Tensor, "batch heads source values"],
    *,
    seen: Bool[Tensor, "#batch #heads #target #source"] | None = None,
    dropout: float = 0.0,
) -> tuple[Float[Tensor, "batch heads target values"], Float[Tensor, "batch heads target source"]]:
    """Scaled dot-product attention, each step to be seen.

        weights = softmax(Q Kᵀ / √size),   y = weights V

    Without the root the products would grow with the size, and the softmax would stop learning. Vaswani et al.,
    "Attention is all you need", arXiv 1706.03762, section 3.2.1.

    Args:
        query: what is looked for.
        key: what there is.
        value: what is gathered.
        seen: where a query may look at a key; everywhere if None.
        dropout: share of the weights that is silenced, in [0, 1).

    Returns:
        what was gathered, and the weights before any were silenced: they add up to 1 over the source.
    """
    scores = (query / math.sqrt(query.shape[-1])) @ key.mT  # (batch, heads, target, source)
    if seen is not None:
        # Not −∞: where nothing may be seen, that would be no number, and neither would be its gradient.
        scores = scores + torch.zeros_like(seen, dtype=scores.dtype).masked_fill(~seen, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    gathered = silenced(weights, dropout).to(value.dtype) @ value  # (batch, heads, target, values)
    if seen is not None:
        nowhere = ~seen.any(dim=-1, keepdim=True)
        gathered, weights = gathered.masked_fill(nowhere, 0.0), weights.masked_fill(nowhere, 0.0)
    return gathered, weights


def attend_fused(
    query: Float[Tensor, "batch heads target size"],
    key: Float[Tensor, "batch heads source size"],
    value: Float[Tensor, "batch heads source values"],
    *,
    seen: Bool[Tensor, "#batch #heads #target #source"] | None = None,
    causal: bool = False,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads target values"]:
    """The same through torch's `scaled_dot_product_attention`, which need not write the weights to memory.

    Dao et al., "FlashAttention", arXiv 2205.14135.

    Args:
        query: see `attend`.
        key: see `attend`.
        value: see `attend`.
        seen: see `attend`.
        causal: whether queries, the last of the source's places, may look at no later place.
        dropout: see `attend`.
    """
    target, source = query.shape[2], key.shape[2]
    by_itself = causal and seen is None and target == source  # torch leaves out the later half then
    if causal and not by_itself and target > 1:
        before = seen_before(target, source, query.device)
        seen = before if seen is None else seen & before
    gathered = nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=seen, dropout_p=dropout, is_causal=by_itself
    )
    if seen is None:
        return gathered
    return gathered.masked_fill(~seen.any(dim=-1, keepdim=True), 0.0)  # torch's kernels disagree about these


def attend_fast(
    query: Float[Tensor, "batch heads target size"],
    key: Float[Tensor, "batch heads source size"],
    value: Float[Tensor, "batch heads source values"],
    *,
    seen: Bool[Tensor, "#batch #heads #target #source"] | None = None,
    causal: bool = False,
    dropout: float = 0.0,
) -> Float[Tensor, "batch heads target values"]:
    """The faster of the two; see `attend_fused` for the arguments.

    On a CPU torch's own is the slower one in bfloat16 as long as texts are short.
    """
    narrow = query.dtype == torch.bfloat16 or (torch.is_autocast_enabled("cpu") and query.device.type == "cpu")
    if query.device.type == "cpu" and narrow and key.shape[2] <= SHORT:
        if causal and query.shape[2] > 1:
            before = seen_before(query.shape[2], key.shape[2], query.device)
            seen = before if seen is None else seen & before
        return attend(query, key, value, seen=seen, dropout=dropout)[0]
    return attend_fused(query, key, value, seen=seen, causal=causal, dropout=dropout)


def seen_keys(lengths: Int[Tensor, " batch"], time: int) -> Bool[Tensor, "batch 1 1 time"]:
    """Where sequences padded at their ends have real keys.

    Args:
        lengths: real places of each.
        time: places with padding.
    """
    return (torch.arange(time, device=lengths.device) < lengths[:, None])[:, None, None]


def seen_before(target: int, source: int, device: torch.device | None = None) -> Bool[Tensor, "1 1 target source"]:
    """A causal mask: a query may look at its own place and those before it.

    Args:
        target: queries, which stand at the last places of the source.
        source: keys, at least as many.
        device: where the mask is wanted.
    """
    keys = torch.arange(source, device=device)
    return (keys <= keys[source - target :, None])[None, None]


def split_heads(vectors: Float[Tensor, "batch time values"], heads: int) -> Float[Tensor, "batch heads time size"]:
    """Vectors cut into equal parts, one a head."""
    batch, time, _ = vectors.shape
    return vectors.view(batch, time, heads, -1).transpose(1, 2)


def join_heads(parts: Float[Tensor, "batch heads time size"]) -> Float[Tensor, "batch time values"]:
    """The parts side by side again."""
    return parts.transpose(1, 2).flatten(2)


class KeyValueCache:
    """The keys and values of what was read before, so that a text being written is not read anew for each token."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    @property
    def length(self) -> int:
        """Places held."""
        return 0 if self.keys is None else self.keys.shape[2]

    def extend(self, keys: Heads, values: Heads) -> tuple[Tensor, Tensor]:
        """Adds further places, and gives all that are held, each (batch, heads, time, size)."""
        self.keys = keys if self.keys is None else torch.cat([self.keys, keys], dim=2)
        self.values = values if self.values is None else torch.cat([self.values, values], dim=2)
        return self.keys, self.values

    def choose(self, rows: Int[Tensor, " chosen"]) -> None:
        """Goes on with these rows of the batch, one of them as often as it is named."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


class MultiHeadAttention(nn.Module):
    """Attention in several ways at once.

        head_i = attend(W_i^Q x, W_i^K m, W_i^V m),   y = W^O [head_1 … head_h]

    x looks at m, which is x itself in self-attention. Vaswani et al., arXiv 1706.03762, section 3.2.2. The linear maps
    also have offsets, as in torch and in BERT; the paper's have none.

    Args:
        query: of x, (…, values) → (…, heads · size).
        key: of m.
        value: of m.
        output: (…, heads · size) → (…, values).
        heads: divides what `query` gives.
        dropout: share of the weights silenced in training, in [0, 1).
        rotary_base: see `rotate`, for self-attention; None: places are not told here.

    Raises:
        ValueError: the heads cannot be cut.
    """

    def __init__(
        self,
        *,
        query: nn.Linear,
        key: nn.Linear,
        value: nn.Linear,
        output: nn.Linear,
        heads: int,
        dropout: float = 0.0,
        rotary_base: float | None = None,
    ) -> None:
        super().__init__()
        if heads < 1 or query.out_features % heads:
            raise ValueError(f"{query.out_features} values cannot be cut into {heads} heads")
        self.query, self.key, self.value, self.output = query, key, value, output
        self.heads = heads
        self.dropout = dropout
        self.rotary_base = rotary_base

    def forward(
        self,
        inputs: Float[Tensor, "batch target values"],
        memory: Float[Tensor, "batch source memory_values"] | None = None,
        *,
        seen: Bool[Tensor, "#batch #heads #target #source"] | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch target values"], Float[Tensor, "batch heads target source"] | None]:
        """What was gathered, and the weights of each head where they are needed, else None.

        Args:
            inputs: x.
            memory: m, where it is not x.
            seen: where a query may look at a key.
            causal: whether it may look at no later place; for self-attention.
            cache: what was read before: places before the inputs' in self-attention; else the keys and values of m,
                which stay the same and are made once.
            need_weights: computes them; without, the faster way is taken.

        Raises:
            ValueError: what is for self-attention is asked of another.
        """
        if memory is not None and (causal or self.rotary_base is not None):
            raise ValueError("causal masks and rotary positions are for self-attention")
        query, key, value = self._projected(inputs, memory, cache)  # (batch, heads, target or source, size)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            if causal:
                before = seen_before(query.shape[2], key.shape[2], query.device)
                seen = before if seen is None else seen & before
            gathered, weights = attend(query, key, value, seen=seen, dropout=dropout)
        else:
            gathered = attend_fast(query, key, value, seen=seen, causal=causal, dropout=dropout)
        return self.output(join_heads(gathered)), weights  # (batch, target, values)

    def _projected(
        self, inputs: Tensor, memory: Tensor | None, cache: KeyValueCache | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of x, and all keys and values they may look at."""
        query = split_heads(self.query(inputs), self.heads)
        if memory is not None and cache is not None and cache.keys is not None and cache.values is not None:
            return query, cache.keys, cache.values
        source = inputs if memory is None else memory
        key, value = split_heads(self.key(source), self.heads), split_heads(self.value(source), self.heads)
        if self.rotary_base is not None:
            first = 0 if cache is None else cache.length
            places = torch.arange(first, first + inputs.shape[1], device=inputs.device)[None, None]
            query, key = (rotate(vectors, places, base=self.rotary_base) for vectors in (query, key))
        if cache is not None:
            key, value = cache.extend(key, value)
        return query, key, value

    def flops(self, *, queries: float | Tensor, keys: float | Tensor, pairs: float | Tensor) -> float | Tensor:
        """Operations of the linear maps, the products with keys and the sums of values, two a multiply-add.

        Args:
            queries: real ones.
            keys: real ones.
            pairs: of a query and a key it may look at.
        """
        of_queries = self.query.weight.numel() + self.output.weight.numel()
        of_keys = self.key.weight.numel() + self.value.weight.numel()
        of_pairs = self.query.out_features + self.value.out_features
        return 2.0 * (of_queries * queries + of_keys * keys + of_pairs * pairs)


def multi_head_attention(
    *,
    size: int,
    heads: int,
    memory_size: int | None = None,
    dropout: float = 0.0,
    rotary_base: float | None = None,
    key_offset: bool = True,
) -> MultiHeadAttention:
    """A `MultiHeadAttention` with fresh weights, Glorot and Bengio's; offsets begin at 0.

    Args:
        size: values of x and of what is given.
        heads: see `MultiHeadAttention`.
        memory_size: values of m, where they are not as many.
        dropout: see `MultiHeadAttention`.
        rotary_base: see `MultiHeadAttention`.
        key_offset: whether keys have one. It adds the same to all scores of a query, which the softmax takes away
            again; its gradient is rounding alone, of which Adam makes steps as large as any. torch and BERT have it.
    """
    source = size if memory_size is None else memory_size
    maps = {
        name: nn.Linear(source if name in {"key", "value"} else size, size, bias=key_offset or name != "key")
        for name in MAPS
    }
    for name, weight in nn.ModuleDict(maps).named_parameters():
        _ = nn.init.zeros_(weight) if name.endswith(".bias") else nn.init.xavier_uniform_(weight)
    return MultiHeadAttention(**maps, heads=heads, dropout=dropout, rotary_base=rotary_base)
