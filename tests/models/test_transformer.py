"""Encoder and decoder against torch's after copying the weights, and generation with a cache against without."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from chainrule.models.attention import KeyValueCache, seen_before, seen_keys
from chainrule.models.positions import SinusoidalPositions
from chainrule.models.transformer import DecoderCache, decoder, encoder
from tests.models.attention_copies import (
    copied,
    decoder_pair,
    encoder_pair,
    gradient,
    own,
    pairs_of_stack,
    same_gradients,
)

BATCH, HEADS, TARGET, SOURCE, INNER = 3, 5, 7, 11, 23
SIZE = 2 * HEADS
SIZES = {"size": SIZE, "heads": HEADS, "inner_size": INNER}
LENGTHS, WRITTEN = torch.tensor([11, 2, 6]), torch.tensor([7, 3, 5])


def backward(outputs, inputs, shade):
    gradients = torch.autograd.grad((outputs * shade).sum(), inputs, retain_graph=True)
    (outputs * shade).sum().backward()
    return gradients


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("norm_first", "activation"), [(True, "gelu"), (False, "relu")])
@pytest.mark.parametrize("need_weights", [False, True])
def test_the_encoder_equals_torchs_with_all_gradients(layers, norm_first, activation, need_weights):
    torch.manual_seed(1)
    ours, theirs = encoder_pair(**SIZES, layers=layers, norm_first=norm_first, activation=activation)
    x, seen = torch.randn(BATCH, SOURCE, SIZE, requires_grad=True), seen_keys(LENGTHS, SOURCE)
    y, weights = ours(x, seen=seen, need_weights=need_weights)
    expected = theirs(x, src_key_padding_mask=~seen[:, 0, 0])
    real = seen[:, 0, 0]
    torch.testing.assert_close(y[real], expected[real], rtol=1e-5, atol=1e-5)
    assert [tuple(of_layer.shape) for of_layer in weights] == [(BATCH, HEADS, SOURCE, SOURCE)] * layers * need_weights
    shade = torch.randn_like(y) * real[..., None]
    found = [backward(outputs, [x], shade) for outputs in (y, expected)]
    same_gradients([*zip(*found, strict=True), *pairs_of_stack(ours, theirs, gradient)])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("norm_first", "activation"), [(True, "relu"), (False, "gelu")])
@pytest.mark.parametrize("need_weights", [False, True])
def test_the_decoder_equals_torchs_with_all_gradients(layers, norm_first, activation, need_weights):
    torch.manual_seed(2)
    ours, theirs = decoder_pair(**SIZES, layers=layers, norm_first=norm_first, activation=activation)
    x = torch.randn(BATCH, TARGET, SIZE, requires_grad=True)
    memory = torch.randn(BATCH, SOURCE, SIZE, requires_grad=True)
    seen, memory_seen = seen_keys(WRITTEN, TARGET), seen_keys(LENGTHS, SOURCE)
    y, weights = ours(x, memory, seen=seen, memory_seen=memory_seen, need_weights=need_weights)
    expected = theirs(
        x,
        memory,
        tgt_mask=~seen_before(TARGET, TARGET)[0, 0],
        tgt_key_padding_mask=~seen[:, 0, 0],
        memory_key_padding_mask=~memory_seen[:, 0, 0],
    )
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
    shapes = [(tuple(own.shape), tuple(across.shape)) for own, across in weights]
    assert shapes == [((BATCH, HEADS, TARGET, TARGET), (BATCH, HEADS, TARGET, SOURCE))] * layers * need_weights
    shade = torch.randn_like(y)
    found = [backward(outputs, [x, memory], shade) for outputs in (y, expected)]
    same_gradients([*zip(*found, strict=True), *pairs_of_stack(ours, theirs, gradient)])


def test_encoder_and_decoder_together_are_torchs_transformer():
    torch.manual_seed(3)
    both = encoder_pair(**SIZES, layers=2, norm_first=False, activation="gelu")
    others = decoder_pair(**SIZES, layers=1, norm_first=False, activation="gelu")
    parts = {"custom_encoder": both[1], "custom_decoder": others[1]}
    theirs = nn.Transformer(SIZE, HEADS, batch_first=True, **parts)  # draws the weights of its parts anew
    copied([pair for ours, their in (both, others) for pair in pairs_of_stack(ours, their, own)])
    source, target = torch.randn(BATCH, SOURCE, SIZE), torch.randn(BATCH, TARGET, SIZE)
    expected = theirs(source, target, tgt_mask=~seen_before(TARGET, TARGET)[0, 0])
    memory, _ = both[0](source)
    torch.testing.assert_close(others[0](target, memory)[0], expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 2**31),
    st.lists(st.integers(1, SOURCE), min_size=BATCH, max_size=BATCH),
    st.booleans(),
    st.sampled_from([None, 100.0]),
)
def test_masked_places_change_nothing(seed, lengths, norm_first, rotary_base):
    torch.manual_seed(seed)
    options = {**SIZES, "layers": 2, "norm_first": norm_first, "rotary_base": rotary_base}
    first, second = encoder(**options), decoder(**options)
    seen = seen_keys(torch.tensor(lengths), SOURCE)
    real = seen[:, 0, 0]
    x, target = torch.randn(BATCH, SOURCE, SIZE), torch.randn(BATCH, TARGET, SIZE)
    changed = torch.where(real[..., None], x, 50 * torch.randn_like(x))
    memories = [first(inputs, seen=seen)[0] for inputs in (x, changed)]
    torch.testing.assert_close(memories[0][real], memories[1][real], rtol=0, atol=0)
    written = [second(target, memory, memory_seen=seen)[0] for memory in memories]
    torch.testing.assert_close(*written, rtol=0, atol=0)


def greedy(step, first, length):
    """Writes texts by the vector that a step gives last, each fed back as the next place's."""
    written = first
    for _ in range(length - 1):
        written = torch.cat([written, step(written)[:, -1:].tanh()], dim=1)
    return written


