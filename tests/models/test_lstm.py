"""The LSTM against torch's own bidirectional one over packed sequences, and against the equations by hand."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from chainrule.models.lstm import BidirectionalLstm, turn_round

BATCH, TIME, INPUT, HIDDEN, CLASSES, TOKENS = 5, 11, 7, 3, 13, 17
LENGTHS = torch.tensor([11, 1, 6, 2, 9])


def tokens():
    ids = torch.arange(BATCH * TIME).reshape(BATCH, TIME) % (TOKENS - 2) + 2
    return ids.masked_fill(torch.arange(TIME) >= LENGTHS[:, None], 0)


def packed_reference(ours: BidirectionalLstm) -> nn.LSTM:
    reference = nn.LSTM(INPUT, HIDDEN, batch_first=True, bidirectional=True)
    for name, weight in ours.forwards.named_parameters():
        getattr(reference, name).data.copy_(weight)
    for name, weight in ours.backwards.named_parameters():
        getattr(reference, f"{name}_reverse").data.copy_(weight)
    return reference


def pooled(states):
    real = torch.arange(TIME) < LENGTHS[:, None]
    high = states.masked_fill(~real[..., None], -torch.inf).amax(1)
    mean = torch.stack([row[:length].mean(0) for row, length in zip(states, LENGTHS, strict=True)])
    return high, mean


def test_features_and_gradients_equal_torch_over_packed_sequences():
    torch.manual_seed(1)
    ours = BidirectionalLstm(input_size=INPUT, hidden_size=HIDDEN)
    reference = packed_reference(ours)
    embedding = nn.Embedding(TOKENS, INPUT)
    ids = tokens()
    features = ours(embedding(ids), embedding(turn_round(ids, LENGTHS)), LENGTHS)
    packed = pack_padded_sequence(embedding(ids), LENGTHS, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(reference(packed)[0], batch_first=True)
    (f_high, f_mean), (b_high, b_mean) = pooled(states[..., :HIDDEN]), pooled(states[..., HIDDEN:])
    expected = torch.cat([f_high, f_mean, b_high, b_mean], dim=1)
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-6)

    weight = torch.randn_like(features)
    ours_gradients = torch.autograd.grad((features * weight).sum(), [*ours.parameters(), embedding.weight])
    theirs = [*[getattr(reference, n) for n, _ in ours.forwards.named_parameters()]]
    theirs += [getattr(reference, f"{n}_reverse") for n, _ in ours.backwards.named_parameters()]
    their_gradients = torch.autograd.grad((expected * weight).sum(), [*theirs, embedding.weight])
    for one, other in zip(ours_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_one_step_equals_the_equations():
    torch.manual_seed(2)
    lstm = BidirectionalLstm(input_size=INPUT, hidden_size=HIDDEN)
    x = torch.randn(1, 1, INPUT)
    inner = lstm.forwards
    i, f, g, o = (x[0, 0] @ inner.weight_ih_l0.T + inner.bias_ih_l0 + inner.bias_hh_l0).split(HIDDEN)
    cell = i.sigmoid() * g.tanh() + f.sigmoid() * 0
    expected = o.sigmoid() * cell.tanh()
    features = lstm(x, x, torch.tensor([1]))
    torch.testing.assert_close(features[0, :HIDDEN], expected)
    torch.testing.assert_close(features[0, HIDDEN : 2 * HIDDEN], expected)


def test_each_sequence_turns_round_within_its_length():
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0], [7, 0, 0, 0]])
    turned = turn_round(ids, torch.tensor([4, 2, 1]))
    assert turned.tolist() == [[4, 3, 2, 1], [6, 5, 0, 0], [7, 0, 0, 0]]
