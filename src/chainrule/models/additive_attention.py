"""Additive attention, the first there was, over the states of an LSTM."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.models.attention import seen_keys
from chainrule.models.lstm import BidirectionalLstm


class AdditiveAttention(nn.Module):
    """Sums up states, each weighted by what a small network makes of it.

        e_t = v · tanh(W h_t + b),   weights = softmax(e),   y = Σ_t weights_t h_t

    Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate", arXiv 1409.0473.
    There a decoder's state stands beside h_t; a classifier has none, and asks of every text the same (Yang et al.,
    "Hierarchical attention networks for document classification", NAACL 2016).

    Args:
        hidden: W and b.
        score: v.
    """

    def __init__(self, *, hidden: nn.Linear, score: nn.Linear) -> None:
        super().__init__()
        self.hidden = hidden
        self.score = score

    def forward(
        self, states: Float[Tensor, "batch time states"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch states"], Float[Tensor, "batch time"]]:
        """The sum, and the weights.

        Args:
            states: h, padded at its end with any finite values.
            lengths: real states of each text, ≥ 1.
        """
        scores = self.score(self.hidden(states).tanh())[..., 0].float()  # (batch, time)
        real = seen_keys(lengths, states.shape[1])[:, 0, 0]  # (batch, time)
        weights = scores.masked_fill(~real, -torch.inf).softmax(dim=1)
        return (weights[..., None] * states).sum(dim=1), weights

    def step_flops(self) -> float:
        """Operations a real state, two a multiply-add."""
        return 2.0 * (self.hidden.weight.numel() + self.score.weight.numel() + self.hidden.in_features)


class LstmReader(nn.Module):
    """Reads a text with an LSTM in both directions, whose states additive attention sums up.

    Args:
        lstm: over the vectors of the tokens.
        attention: over its states.
    """

    def __init__(self, *, lstm: BidirectionalLstm, attention: AdditiveAttention) -> None:
        super().__init__()
        self.lstm = lstm
        self.attention = attention
        self.output_size = attention.hidden.in_features

    def forward(
        self, vectors: Float[Tensor, "batch time size"], lengths: Int[Tensor, " batch"], *, need_weights: bool = False
    ) -> tuple[Float[Tensor, "batch features"], list[Tensor]]:
        """Features of the whole texts, and the weights as those of one layer, head and query, where they are needed."""
        features, weights = self.attention(self.lstm.states(vectors, lengths), lengths)
        return features, [weights[:, None, None]] if need_weights else []

    def flops(self, lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations over real tokens."""
        return (self.lstm.step_flops() + self.attention.step_flops()) * lengths.sum()
