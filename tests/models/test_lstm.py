"""The LSTM against torch's own bidirectional one over packed sequences, and against the equations by hand."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from chainrule.models.lstm import BidirectionalLstm, Piece, _maximum_and_sum, pieces_of, turned_round

INPUT, HIDDEN, TOKENS = 7, 3, 17
SHORT = torch.tensor([11, 1, 6, 2, 9])
LONG = torch.tensor([20, 97, 1, 40, 41, 2, 60, 97, 21, 3, 5, 4, 83, 19, 11, 30, 22, 7, 13])  # read in pieces


def tokens(lengths):
    time = int(lengths.max())
    ids = torch.arange(len(lengths) * time).reshape(len(lengths), time) % (TOKENS - 2) + 2
    return ids.masked_fill(torch.arange(time) >= lengths[:, None], 0)


def packed_reference(ours: BidirectionalLstm) -> nn.LSTM:
    reference = nn.LSTM(INPUT, HIDDEN, batch_first=True, bidirectional=True)
    for name, weight in ours.forwards.named_parameters():
        getattr(reference, name).data.copy_(weight)
    for name, weight in ours.backwards.named_parameters():
        getattr(reference, f"{name}_reverse").data.copy_(weight)
    return reference


def pooled(states, lengths):
    rows = [row[:length] for row, length in zip(states, lengths, strict=True)]
    return torch.stack([row.amax(0) for row in rows]), torch.stack([row.mean(0) for row in rows])


@pytest.mark.parametrize("lengths", [SHORT, LONG], ids=["whole", "in pieces"])
def test_features_and_gradients_equal_torch_over_packed_sequences(lengths):
    torch.manual_seed(1)
    ours = BidirectionalLstm(input_size=INPUT, hidden_size=HIDDEN)
    reference = packed_reference(ours)
    embedding = nn.Embedding(TOKENS, INPUT)
    ids = tokens(lengths)
    features = ours(embedding(ids), lengths)
    packed = pack_padded_sequence(embedding(ids), lengths, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(reference(packed)[0], batch_first=True)
    expected = torch.cat([*pooled(states[..., :HIDDEN], lengths), *pooled(states[..., HIDDEN:], lengths)], dim=1)
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-6)

    weight = torch.randn_like(features)
    ours_gradients = torch.autograd.grad((features * weight).sum(), [*ours.parameters(), embedding.weight])
    theirs = [*[getattr(reference, n) for n, _ in ours.forwards.named_parameters()]]
    theirs += [getattr(reference, f"{n}_reverse") for n, _ in ours.backwards.named_parameters()]
    their_gradients = torch.autograd.grad((expected * weight).sum(), [*theirs, embedding.weight])
    for one, other in zip(ours_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_bfloat16_gives_nearly_the_same_features_and_gradients():
    torch.manual_seed(3)
    lstm, steps = (
        BidirectionalLstm(input_size=INPUT, hidden_size=HIDDEN),
        torch.randn(len(LONG), int(LONG.max()), INPUT),
    )
    found = []
    for narrow in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            features = lstm(steps, LONG)
        assert features.dtype is torch.float32
        found.append([features, *torch.autograd.grad(features.square().sum(), [*lstm.parameters()])])
    for exact, near in zip(*found, strict=True):
        assert (exact - near).norm() < 0.05 * exact.norm()  # of two steps nearly as high, rounding may choose the other


def test_steps_that_are_equally_high_share_the_gradient():
    shown = torch.tensor([[[1.0, 5.0]], [[3.0, 5.0]], [[3.0, 9.0]]], dtype=torch.float64, requires_grad=True)
    real = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)[:, None, None]  # the third step is padding
    high, total = _maximum_and_sum(shown, real)
    assert high.tolist() == [[3, 5]]
    assert total.tolist() == [[4, 10]]
    (gradient,) = torch.autograd.grad((high * 8 + total).sum(), shown)
    assert gradient[:, 0].tolist() == [[1, 5], [9, 5], [0, 0]]


def test_one_step_equals_the_equations():
    torch.manual_seed(2)
    lstm = BidirectionalLstm(input_size=INPUT, hidden_size=HIDDEN)
    x = torch.randn(1, 1, INPUT)
    inner = lstm.forwards
    i, f, g, o = (x[0, 0] @ inner.weight_ih_l0.T + inner.bias_ih_l0 + inner.bias_hh_l0).split(HIDDEN)
    cell = i.sigmoid() * g.tanh() + f.sigmoid() * 0
    expected = o.sigmoid() * cell.tanh()
    features = lstm(x, torch.tensor([1]))
    torch.testing.assert_close(features[0, :HIDDEN], expected)
    torch.testing.assert_close(features[0, HIDDEN : 2 * HIDDEN], expected)


def test_each_sequence_turns_round_within_its_length():
    assert turned_round(torch.tensor([4, 2, 1]), 4).tolist() == [[3, 2, 1, 0], [1, 0, 2, 3], [0, 1, 2, 3]]


def test_a_batch_is_cut_where_enough_sequences_have_ended():
    falling = LONG.sort(descending=True).values
    # 11 of 19 go on after 15 steps, 6 after 30: rounded up to 16 and 8, of which only the second leaves enough out.
    assert pieces_of(falling, 97) == [Piece(19, 0, 30), Piece(8, 30, 97)]
    assert pieces_of(torch.full((64,), 97), 97) == [Piece(64, 0, 97)]
    assert pieces_of(torch.tensor([3]), 5) == [Piece(1, 0, 5)]
