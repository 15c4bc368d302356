"""The layers of the Transformer, encoder's and decoder's, and what they are made of.

Vaswani et al., "Attention is all you need", arXiv 1706.03762. `seen` says where a query may look at a key, as
`models.attention` explains.
"""

from collections.abc import Callable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from chainrule.models.attention import KeyValueCache, MultiHeadAttention
from chainrule.models.dropout import Dropout

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": nn.functional.gelu, "relu": nn.functional.relu}
Seen = Bool[Tensor, "#batch #heads #queries #keys"]
MemorySeen = Bool[Tensor, "#batch #heads #queries #memory_keys"]


class FeedForward(nn.Module):
    """A network that looks at each place alone: y = W₂ activation(W₁ x + b₁) + b₂.

    Args:
        expand: W₁ and b₁.
        contract: W₂ and b₂.
        activation: a key of `ACTIVATIONS`; the paper's is relu.
        dropout: share of the values between them silenced in training, in [0, 1).
    """

    def __init__(
        self, *, expand: nn.Linear, contract: nn.Linear, activation: str = "gelu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.expand = expand
        self.contract = contract
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Float[Tensor, "batch time size"]) -> Float[Tensor, "batch time size"]:
        """The values at each place."""
        outputs: Tensor = self.contract(self.dropout(self.activation(self.expand(inputs))))
        return outputs

    def flops(self, places: float | Tensor) -> float | Tensor:
        """Operations over real places."""
        return 2.0 * (self.expand.weight.numel() + self.contract.weight.numel()) * places


class Residual(nn.Module):
    """Adds what a part of a layer found to what went in, and normalises.

        pre-norm:  x + dropout(part(norm(x)))        post-norm:  norm(x + dropout(part(x)))

    Post-norm is the paper's and BERT's, and needs a slow start; pre-norm learns without (Xiong et al., "On layer
    normalization in the Transformer architecture", arXiv 2002.04745).

    Args:
        norm: over the values of a place.
        norm_first: whether it is pre-norm.
        dropout: share of what was found that is silenced in training, in [0, 1).
    """

    def __init__(self, *, norm: nn.LayerNorm, norm_first: bool, dropout: float) -> None:
        super().__init__()
        self.norm = norm
        self.norm_first = norm_first
        self.dropout = Dropout(dropout)

    def before(self, inputs: Tensor) -> Tensor:
        """What the part is to see."""
        normed: Tensor = self.norm(inputs) if self.norm_first else inputs
        return normed

    def after(self, inputs: Tensor, found: Tensor) -> Tensor:
        """What the next part is to see."""
        added = inputs + self.dropout(found)
        outputs: Tensor = added if self.norm_first else self.norm(added)
        return outputs


class AttentionLayer(nn.Module):
    """Self-attention alone: what `EncoderLayer` does before its feed-forward network. Its arguments are the same."""

    def __init__(self, *, attention: MultiHeadAttention, around_attention: Residual) -> None:
        super().__init__()
        self.attention = attention
        self.around_attention = around_attention

    def forward(
        self,
        x: Float[Tensor, "batch time size"],
        *,
        seen: Seen | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch time size"], Tensor | None]:
        """See `EncoderLayer`."""
        y = self.around_attention.before(x)
        found, weights = self.attention(y, seen=seen, causal=causal, cache=cache, need_weights=need_weights)
        return self.around_attention.after(x, found), weights

    def flops(self, places: float | Tensor, pairs: float | Tensor) -> float | Tensor:
        """Operations over real places and the pairs of them that see each other."""
        return self.attention.flops(queries=places, keys=places, pairs=pairs)


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward network.

    Args:
        attention: of the places to each other.
        feed_forward: at each place.
        around_attention: what adds and normalises.
        around_feed_forward: likewise.
    """

    def __init__(
        self,
        *,
        attention: MultiHeadAttention,
        feed_forward: FeedForward,
        around_attention: Residual,
        around_feed_forward: Residual,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.feed_forward = feed_forward
        self.around_attention = around_attention
        self.around_feed_forward = around_feed_forward

    def forward(
        self,
        x: Float[Tensor, "batch time size"],
        *,
        seen: Seen | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch time size"], Tensor | None]:
        """The values of each place, and the weights of the heads where they are needed.

        Args:
            x: the values of each place.
            seen: where a query may look at a key.
            causal: whether it may look at no later place.
            cache: the places before x.
            need_weights: see `MultiHeadAttention`.
        """
        y = self.around_attention.before(x)
        found, weights = self.attention(y, seen=seen, causal=causal, cache=cache, need_weights=need_weights)
        x = self.around_attention.after(x, found)
        found = self.feed_forward(self.around_feed_forward.before(x))
        return self.around_feed_forward.after(x, found), weights

    def flops(self, places: float | Tensor, pairs: float | Tensor) -> float | Tensor:
        """Operations over real places and the pairs of them that see each other."""
        return self.attention.flops(queries=places, keys=places, pairs=pairs) + self.feed_forward.flops(places)


class DecoderCache:
    """What a layer of a decoder read before.

    Attributes:
        own: of the text being written.
        memory: of the text it looks at.
    """

    def __init__(self) -> None:
        self.own = KeyValueCache()
        self.memory = KeyValueCache()

    def choose(self, rows: Int[Tensor, " chosen"]) -> None:
        """Goes on with these rows of the batch."""
        self.own.choose(rows)
        self.memory.choose(rows)


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to a memory, then a feed-forward network.

    Args:
        attention: of the places to each other.
        cross_attention: of the places to the memory.
        feed_forward: at each place.
        around_attention: what adds and normalises.
        around_cross_attention: likewise.
        around_feed_forward: likewise.
    """

    def __init__(
        self,
        *,
        attention: MultiHeadAttention,
        cross_attention: MultiHeadAttention,
        feed_forward: FeedForward,
        around_attention: Residual,
        around_cross_attention: Residual,
        around_feed_forward: Residual,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.cross_attention = cross_attention
        self.feed_forward = feed_forward
        self.around_attention = around_attention
        self.around_cross_attention = around_cross_attention
        self.around_feed_forward = around_feed_forward

    def forward(
        self,
        x: Float[Tensor, "batch target size"],
        memory: Float[Tensor, "batch source memory_size"],
        *,
        seen: Seen | None = None,
        memory_seen: MemorySeen | None = None,
        cache: DecoderCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch target size"], tuple[Tensor, Tensor] | None]:
        """The values of each place, and the weights of both attentions where they are needed.

        Args:
            x: the values of each place.
            memory: what is looked at.
            seen: where a place may look at another, besides that none looks at a later one.
            memory_seen: where a place may look at the memory.
            cache: the places before x, and the memory's keys and values.
            need_weights: see `MultiHeadAttention`.
        """
        own, of_memory = (None, None) if cache is None else (cache.own, cache.memory)
        y = self.around_attention.before(x)
        found, weights = self.attention(y, seen=seen, causal=True, cache=own, need_weights=need_weights)
        x = self.around_attention.after(x, found)
        y = self.around_cross_attention.before(x)
        found, across = self.cross_attention(y, memory, seen=memory_seen, cache=of_memory, need_weights=need_weights)
        x = self.around_cross_attention.after(x, found)
        found = self.feed_forward(self.around_feed_forward.before(x))
        return self.around_feed_forward.after(x, found), (weights, across) if need_weights else None