@pytest.mark.parametrize("rotary_base", [None, 100.0])
@pytest.mark.parametrize("norm_first", [True, False])
def test_writing_with_the_cache_equals_writing_without(norm_first, rotary_base):
    torch.manual_seed(4)
    places = SinusoidalPositions()
    options = {**SIZES, "layers": 2, "norm_first": norm_first, "rotary_base": rotary_base}
    alone, two = encoder(**options), decoder(**options, memory_size=13)
    memory, memory_seen = torch.randn(BATCH, SOURCE, 13), seen_keys(LENGTHS, SOURCE)
    caches, both = [KeyValueCache() for _ in range(2)], [DecoderCache() for _ in range(2)]

    def on(written):
        place = caches[0].length
        return alone(places(written[:, place:], place), causal=True, caches=caches)[0]

    def on_with_memory(written):
        place = both[0].own.length
        return two(places(written[:, place:], place), memory, memory_seen=memory_seen, caches=both)[0]

    first = torch.randn(BATCH, 1, SIZE)
    for cached, anew in (
        (on, lambda written: alone(places(written), causal=True)[0]),
        (on_with_memory, lambda written: two(places(written), memory, memory_seen=memory_seen)[0]),
    ):
        torch.testing.assert_close(greedy(cached, first, TARGET), greedy(anew, first, TARGET), rtol=1e-5, atol=1e-5)
    assert both[0].own.length == TARGET - 1
    rows = torch.tensor([2, 0])
    both[1].choose(rows)
    assert [len(both[1].own.keys), len(both[1].memory.values)] == [2, 2]


def test_operations_are_torchs_count_where_nothing_is_padded():
    model = encoder(**SIZES, layers=2)
    x = torch.randn(BATCH, SOURCE, SIZE)
    with FlopCounterMode(display=False) as counter:
        model(x, need_weights=True)
    assert model.flops(torch.full((BATCH,), SOURCE)) == counter.get_total_flops()
    halves = model.flops(torch.tensor([4])) + model.flops(torch.tensor([9]))
    assert model.flops(torch.tensor([4, 9])) == halves


def test_values_are_silenced_in_training_alone():
    torch.manual_seed(6)
    model = encoder(**SIZES, layers=1, dropout=0.3, attention_dropout=0.3)
    x = torch.randn(BATCH, SOURCE, SIZE)
    still = model.eval()(x)[0]
    torch.testing.assert_close(model(x)[0], still)
    assert not torch.allclose(model.train()(x)[0], still)
