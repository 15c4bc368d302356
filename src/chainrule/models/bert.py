"""BERT: a Transformer's encoder that reads a text in both directions at once, and a classifier on it.

Devlin et al., "BERT: pre-training of deep bidirectional transformers", arXiv 1810.04805. Every parameter has the name
that it has in the checkpoints of the Hugging Face hub, so that these fit without a table of names.

Texts come packed: all tokens of a batch one after another, so that products of matrices see no padding. For attention
alone, which is between the tokens of one text, they are spread to (texts, longest).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from chainrule.models.attention import attend, attend_fused, seen_keys
from chainrule.models.attention_products import attend_by_products
from chainrule.models.dropout import Dropout

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "gelu_new": lambda x: nn.functional.gelu(x, approximate="tanh"),
    "relu": nn.functional.relu,
}
VECTOR = 32  # values of a vector of a processor in bfloat16: rows of attention's weights are this many, or twice …
INITIAL_DEVIATION = 0.02  # of fresh weights


class Packing(NamedTuple):
    """Where the tokens of a packed batch belong."""

    lengths: Tensor
    """Tokens of each text, (batch,)."""
    positions: Tensor
    """Of each token in its text, (tokens,)."""
    spread: Tensor | None
    """Which token stands at each place of (batch, longest), flat; None where all texts are of one length."""
    places: Tensor
    """The place of each token there, (tokens,)."""
    longest: int

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
    if lengths.device.type == "cpu":
        longest = -(-longest // VECTOR) * VECTOR
    spread = None
    if longest * len(lengths) > tokens:
        upwards = torch.arange(longest, device=lengths.device)
        spread = (starts[:, None] + torch.minimum(upwards, lengths[:, None] - 1)).flatten()
    return Packing(lengths, positions, spread, texts * longest + positions, longest)


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


_spread: Callable[[Tensor, Tensor, Tensor], Tensor] = _Spread.apply
_pack: Callable[[Tensor, Tensor], Tensor] = _Pack.apply


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
        self.word_embeddings = nn.Embedding(vocabulary_size, hidden_size)
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


def in_working_type(values: Tensor) -> Tensor:
    """The values in the type that products are in: bfloat16 under autocast, so that all between them is, too."""
    kind = values.device.type
    return values.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else values


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
        query, key, value = self.parts(x, packing)
        gathered: Tensor  # (batch, heads, longest, size)
        if x.device.type == "cpu":
            gathered = attend_by_products(query, key, value, packing.lengths.tolist())
        else:
            gathered = attend_fused(query, key, value, seen=packing.seen)
        joined = gathered.transpose(1, 2).reshape(-1, x.shape[1])  # (batch · longest, hidden)
        return joined if packing.spread is None else _pack(joined, packing.places)

    def parts(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> tuple[Tensor, ...]:
        """Queries, keys and values, each (batch, heads, longest, size)."""
        maps = (self.query, self.key, self.value)
        weight, bias = torch.cat([each.weight for each in maps]), torch.cat([each.bias for each in maps])
        projected = nn.functional.linear(x, weight, bias)  # (tokens, 3 hidden): one product instead of three
        if packing.spread is not None:
            projected = _spread(projected, packing.spread, packing.places)  # (batch · longest, 3 hidden)
        cut = projected.view(len(packing.lengths), packing.longest, 3, self.heads, -1)
        query, key, value = cut.permute(2, 0, 3, 1, 4)
        return query, key, value

    def weights(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> Float[Tensor, "batch heads time time"]:
        """Where each token looks; rows and columns after a text's end mean nothing."""
        time = int(packing.lengths.max())
        return attend(*self.parts(x, packing), seen=packing.seen)[1][:, :, :time, :time]


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
        self.dense = nn.Linear(input_size, hidden_size)
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

    def __init__(self, *, dense: nn.Linear, activation: str) -> None:
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

    def forward(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> Float[Tensor, "tokens hidden"]:
        """The vectors after the layer."""
        x = self.attention(x, packing)  # (tokens, hidden)
        vectors: Tensor = self.output(self.intermediate(x), x)
        return vectors

    def flops(self, tokens: int, pairs: Tensor) -> Tensor:
        """Operations over so many tokens, of which so many pairs look at each other, two a multiply-add."""
        hidden, inner = self.output.dense.weight.shape
        return 4.0 * hidden * pairs + 2.0 * (4 * hidden * hidden + 2 * hidden * inner) * tokens


class Encoder(nn.Module):
    """The layers, one after another."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(layers)

    def forward(self, x: Float[Tensor, "tokens hidden"], packing: Packing) -> Float[Tensor, "tokens hidden"]:
        """The vectors after the last layer."""
        for layer in self.layers():
            x = layer(x, packing)
        return x

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
        self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "tokens hidden"], Float[Tensor, "batch hidden"]]:
        """The last vector of each token, and that of each text.

        Args:
            tokens: of all texts, one text after another, each from [CLS] to [SEP].
            lengths: tokens of each, ≥ 1, no more than there are positions.
        """
        packing = packing_of(lengths, len(tokens))
        hidden = self.encoder(self.embeddings(tokens, packing.positions), packing)  # (tokens, hidden)
        first = hidden.index_select(0, lengths.cumsum(0) - lengths)  # (batch, hidden)
        return hidden, self.pooler(first)


class BertClassifier(nn.Module):
    """BERT and a linear layer that tells classes apart by the text's vector.

    Args:
        bert: without a head.
        classifier: the text's vector → scores.
        dropout: share of that vector silenced in training, in [0, 1).
    """

    def __init__(self, *, bert: Bert, classifier: nn.Linear, dropout: float) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = Dropout(dropout)
        self.classifier = classifier

    def forward(self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes before softmax; for the arguments see `Bert`."""
        _, pooled = self.bert(tokens, lengths)
        scores: Tensor = self.classifier(self.dropout(pooled))
        return scores

    def embed(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time hidden"]:
        """The vectors of the tokens of texts of one length, as the first layer gets them."""
        positions = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        vectors: Tensor = self.bert.embeddings(tokens.flatten(), positions.flatten())
        return vectors.view(*tokens.shape, -1)

    def read(
        self, vectors: Float[Tensor, "batch time hidden"], lengths: Int[Tensor, " batch"], *, need_weights: bool = False
    ) -> tuple[Float[Tensor, "batch classes"], list[Tensor]]:
        """Scores of the classes from those vectors, and where each layer's heads look, if that is needed.

        Args:
            vectors: of texts of one length.
            lengths: that length, for each.
            need_weights: gives the weights of each layer, (batch, heads, time, time).
        """
        x = vectors.flatten(0, 1)
        packing, weights = packing_of(lengths, len(x)), []
        for layer in self.bert.encoder.layers():
            if need_weights:
                weights.append(layer.attention.self.weights(x, packing))
            x = layer(x, packing)
        scores: Tensor = self.classifier(self.bert.pooler(x.view_as(vectors)[:, 0]))
        return scores, weights

    def forward_flops(self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations over the real tokens; looking up has none."""
        pairs = lengths.square().sum()
        flops = self._head_flops(lengths)
        for layer in self.bert.encoder.layers():
            flops = flops + layer.flops(len(tokens), pairs)
        return flops

    def training_flops(self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations of both passes: the backward one goes down to the lowest part that learns, and no further."""
        pairs = lengths.square().sum()
        flops, below = 3 * self._head_flops(lengths), learns(self.bert.embeddings)
        for layer in self.bert.encoder.layers():
            flops = flops + layer.flops(len(tokens), pairs) * (1 + learns(layer) + below)
            below = below or learns(layer)
        return flops

    def _head_flops(self, lengths: Tensor) -> Tensor:
        weights = self.bert.pooler.dense.weight.numel() + self.classifier.weight.numel()
        return torch.tensor(2.0 * weights * len(lengths), device=lengths.device)


def learns(part: nn.Module) -> bool:
    """Whether any parameter of a part learns."""
    return any(parameter.requires_grad for parameter in part.parameters())


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
            are not silenced, because the fused operation never has them.

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
            intermediate=Intermediate(dense=nn.Linear(hidden_size, inner_size), activation=activation),
            output=Projection(input_size=inner_size, **common),
        )

    model = Bert(
        embeddings=Embeddings(vocabulary_size=vocabulary_size, positions=positions, segments=segments, **common),
        encoder=Encoder([layer() for _ in range(layers)]),
        pooler=Pooler(hidden_size),
    )
    model.apply(_begin)
    return model


def _begin(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INITIAL_DEVIATION)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def bert_classifier(*, classes: int, dropout: float = 0.0, **arguments: Any) -> BertClassifier:
    """A `BertClassifier` with fresh weights.

    Args:
        classes: how many.
        dropout: share of the values silenced in training, in [0, 1), everywhere.
        arguments: see `bert`.
    """
    model = bert(dropout=dropout, **arguments)
    head = nn.Linear(model.pooler.dense.out_features, classes)
    _begin(head)
    return BertClassifier(bert=model, classifier=head, dropout=dropout)
