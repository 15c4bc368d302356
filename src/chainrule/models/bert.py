"""BERT: a Transformer's encoder that reads a text in both directions at once.

Devlin et al., "BERT: pre-training of deep bidirectional transformers", arXiv 1810.04805. Every parameter has the name
that it has in the checkpoints of the Hugging Face hub, so that these fit without a table of names.

Texts come packed: all tokens of a batch one after another, so that products with weights see no padding. Attention is
between the tokens of one text: on a processor it is computed for a few texts of about one length at a time, see
`models.attention_products`; elsewhere the tokens are spread to (texts, longest) for it. A text's vector comes from its
first token alone; where no other is wanted the last layer is computed there only, and everywhere over spread tokens.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.models.attention import attend, attend_fused
from chainrule.models.attention_products import attend_by_products
from chainrule.models.dropout import Dropout
from chainrule.models.linear_rows import LinearRows, linear_rows
from chainrule.models.packing import Packing, pack_rows, packing_of, spread_rows
from chainrule.models.vocabulary import Vocabulary
from chainrule.models.working_type import in_working_type

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "gelu_new": lambda x: nn.functional.gelu(x, approximate="tanh"),
    "relu": nn.functional.relu,
}
INITIAL_DEVIATION = 0.02  # of fresh weights


class Embeddings(nn.Module):
    """The sum of a token's vector, its position's and its segment's, normalised.

    Args:
        vocabulary_size: tokens there are.
        positions: places a text may have.
        segments: kinds of parts a text may have; ours have the first alone.
        hidden_size: values of a vector.
        epsilon: added to the variance.
        dropout: share of the values silenced in training, in [0, 1).
    """

    def __init__(
        self, *, vocabulary_size: int, positions: int, segments: int, hidden_size: int, epsilon: float, dropout: float
    ) -> None:
        super().__init__()
        self.word_embeddings = Vocabulary(size=vocabulary_size, hidden_size=hidden_size)
        self.position_embeddings = nn.Embedding(positions, hidden_size)
        self.token_type_embeddings = nn.Embedding(segments, hidden_size)
        self.LayerNorm = nn.LayerNorm(hidden_size, eps=epsilon)
        self.dropout = Dropout(dropout)

    def forward(
        self, tokens: Int[Tensor, " tokens"], positions: Int[Tensor, " tokens"]
    ) -> Float[Tensor, "tokens hidden"]:
        """The vector of each token."""
        placed = self.position_embeddings.weight + self.token_type_embeddings.weight[0]
        vectors = self.word_embeddings(tokens) + nn.functional.embedding(positions, placed)
        silenced: Tensor = self.dropout(in_working_type(self.LayerNorm(vectors)))
        return silenced


class SelfAttention(nn.Module):
    """Every token gathers values from the tokens of its text, in several ways at once; see `models.attention`.

    Args:
        hidden_size: values of a vector.
        heads: ways; divides `hidden_size`.
    """

    def __init__(self, *, hidden_size: int, heads: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.heads = heads

    def forward(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> Float[Tensor, "tokens hidden"]:
        """What each token gathered."""
        if packing.groups is not None:
            return attend_by_products(self.projected(x), self.heads, packing.groups)
        gathered = attend_fused(*self.parts(x, packing), seen=packing.seen)  # (batch, heads, longest, size)
        joined = gathered.transpose(1, 2).reshape(-1, x.shape[1])  # (batch · longest, hidden)
        return joined if packing.spread is None else pack_rows(joined, packing.places)

    def at_first(
        self, first: Float[Tensor, "batch hidden"], x: Float[Tensor, "tokens hidden"], packing: Packing
    ) -> Float[Tensor, "batch hidden"]:
        """What the first token of each text gathered, given its vector and those of all.

        One query a text needs no key and no value of any token. With keys K x + k, values V x + v and weights w that
        add up to 1

            q · (K x + k) = (Kᵀ q) · x + q · k,   Σ w (V x + v) = V Σ w x + v.
        """
        key, value = (each.weight.view(self.heads, -1, x.shape[1]) for each in (self.key, self.value))
        query = self.query(first).view(len(first), self.heads, -1)  # (batch, heads, size)
        tokens, seen = self.by_text(x, packing), packing.seen  # (batch, longest, hidden)
        scores = torch.einsum("bhs,hsi->bhi", query, key) @ tokens.mT  # (batch, heads, longest)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        # The softmax takes q · k away: it stands here so that the keys' offset has a gradient, which is 0.
        same = (query * self.key.bias.view(self.heads, -1)).sum(dim=-1, keepdim=True)  # (batch, heads, 1)
        scores = (scores + same) * query.shape[2] ** -0.5
        if seen is not None:
            scores = scores.masked_fill(~seen[:, 0], -torch.inf)
        gathered = torch.einsum("bhi,hsi->bhs", scores.softmax(dim=-1) @ tokens, value)
        return (gathered.flatten(1) + self.value.bias).to(x.dtype)

    def projected(self, x: Float[Tensor, "tokens hidden"]) -> Float[Tensor, "tokens projected"]:
        """Of each token its query, its key and its value side by side, by one product instead of three."""
        maps = (self.query, self.key, self.value)
        weight, bias = torch.cat([each.weight for each in maps]), torch.cat([each.bias for each in maps])
        return linear_rows(x, weight, bias)

    def parts(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> tuple[Tensor, ...]:
        """Queries, keys and values, each (batch, heads, longest, size)."""
        by_text = self.by_text(self.projected(x), packing)  # (batch, longest, 3 hidden)
        query, key, value = by_text.view(*by_text.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return query, key, value

    def by_text(self, rows: Float[Tensor, "tokens values"], packing: Packing) -> Float[Tensor, "batch longest values"]:
        """The tokens' rows text by text, with padding."""
        if packing.spread is not None:
            rows = spread_rows(rows, packing.spread, packing.places)
        return rows.view(len(packing.lengths), packing.longest, -1)

    def weights(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> Float[Tensor, "batch heads time time"]:
        """Where each token looks; rows and columns after a text's end mean nothing."""
        return attend(*self.parts(x, packing), seen=packing.seen)[1]


class Projection(nn.Module):
    """A linear map whose result is added to what the part of the layer began with, and normalised.

        y = LayerNorm(x + W found + b)

    Args:
        input_size: values of what was found.
        hidden_size: values of a vector.
        epsilon: added to the variance.
        dropout: share of the values silenced in training before they are added, in [0, 1).
    """

    def __init__(self, *, input_size: int, hidden_size: int, epsilon: float, dropout: float) -> None:
        super().__init__()
        self.dense = LinearRows(input_size, hidden_size)
        self.LayerNorm = nn.LayerNorm(hidden_size, eps=epsilon)
        self.dropout = Dropout(dropout)

    def forward(
        self, found: Float[Tensor, "tokens input"], x: Float[Tensor, "tokens hidden"]
    ) -> Float[Tensor, "tokens hidden"]:
        """The vectors after this part of the layer."""
        added = x + self.dropout(self.dense(found))
        normed: Tensor = self.LayerNorm(added)  # its sums are in float32, whatever the type of the values
        return normed.to(added.dtype)


class Attention(nn.Module):
    """Self-attention and its projection: the first part of a layer."""

    def __init__(self, *, gather: SelfAttention, output: Projection) -> None:
        super().__init__()
        self.self = gather  # the hub's name
        self.output = output

    def forward(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> Float[Tensor, "tokens hidden"]:
        """The vectors after attention."""
        vectors: Tensor = self.output(self.self(x, packing), x)
        return vectors


class Intermediate(nn.Module):
    """The wide half of a layer's network at each token: activation(W x + b)."""

    def __init__(self, *, dense: LinearRows, activation: str) -> None:
        super().__init__()
        self.dense = dense
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Float[Tensor, "tokens hidden"]) -> Float[Tensor, "tokens inner"]:
        """The values between."""
        return self.activation(self.dense(x))


class Layer(nn.Module):
    """Attention between the tokens, then a network at each of them."""

    def __init__(self, *, attention: Attention, intermediate: Intermediate, output: Projection) -> None:
        super().__init__()
        self.attention = attention
        self.intermediate = intermediate
        self.output = output

    def forward(
        self, x: Float[Tensor, "tokens hidden"], packing: Packing, *, at_first: bool = False
    ) -> Float[Tensor, "rows hidden"]:
        """The vectors after the layer, of all tokens or of the first of each text alone."""
        if at_first:  # told by an argument because a divided model gathers its parameters for `forward` alone
            first = x.index_select(0, packing.starts)  # (batch, hidden)
            x = self.attention.output(self.attention.self.at_first(first, x, packing), first)
        else:
            x = self.attention(x, packing)  # (tokens, hidden)
        vectors: Tensor = self.output(self.intermediate(x), x)
        return vectors

    def flops(self, tokens: int, pairs: Tensor) -> Tensor:
        """Operations over so many tokens, of which so many pairs look at each other, two a multiply-add."""
        return 4.0 * len(self.output.dense.weight) * pairs + self._flops_of_maps() * tokens

    def flops_at_first(self, tokens: int, texts: int) -> float:
        """The same where the vectors of so many texts' first tokens alone are computed."""
        pairs = self.attention.self.heads * tokens  # each head's query has all values of a vector
        return 4.0 * len(self.output.dense.weight) * pairs + self._flops_of_maps() * texts

    def _flops_of_maps(self) -> float:
        hidden, inner = self.output.dense.weight.shape
        return 2.0 * (4 * hidden * hidden + 2 * hidden * inner)


class Encoder(nn.Module):
    """The layers, one after another."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(layers)

    def forward(
        self, x: Float[Tensor, "tokens hidden"], packing: Packing, *, at_first: bool = False
    ) -> Float[Tensor, "rows hidden"]:
        """The vectors after the last layer, of all tokens or of the first of each text alone."""
        *lower, last = self.layers()
        for layer in lower:
            x = layer(x, packing)
        vectors: Tensor = last(x, packing, at_first=at_first)
        return vectors

    def layers(self) -> Iterator[Layer]:
        """The layers, the lowest first."""
        yield from self.layer  # type: ignore[misc]


class Pooler(nn.Module):
    """A text's vector from its first token's: tanh(W x + b)."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)

    def forward(self, first: Float[Tensor, "batch hidden"]) -> Float[Tensor, "batch hidden"]:
        """The text's vector from that of [CLS]."""
        pooled: Tensor = self.dense(first).tanh()
        return pooled


class Bert(nn.Module):
    """BERT without a head.

    Args:
        embeddings: tokens → vectors.
        encoder: the layers.
        pooler: the first token's vector → the text's.
    """

    def __init__(self, *, embeddings: Embeddings, encoder: Encoder, pooler: Pooler) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.encoder = encoder
        self.pooler = pooler

    def forward(
        self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"], *, at_first: bool = False
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "batch hidden"]]:
        """The last vector of each token, and that of each text.

        Args:
            tokens: of all texts, one text after another, each from [CLS] to [SEP].
            lengths: tokens of each, ≥ 1, no more than there are positions.
            at_first: the last layer is computed for [CLS] alone, which is all that the text's vector needs; of the
                tokens' vectors theirs are given.
        """
        packing = packing_of(lengths, len(tokens))
        hidden = self.encoder(self.embeddings(tokens, packing.positions), packing, at_first=at_first)
        first = hidden if at_first else hidden.index_select(0, packing.starts)  # (batch, hidden)
        return hidden, self.pooler(first)


