"""The classifiers of texts by attention: their parts by hand, padding, gradients, operations."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from chainrule.models.additive_attention import AdditiveAttention
from chainrule.models.lstm import BidirectionalLstm
from chainrule.models.positions import sinusoids
from chainrule.models.text_attention import text_attention, text_transformer

BATCH, TIME, SIZE, HEADS, HIDDEN, CLASSES, TOKENS = 5, 11, 10, 5, 3, 13, 17
LENGTHS = torch.tensor([11, 1, 6, 2, 9])
COMMON = {"vocabulary_size": TOKENS, "runs": 0, "longest_run": 2, "size": SIZE, "classes": CLASSES}
SELF = {**COMMON, "heads": HEADS, "longest": 13}
KINDS = {
    "self": lambda **changes: text_attention(**SELF, **changes),
    "self, first, rotary": lambda **changes: text_attention(**SELF, pooling="first", positions="rotary", **changes),
    "additive": lambda **changes: text_attention(**COMMON, attention="additive", hidden_size=HIDDEN, **changes),
    "transformer": lambda **changes: text_transformer(**SELF, inner_size=23, layers=2, **changes),
    "transformer, first, learned, post": lambda **changes: text_transformer(
        **SELF, inner_size=23, layers=2, pooling="first", positions="learned", norm_first=False, **changes
    ),
}


def tokens(time=TIME):
    ids = torch.arange(BATCH * time).reshape(BATCH, time) % (TOKENS - 2) + 2
    return ids.masked_fill(torch.arange(time) >= LENGTHS[:, None], 0)


def made(kind, **changes):
    torch.manual_seed(3)
    return KINDS[kind](**changes)


def test_additive_attention_equals_its_equation():
    torch.manual_seed(1)
    attention = AdditiveAttention(hidden=nn.Linear(SIZE, HIDDEN), score=nn.Linear(HIDDEN, 1, bias=False))
    states = torch.randn(BATCH, TIME, SIZE, requires_grad=True)
    found, weights = attention(states, LENGTHS)
    for row, length, one, shares in zip(states, LENGTHS, found, weights, strict=True):
        h = row[:length]
        e = torch.stack([attention.score.weight[0] @ (attention.hidden(step)).tanh() for step in h])
        expected = (e.exp() / e.exp().sum()) @ h
        torch.testing.assert_close(one, expected)
        torch.testing.assert_close(shares[:length], e.softmax(0))
        assert not shares[length:].any()


def test_the_lstms_states_are_those_of_both_directions():
    torch.manual_seed(2)
    lstm = BidirectionalLstm(input_size=SIZE, hidden_size=HIDDEN)
    steps = torch.randn(BATCH, TIME, SIZE)
    states = lstm.states(steps, LENGTHS)
    for row, length, found in zip(steps, LENGTHS, states, strict=True):
        there = lstm.forwards(row[:length])[0]
        back = lstm.backwards(row[:length].flip(0))[0].flip(0)
        torch.testing.assert_close(found[:length], torch.cat([there, back], dim=1))
    pooled = lstm(steps, LENGTHS)
    torch.testing.assert_close(pooled[0, :HIDDEN], states[0, :, :HIDDEN].amax(dim=0))


def test_one_layer_by_hand():
    model = made("self").eval()
    row = tokens()[2, :6]
    x = model.embedding.tokens.weight[row] + sinusoids(torch.arange(6), SIZE)
    layer = model.reader.encoder.layers[0]
    y = x + layer.attention(layer.around_attention.norm(x)[None])[0][0]
    expected = model.head(model.reader.encoder.norm(y).mean(dim=0))
    torch.testing.assert_close(model(tokens(), LENGTHS)[2], expected)


def test_a_transformer_takes_the_first_place_by_hand():
    model = made("transformer, first, learned, post").eval()
    row = tokens()[4, :9]
    reader = model.reader
    x = torch.cat([reader.first[None], model.embedding.tokens.weight[row]]) + reader.positions.places.weight[:10]
    expected = model.head(reader.encoder(x[None])[0][0, 0])
    torch.testing.assert_close(model(tokens(), LENGTHS)[4], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    model = made(kind).eval()
    scores = model(tokens(), LENGTHS)
    wider = torch.cat([tokens(), torch.full((BATCH, 1), TOKENS - 1)], dim=1)
    torch.testing.assert_close(model(wider, LENGTHS), scores)
    torch.testing.assert_close(model(tokens()[2:3, :6], LENGTHS[2:3])[0], scores[2])


@pytest.mark.parametrize("kind", KINDS)
def test_asking_for_the_weights_changes_no_score(kind):
    model = made(kind).eval()
    scores, weights = model.read(model.embed(tokens()), LENGTHS, need_weights=True)
    torch.testing.assert_close(scores, model(tokens(), LENGTHS))
    assert model.read(model.embed(tokens()), LENGTHS)[1] == []
    for layer in weights:
        torch.testing.assert_close(layer.sum(dim=3), torch.ones(layer.shape[:3]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind):
    model = made(kind, dropout=0.2, word_dropout=0.2).train()
    model(tokens(), LENGTHS).square().sum().backward()
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert [name for name, p in learning.items() if p.grad is None or not p.grad.any()] == []
    assert not any(name.endswith("attention.key.bias") for name in learning)


@pytest.mark.parametrize("kind", ["self", "transformer", "transformer, first, learned, post"])
def test_operations_are_torchs_count_where_nothing_is_padded(kind):
    model = made(kind).eval()
    ids, lengths = tokens()[:1].expand(3, -1), torch.full((3,), TIME)
    with FlopCounterMode(display=False) as counter:
        model.read(model.embed(ids), lengths, need_weights=True)
    assert model.forward_flops(ids, lengths) == counter.get_total_flops()


def test_operations_of_the_lstm_are_counted_over_real_tokens():
    model = made("additive")
    step = 2 * 4 * HIDDEN * (SIZE + HIDDEN) + 2 * HIDDEN * HIDDEN + HIDDEN + 2 * HIDDEN
    expected = 2 * (step * int(LENGTHS.sum()) + BATCH * 2 * HIDDEN * CLASSES)
    assert model.forward_flops(tokens(), LENGTHS) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_stays_close(kind):
    model = made(kind).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = model(tokens(), LENGTHS)
    torch.testing.assert_close(scores.float(), model(tokens(), LENGTHS), rtol=0.1, atol=0.05)


def test_dropped_words_become_unknown_in_training_alone():
    model = made("self", word_dropout=0.99)
    torch.manual_seed(0)
    mostly = model.train()(tokens(), LENGTHS)
    model.eval()
    assert not torch.allclose(model(tokens(), LENGTHS), mostly)
    same = torch.isclose(mostly, model(torch.where(tokens() > 0, 1, 0), LENGTHS)).all(dim=1)
    assert same.sum() >= 3
