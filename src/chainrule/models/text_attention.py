"""Classifiers of texts by attention: one layer of it, a Transformer, or additive attention over an LSTM."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.data.text_tokens import UNKNOWN_ID
from chainrule.models.additive_attention import AdditiveAttention, LstmReader
from chainrule.models.attention import multi_head_attention, seen_keys
from chainrule.models.dropout import Dropout
from chainrule.models.lstm import BidirectionalLstm
from chainrule.models.positions import SLOWEST, LearnedPositions, SinusoidalPositions
from chainrule.models.text_lstm import RunEmbedding
from chainrule.models.transformer import Encoder, encoder
from chainrule.models.transformer_layers import AttentionLayer, Residual

Positions = Literal["sinusoidal", "learned", "rotary"]
Pooling = Literal["mean", "first"]


class EncoderReader(nn.Module):
    """Reads a text with an encoder, whose values are averaged over the tokens, or taken from a place of their own.

    Args:
        encoder: of the vectors of the tokens.
        positions: tells the vectors where they stand; None where the attention tells it.
        first: a learned vector that is put before each text, and from whose place the features are taken, as from
            BERT's [CLS] (Devlin et al., arXiv 1810.04805); the mean over all places if None.
        size: values of a vector.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        positions: SinusoidalPositions | LearnedPositions | None,
        first: nn.Parameter | None,
        size: int,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.positions = positions
        self.first = first
        self.output_size = size

    def forward(
        self, vectors: Float[Tensor, "batch time size"], lengths: Int[Tensor, " batch"], *, need_weights: bool = False
    ) -> tuple[Float[Tensor, "batch features"], list[Tensor]]:
        """Features of the whole texts, and each layer's weights, (batch, heads, time, time), where they are needed.

        Args:
            vectors: of the tokens, padded at their ends with any finite values.
            lengths: real tokens of each text, ≥ 1.
            need_weights: see `MultiHeadAttention`.
        """
        if self.first is not None:
            vectors = torch.cat([self.first.expand(len(vectors), 1, -1), vectors], dim=1)  # (batch, 1 + time, size)
            lengths = lengths + 1
        if self.positions is not None:
            vectors = self.positions(vectors)
        seen = seen_keys(lengths, vectors.shape[1])
        y, weights = self.encoder(vectors, seen=seen, need_weights=need_weights)  # (batch, time, size)
        if self.first is not None:
            return y[:, 0].clone(), weights  # no view, for what hooks into it where a model is divided
        real = seen[:, 0, 0, :, None]  # (batch, time, 1)
        exact = torch.promote_types(y.dtype, torch.float32)  # sums are never in bfloat16
        return y.masked_fill(~real, 0.0).sum(dim=1, dtype=exact) / lengths[:, None], weights

    def flops(self, lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations over real tokens."""
        return self.encoder.flops(lengths if self.first is None else lengths + 1)


class TextAttention(nn.Module):
    """Classifies texts: vectors of their tokens, a reader, one linear layer.

    Args:
        embedding: token ids → vectors.
        reader: vectors → features of the whole text.
        head: features → scores of the classes.
        word_dropout: share of the tokens that is replaced by [UNK] in training, in [0, 1).
        dropout: share of the vectors' values, and of the features, silenced in training, in [0, 1).
    """

    def __init__(
        self,
        *,
        embedding: RunEmbedding,
        reader: LstmReader | EncoderReader,
        head: nn.Linear,
        word_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.reader = reader
        self.head = head
        self.word_dropout = word_dropout
        self.dropout = Dropout(dropout)

    def forward(
        self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch classes"]:
        """Scores of the classes before softmax.

        Args:
            tokens: each text's token ids, padded at its end with any id.
            lengths: real tokens of each text, ≥ 1.
        """
        if self.training and self.word_dropout:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(dropped, UNKNOWN_ID)
        scores, _ = self.read(self.embed(tokens), lengths)
        return scores

    def embed(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time size"]:
        """The tokens' vectors."""
        vectors: Tensor = self.embedding(tokens)
        return vectors

    def read(
        self, vectors: Float[Tensor, "batch time size"], lengths: Int[Tensor, " batch"], *, need_weights: bool = False
    ) -> tuple[Float[Tensor, "batch classes"], list[Tensor]]:
        """Scores of the classes from the tokens' vectors, and the weights of each layer where they are needed.

        Args:
            vectors: what `embed` gives, or what stands between it and something else.
            lengths: real tokens of each text.
            need_weights: see `MultiHeadAttention`.
        """
        features, weights = self.reader(self.dropout(vectors), lengths, need_weights=need_weights)
        return self.head(self.dropout(features)), weights  # (batch, classes)

    def forward_flops(self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations over real tokens, and of the head; looking up has none."""
        return self.reader.flops(lengths) + 2.0 * self.head.weight.numel() * len(tokens)


def _embedding(vocabulary_size: int, runs: int, longest_run: int, size: int) -> RunEmbedding:
    tokens, of_runs = nn.Embedding(vocabulary_size, size), nn.Embedding(runs * (longest_run - 1), size)
    return RunEmbedding(tokens=tokens, runs=of_runs, longest=longest_run)


def _encoder_reader(layers: Encoder, size: int, positions: Positions, pooling: Pooling, longest: int) -> EncoderReader:
    first = None
    if pooling == "first":
        first = nn.Parameter(0.02 * torch.randn(size))
        longest += 1
    told: SinusoidalPositions | LearnedPositions | None = None
    if positions != "rotary":
        is_learned = positions == "learned"
        told = LearnedPositions(longest=longest, size=size) if is_learned else SinusoidalPositions()
    return EncoderReader(encoder=layers, positions=told, first=first, size=size)


def text_transformer(
    *,
    vocabulary_size: int,
    runs: int,
    longest_run: int,
    size: int,
    heads: int,
    inner_size: int,
    layers: int,
    longest: int,
    classes: int,
    positions: Positions = "sinusoidal",
    pooling: Pooling = "mean",
    norm_first: bool = True,
    word_dropout: float = 0.0,
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
) -> TextAttention:
    """A `TextAttention` on a Transformer's encoder, with fresh weights.

    Args:
        vocabulary_size: tokens there are.
        runs: most runs of each length that have vectors of their own, ≥ 0.
        longest_run: tokens of the longest run, ≥ 1.
        size: values of a vector.
        heads: of each attention; divides `size`.
        inner_size: values between the two maps of each feed-forward network.
        layers: how many.
        longest: tokens of the longest text.
        classes: how many.
        positions: how places are told.
        pooling: what the features are: the mean over the tokens, or the values at a place before the text.
        norm_first: whether layers are pre-norm.
        word_dropout: see `TextAttention`.
        dropout: see `TextAttention`; also in the layers.
        attention_dropout: share of the attention's weights silenced in training, in [0, 1).
    """
    stack = encoder(
        size=size,
        heads=heads,
        inner_size=inner_size,
        layers=layers,
        norm_first=norm_first,
        dropout=dropout,
        attention_dropout=attention_dropout,
        rotary_base=SLOWEST if positions == "rotary" else None,
        key_offset=False,
    )
    reader = _encoder_reader(stack, size, positions, pooling, longest)
    return TextAttention(
        embedding=_embedding(vocabulary_size, runs, longest_run, size),
        reader=reader,
        head=nn.Linear(reader.output_size, classes),
        word_dropout=word_dropout,
        dropout=dropout,
    )


def text_attention(
    *,
    vocabulary_size: int,
    runs: int,
    longest_run: int,
    size: int,
    classes: int,
    attention: Literal["self", "additive"] = "self",
    heads: int = 1,
    hidden_size: int = 1,
    longest: int = 1,
    positions: Positions = "sinusoidal",
    pooling: Pooling = "mean",
    word_dropout: float = 0.0,
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
) -> TextAttention:
    """A `TextAttention` on one layer of attention, with fresh weights.

    Args:
        vocabulary_size: tokens there are.
        runs: see `text_transformer`.
        longest_run: see `text_transformer`.
        size: values of a vector.
        classes: how many.
        attention: `self`: tokens look at each other; `additive`: over the states of an LSTM.
        heads: of self-attention; divides `size`.
        hidden_size: units of the LSTM in each direction, and values of W h + b, for additive attention.
        longest: see `text_transformer`, for self-attention.
        positions: see `text_transformer`, for self-attention.
        pooling: see `text_transformer`, for self-attention.
        word_dropout: see `TextAttention`.
        dropout: see `TextAttention`.
        attention_dropout: see `text_transformer`, for self-attention.
    """
    reader: LstmReader | EncoderReader
    if attention == "additive":
        lstm = BidirectionalLstm(input_size=size, hidden_size=hidden_size)
        hidden = nn.Linear(2 * hidden_size, hidden_size)
        reader = LstmReader(
            lstm=lstm, attention=AdditiveAttention(hidden=hidden, score=nn.Linear(hidden_size, 1, bias=False))
        )
    else:
        rotary_base = SLOWEST if positions == "rotary" else None
        layer = AttentionLayer(
            attention=multi_head_attention(
                size=size, heads=heads, dropout=attention_dropout, rotary_base=rotary_base, key_offset=False
            ),
            around_attention=Residual(norm=nn.LayerNorm(size), norm_first=True, dropout=dropout),
        )
        stack = Encoder(layers=[layer], norm=nn.LayerNorm(size))
        reader = _encoder_reader(stack, size, positions, pooling, longest)
    return TextAttention(
        embedding=_embedding(vocabulary_size, runs, longest_run, size),
        reader=reader,
        head=nn.Linear(reader.output_size, classes),
        word_dropout=word_dropout,
        dropout=dropout,
    )
