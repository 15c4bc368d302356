"""The LSTM and a classifier of sequences on it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from chainrule.models.working_type import in_working_type

GATES = 4  # input, forget, cell, output
PIECE_STEPS, PIECE_ROWS = 15, 8  # where a batch may be cut
WORTHWHILE = 400  # rows × steps that a cut must leave out: what a call of its own costs on a CPU, about


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
        self.forwards = nn.LSTM(input_size, hidden_size)
        self.backwards = nn.LSTM(input_size, hidden_size)
        self.output_size = 4 * hidden_size

    def forward(
        self, steps: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch features"]:
        """Features of the whole sequences.

        Args:
            steps: the sequences, padded at their ends with any finite values.
            lengths: real steps of each, ≥ 1.
        """
        steps = in_working_type(steps)  # before they are gathered: in bfloat16 half the bytes
        longest_first = lengths.argsort(descending=True, stable=True)
        ordered, time = lengths[longest_first], steps.shape[1]
        pieces = pieces_of(ordered, time)
        upwards = torch.arange(time, device=lengths.device)
        real = (upwards[:, None] < ordered)[..., None].to(steps.dtype)  # (time, batch, 1): 1, or 0 after the end
        pooled = []
        for lstm, places in ((self.forwards, upwards), (self.backwards, turned_round(ordered, time))):
            rows = (longest_first[:, None] * time + places).t().flatten()  # of all steps, one below the other
            inputs = steps.flatten(0, 1).index_select(0, rows).view(time, len(ordered), -1)  # (time, batch, input)
            high, total = _summed_up(lstm, inputs, real, pieces)
            pooled += [high, total / ordered[:, None]]
        return torch.cat(pooled, dim=1)[longest_first.argsort()]  # (batch, 4 hidden)

    def states(
        self, steps: Float[Tensor, "batch time input"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch time states"]:
        """What both directions show at each step, side by side, where attention is to sum it up.

        Args:
            steps: see `forward`.
            lengths: see `forward`.
        """
        back = turned_round(lengths, steps.shape[1])[..., None]  # (batch, time, 1): there and back again
        turned = steps.gather(1, back.expand_as(steps))
        shown, _ = self.forwards(steps.transpose(0, 1))  # (time, batch, hidden)
        mirrored = self.backwards(turned.transpose(0, 1))[0].transpose(0, 1)  # (batch, time, hidden)
        mirrored = mirrored.gather(1, back.expand_as(mirrored))
        return torch.cat([shown.transpose(0, 1), mirrored], dim=2)  # (batch, time, 2 hidden)

    def step_flops(self) -> float:
        """Operations a real step, both directions."""
        lstm = self.forwards
        return 2 * 2.0 * GATES * lstm.hidden_size * (lstm.input_size + lstm.hidden_size)


def _summed_up(lstm: nn.LSTM, inputs: Tensor, real: Tensor, pieces: "list[Piece]") -> tuple[Tensor, Tensor]:
    """Maximum and sum over time of what one direction shows, each (batch, hidden); the longest comes first."""
    exact = torch.promote_types(inputs.dtype, torch.float32)  # sums are never in bfloat16
    high = inputs.new_full((inputs.shape[1], lstm.hidden_size), -torch.inf, dtype=exact)  # (batch, hidden)
    total = torch.zeros_like(high)
    state = None
    for rows, start, end in pieces:
        if state is not None:
            state = (state[0][:, :rows].contiguous(), state[1][:, :rows].contiguous())
        shown, state = lstm(inputs[start:end, :rows], state)  # (piece, rows, hidden)
        highest, summed = _maximum_and_sum(shown, real[start:end, :rows])
        high = torch.cat([torch.maximum(high[:rows], highest), high[rows:]])
        total = torch.cat([total[:rows] + summed, total[rows:]])
    return high, total


class _MaximumAndSum(torch.autograd.Function):
    """Over the first axis, in one pass back; torch's own maximum also finds the places, which takes longer."""

    @staticmethod
    def forward(ctx: Any, shown: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        candidates = shown + real.log()  # −∞ after the end
        high = candidates.amax(dim=0)  # (rows, hidden)
        ctx.save_for_backward(candidates, high, real)
        return high, (shown * real).sum(dim=0, dtype=torch.promote_types(shown.dtype, torch.float32))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_high: Tensor, of_sum: Tensor) -> tuple[Tensor, None]:
        candidates, high, real = ctx.saved_tensors
        is_highest = (candidates == high).to(candidates.dtype)  # (piece, rows, hidden)
        shares = (of_high / is_highest.sum(dim=0)).to(candidates.dtype)  # among steps that are equally high
        return torch.addcmul(is_highest * shares, real, of_sum.to(candidates.dtype)), None


_maximum_and_sum: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = _MaximumAndSum.apply


class Piece(NamedTuple):
    """The steps from `start` to `end` of the first `rows` sequences, the others having ended."""

    rows: int
    start: int
    end: int


def pieces_of(lengths: Int[Tensor, " batch"], time: int) -> list[Piece]:
    """A batch cut in time, so that sequences that have ended are read no further: exact, and cheaper than packing.

    Packed sequences leave out each step of padding, at the price of a matrix product of another size for every step.
    Here rows are left out by the eight, every 15 steps, and only where that pays. On a GPU there is one piece: to
    know the lengths there, the host would have to wait for it.

    Args:
        lengths: real steps of each sequence, falling.
        time: steps of the padded batch, ≥ the first of `lengths`.
    """
    batch = len(lengths)
    if lengths.device.type != "cpu":
        return [Piece(batch, 0, time)]
    pieces = [Piece(batch, 0, time)]
    for start in range(PIECE_STEPS, int(lengths[0]), PIECE_STEPS):
        going_on = int((lengths > start).sum())
        rows = min(batch, -(-going_on // PIECE_ROWS) * PIECE_ROWS)
        if (pieces[-1].rows - rows) * (time - start) >= WORTHWHILE:
            pieces[-1] = pieces[-1]._replace(end=start)
            pieces.append(Piece(rows, start, time))
    return pieces


def turned_round(lengths: Int[Tensor, " batch"], time: int) -> Int[Tensor, "batch time"]:
    """Where each step of sequences turned round within their own lengths comes from; padding stays where it is."""
    upwards = torch.arange(time, device=lengths.device)
    mirrored = lengths[:, None] - 1 - upwards
    return torch.where(mirrored >= 0, mirrored, upwards)  # (batch, time)


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
            steps: standardised sequences, padded at their ends with any finite values.
            lengths: real steps of each, ≥ 1.
        """
        if self.training and self.noise:
            steps = steps + self.noise * torch.randn_like(steps)
        features = self.lstm(steps, lengths)  # (batch, features)
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
