"""The LSTM and a classifier of sequences on it."""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

GATES = 4  # input, forget, cell, output


class BidirectionalLstm(nn.Module):
    """Two LSTMs, one reading forwards and one backwards, each summed up over time by its maximum and its mean.

    At each step, with the input x and the state (h, c) before it:

        i, f, o = σ(W x + U h + b) each with weights of its own      what to write, keep and show
        g = tanh(W_g x + U_g h + b_g)                                what could be written
        c ← f ⊙ c + i ⊙ g,   h ← o ⊙ tanh(c)

    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate f is from
    Gers, Schmidhuber and Cummins, "Learning to forget", 2000. The backward direction reads each example from its
    own last step, so that padding never reaches a state that counts.

    Args:
        input_size: values a step, ≥ 1.
        hidden_size: units of each direction, ≥ 1.
    """

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.backwards = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.output_size = 4 * hidden_size

    def forward(
        self,
        steps: Float[Tensor, "batch time input"],
        reversed_steps: Float[Tensor, "batch time input"],
        lengths: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch features"]:
        """Features of the whole sequences.

        Args:
            steps: the sequences, padded at their ends.
            reversed_steps: the same with each sequence turned round within its length.
            lengths: real steps of each, ≥ 1.
        """
        real = torch.arange(steps.shape[1], device=lengths.device) < lengths[:, None]  # (batch, time)
        pooled = []
        for lstm, inputs in ((self.forwards, steps), (self.backwards, reversed_steps)):
            states = lstm(inputs)[0].float()  # (batch, time, hidden)
            pooled.append(states.masked_fill(~real[..., None], -torch.inf).amax(dim=1))  # (batch, hidden)
            pooled.append((states * real[..., None]).sum(dim=1) / lengths[:, None])  # (batch, hidden)
        return torch.cat(pooled, dim=1)  # (batch, 4 hidden)

    def step_flops(self) -> float:
        """Operations a real step, both directions."""
        lstm = self.forwards
        return 2 * 2.0 * GATES * lstm.hidden_size * (lstm.input_size + lstm.hidden_size)


def turn_round(steps: Shaped[Tensor, "batch time *values"], lengths: Int[Tensor, " batch"]) -> Tensor:
    """Each sequence reversed within its own length; the padding stays where it is."""
    time = torch.arange(steps.shape[1], device=steps.device)
    mirrored = lengths[:, None] - 1 - time
    places = torch.where(mirrored >= 0, mirrored, time)  # (batch, time)
    return steps.gather(1, places.view(*places.shape, *(1,) * (steps.ndim - 2)).expand_as(steps))


class SequenceClassifier(nn.Module):
    """Classifies sequences of vectors: bidirectional LSTM, one linear layer.

    Args:
        lstm: over the vectors.
        head: features of the sequence → scores of the classes.
        noise: standard deviation of what is added to each value in training, the values having deviation 1, ≥ 0
            (Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7, 1995).
        dropout: share of the features' values silenced in training, in [0, 1).
    """

    def __init__(self, *, lstm: BidirectionalLstm, head: nn.Linear, noise: float, dropout: float) -> None:
        super().__init__()
        self.lstm = lstm
        self.head = head
        self.noise = noise
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, steps: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch classes"]:
        """Scores of the classes before softmax.

        Args:
            steps: standardised sequences, padded at their ends with any values.
            lengths: real steps of each, ≥ 1.
        """
        if self.training and self.noise:
            steps = steps + self.noise * torch.randn_like(steps)
        features = self.lstm(steps, turn_round(steps, lengths), lengths)  # (batch, features)
        scores: Tensor = self.head(self.dropout(features))  # (batch, classes)
        return scores

    def forward_flops(self, steps: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations of the LSTM over real steps and of the head."""
        return self.lstm.step_flops() * lengths.sum() + 2.0 * self.head.weight.numel() * len(steps)


def lstm_sequence_classifier(
    *, input_size: int, hidden_size: int, classes: int, noise: float = 0.0, dropout: float = 0.0
) -> SequenceClassifier:
    """A `SequenceClassifier` with fresh weights.

    Args:
        input_size: values a step.
        hidden_size: units of each direction.
        classes: how many.
        noise: see `SequenceClassifier`.
        dropout: see `SequenceClassifier`.
    """
    lstm = BidirectionalLstm(input_size=input_size, hidden_size=hidden_size)
    head = nn.Linear(lstm.output_size, classes)
    return SequenceClassifier(lstm=lstm, head=head, noise=noise, dropout=dropout)