def bert(
    *,
    vocabulary_size: int,
    hidden_size: int,
    layers: int,
    heads: int,
    inner_size: int,
    positions: int = 512,
    segments: int = 2,
    activation: str = "gelu",
    epsilon: float = 1e-12,
    dropout: float = 0.0,
) -> Bert:
    """A `Bert` with fresh weights: normal with a deviation of 0.02, offsets 0.

    Args:
        vocabulary_size: tokens there are.
        hidden_size: values of a vector.
        layers: of the encoder, ≥ 1.
        heads: of each; divides `hidden_size`.
        inner_size: values between the two linear maps at each token.
        positions: tokens the longest text may have.
        segments: kinds of parts a text may have.
        activation: a key of `ACTIVATIONS`.
        epsilon: added to each variance.
        dropout: share of the values silenced in training, in [0, 1). Differs from the paper: attention's weights
            are not silenced, on no device, because the fused operation of GPUs never has them.

    Raises:
        ValueError: the sizes do not fit each other.
    """
    if hidden_size % heads:
        raise ValueError(f"{hidden_size} values cannot be cut into {heads} heads")
    common: dict[str, Any] = {"hidden_size": hidden_size, "epsilon": epsilon, "dropout": dropout}

    def layer() -> Layer:
        return Layer(
            attention=Attention(
                gather=SelfAttention(hidden_size=hidden_size, heads=heads),
                output=Projection(input_size=hidden_size, **common),
            ),
            intermediate=Intermediate(dense=LinearRows(hidden_size, inner_size), activation=activation),
            output=Projection(input_size=inner_size, **common),
        )

    model = Bert(
        embeddings=Embeddings(vocabulary_size=vocabulary_size, positions=positions, segments=segments, **common),
        encoder=Encoder([layer() for _ in range(layers)]),
        pooler=Pooler(hidden_size),
    )
    model.apply(begin)
    return model


def begin(module: nn.Module) -> None:
    """Gives a layer fresh weights."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INITIAL_DEVIATION)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
