"""A classifier of texts that reads them twice, by words and by characters, with an LSTM each."""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.data.text_tokens import UNKNOWN_ID
from chainrule.models.lstm import BidirectionalLstm

Ids = TypeVar("Ids", Tensor, NDArray[Any])

WORD_RUN, CHARACTER_RUN = 2, 3  # the longest runs of words, and of characters, that have vectors of their own
NO_KEY = torch.iinfo(torch.int64).max


def run_key(ids: Sequence[Ids], vocabulary_size: int) -> Ids:
    """One number for each run of tokens: its ids as digits to the base `vocabulary_size` + 1.

    No two runs share a number, whatever their lengths, as long as no token in them has the id 0.

    Args:
        ids: the runs' first tokens, their second ones and so on, all of one shape; each from 0 to `vocabulary_size`.
        vocabulary_size: tokens there are; the number after the last stands for what is before a text's beginning.
    """
    key = ids[0]
    for part in ids[1:]:
        key = key * (vocabulary_size + 1) + part
    return key


class RunEmbedding(nn.Module):
    """Vectors of tokens, to which those of the runs of tokens are added that end with them.

        x_t = T[w_t] + R[w_{t-1} w_t] + R[w_{t-2} w_{t-1} w_t] + …

    So 不 before 好 can mean at once what a network would else have to learn from few texts. A run that has no
    vector of its own adds nothing. The sum of vectors is that of Bojanowski et al., "Enriching word vectors with
    subword information", TACL 2017; there n-grams of characters make up a word, here runs end at a token.

    Args:
        tokens: token ids → vectors.
        runs: vectors of the runs, in the order of `keys`. They do not learn: most runs are too rare, and what is
            learned of them is learned by heart.
        longest: tokens of the longest run, ≥ 1.
    """

    keys: Tensor

    def __init__(self, *, tokens: nn.Embedding, runs: nn.Embedding, longest: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.runs = runs.requires_grad_(requires_grad=False)
        self.longest = longest
        # `run_key` of each run, rising; the rows after the last run are for none.
        self.register_buffer("keys", torch.full((runs.num_embeddings,), NO_KEY))

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time values"]:
        """The vectors at each step.

        Args:
            tokens: their ids; those after a text's end do not reach any step before it.
        """
        vectors: Tensor = self.tokens(tokens)  # (batch, time, values)
        if len(self.keys) == 0:
            return vectors
        size, time = self.tokens.num_embeddings, tokens.shape[1]
        ending = [tokens]  # the tokens at t, then those before them
        for length in range(2, self.longest + 1):
            before = nn.functional.pad(tokens, (length - 1, 0), value=size)[:, :time]
            ending.insert(0, before)
            keys = run_key(ending, size)  # (batch, time)
            places = torch.searchsorted(self.keys, keys).clamp_max(len(self.keys) - 1)
            known = self.keys[places] == keys
            vectors = vectors + self.runs(places) * known[..., None]
        return vectors


class Reader(nn.Module):
    """Reads a text in both directions.

    Args:
        embedding: token ids → vectors.
        lstm: over those vectors.
        word_dropout: share of the tokens that is replaced by [UNK] in training, in [0, 1): what the model cannot
            rely on it need not learn by heart (Iyyer et al., "Deep unordered composition", 2015).
        dropout: share of the vectors' values silenced in training, in [0, 1).
    """

    def __init__(
        self, *, embedding: RunEmbedding, lstm: BidirectionalLstm, word_dropout: float, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.lstm = lstm
        self.word_dropout = word_dropout
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch features"]:
        """Features of the whole texts, as `BidirectionalLstm` gives them."""
        if self.training and self.word_dropout:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(dropped, UNKNOWN_ID)
        vectors = self.dropout(self.embedding(tokens))  # (batch, time, values)
        features: Tensor = self.lstm(vectors, lengths)
        return features


class TextLstm(nn.Module):
    """Classifies texts: a reader of words, one of the characters that spell them, one linear layer.

    Args:
        words: reads tokens.
        characters: reads the same text character by character; None where tokens are characters already.
        spelling: the numbers of each token's characters, from 1, and 0 after its end, (vocabulary, longest token).
        head: features of both readers → scores of the classes.
        dropout: share of the features silenced in training, in [0, 1).
    """

    spelling: Tensor

    def __init__(
        self,
        *,
        words: Reader,
        characters: Reader | None,
        spelling: Int[Tensor, "vocabulary longest"],
        head: nn.Linear,
        dropout: float,
    ) -> None:
        super().__init__()
        self.words = words
        self.characters = characters
        self.register_buffer("spelling", spelling)
        self.head = head
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch classes"]:
        """Scores of the classes before softmax.

        Args:
            tokens: each text's token ids, padded at its end with any id.
            lengths: real tokens of each text, ≥ 1.
        """
        features = self.words(tokens, lengths)  # (batch, features)
        if self.characters is not None:
            features = torch.cat([features, self.characters(*self.spell(tokens, lengths))], dim=1)
        scores: Tensor = self.head(self.dropout(features))  # (batch, classes)
        return scores

    def spell(
        self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Int[Tensor, "batch letters"], Int[Tensor, " batch"]]:
        """The texts' characters, padded at their ends with 0, and how many each has."""
        real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]  # (batch, time)
        letters = (self.spelling[tokens] * real[..., None]).flatten(1)  # (batch, time · longest), with gaps
        first = (letters == 0).sort(dim=1, stable=True).indices  # places of the characters, then of the gaps
        counts = (letters > 0).sum(dim=1)  # (batch,)
        return letters.gather(1, first)[:, : int(counts.max())], counts

    def forward_flops(self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations of the LSTMs over real tokens and characters, and of the head; looking up has none."""
        flops = self.words.lstm.step_flops() * lengths.sum() + 2.0 * self.head.weight.numel() * len(tokens)
        if self.characters is not None:
            real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
            letters = (self.spelling[tokens] > 0).sum(dim=-1) * real  # (batch, time)
            flops = flops + self.characters.lstm.step_flops() * letters.sum()
        return flops


def text_lstm(
    *,
    vocabulary_size: int,
    alphabet_size: int,
    longest_token: int,
    runs: int,
    embedding_size: int,
    hidden_size: int,
    classes: int,
    word_dropout: float = 0.0,
    dropout: float = 0.0,
) -> TextLstm:
    """A `TextLstm` with fresh weights.

    Args:
        vocabulary_size: tokens there are.
        alphabet_size: characters that spell them, the number 0 counted; 0 for no reader of characters.
        longest_token: characters of the longest token.
        runs: most runs of each length that have vectors of their own, ≥ 0.
        embedding_size: values of a vector.
        hidden_size: units of each LSTM in each direction.
        classes: how many.
        word_dropout: see `Reader`.
        dropout: see `Reader` and `TextLstm`.
    """

    def reader(size: int, longest: int) -> Reader:
        embedding = RunEmbedding(
            tokens=nn.Embedding(size, embedding_size),
            runs=nn.Embedding(runs * (longest - 1), embedding_size),
            longest=longest,
        )
        lstm = BidirectionalLstm(input_size=embedding_size, hidden_size=hidden_size)
        return Reader(embedding=embedding, lstm=lstm, word_dropout=word_dropout, dropout=dropout)

    spelling = torch.zeros((vocabulary_size, longest_token), dtype=torch.int64)
    spelling[:, 0] = UNKNOWN_ID  # until a tokenizer tells how its tokens are spelt
    words = reader(vocabulary_size, WORD_RUN if alphabet_size else CHARACTER_RUN)
    characters = reader(alphabet_size, CHARACTER_RUN) if alphabet_size else None
    features = words.lstm.output_size + (characters.lstm.output_size if characters else 0)
    return TextLstm(
        words=words,
        characters=characters,
        spelling=spelling,
        head=nn.Linear(features, classes),
        dropout=dropout,
    )
