"""Attention against torch's, against itself by the fused operation, and by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from chainrule.models.attention import (
    KeyValueCache,
    attend,
    attend_fast,
    attend_fused,
    join_heads,
    multi_head_attention,
    seen_before,
    seen_keys,
    split_heads,
)
from tests.models.attention_copies import attention_pair, gradient, pairs_of_attention, same_gradients

BATCH, HEADS, TARGET, SOURCE, HEAD, VALUES, MEMORY = 3, 5, 7, 11, 2, 13, 17
SIZE = HEADS * HEAD
LENGTHS = torch.tensor([11, 2, 6])


def test_a_small_answer_worked_out_by_hand():
    # Scores (1·2 + 0·0)/√2 and 0: the softmax of √2 and 0.
    query = torch.tensor([[[[1.0, 0.0]]]])
    key = torch.tensor([[[[2.0, 0.0], [0.0, 5.0]]]])
    value = torch.tensor([[[[10.0], [20.0]]]])
    gathered, weights = attend(query, key, value)
    first = math.exp(math.sqrt(2)) / (math.exp(math.sqrt(2)) + 1)
    torch.testing.assert_close(weights, torch.tensor([[[[first, 1 - first]]]]))
    torch.testing.assert_close(gathered, torch.tensor([[[[10 * first + 20 * (1 - first)]]]]))
    alone, weights = attend(query, key, value, seen=torch.tensor([[[[False, True]]]]))
    assert weights.tolist() == [[[[0, 1]]]]
    assert alone.tolist() == [[[[20]]]]


def parts():
    torch.manual_seed(1)
    query = torch.randn(BATCH, HEADS, TARGET, HEAD)
    key, value = torch.randn(BATCH, HEADS, SOURCE, HEAD), torch.randn(BATCH, HEADS, SOURCE, VALUES)
    return [part.requires_grad_() for part in (query, key, value)]


NOWHERE = torch.ones(BATCH, 1, TARGET, SOURCE, dtype=torch.bool)
NOWHERE[1, :, 4] = False
MASKS = {
    "none": None,
    "padding": seen_keys(LENGTHS, SOURCE),
    "causal": seen_before(TARGET, SOURCE),
    "both": seen_keys(LENGTHS, SOURCE) & seen_before(TARGET, SOURCE),
    "of each head": torch.arange(HEADS * TARGET * SOURCE).reshape(1, HEADS, TARGET, SOURCE) % 3 > 0,
    "a query that sees nothing": NOWHERE,
}


@pytest.mark.parametrize("mask", MASKS)
def test_the_fused_operation_gives_the_same_with_its_gradients(mask):
    inputs, seen = parts(), MASKS[mask]
    visible, weights = attend(*inputs, seen=seen)
    fused = attend_fused(*inputs, seen=seen)
    torch.testing.assert_close(fused, visible, rtol=1e-5, atol=1e-5)
    shade = torch.randn_like(visible)
    found = [torch.autograd.grad((y * shade).sum(), inputs) for y in (visible, fused)]
    for one, other in zip(*found, strict=True):
        assert one.isfinite().all()
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    expected = torch.ones(BATCH, HEADS, TARGET)
    if mask == "a query that sees nothing":
        expected[1, :, 4] = 0
        assert not visible[1, :, 4].any()
    if mask == "both":  # the first queries of a short text see nothing
        expected = (seen.any(-1)).float().expand(BATCH, HEADS, TARGET)
    torch.testing.assert_close(weights.sum(-1), expected)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("target", [1, TARGET, SOURCE])
def test_causal_is_a_mask_of_its_own(target, padded):
    query, key, value = parts()
    query = torch.randn(BATCH, HEADS, target, HEAD)
    seen = seen_keys(LENGTHS, SOURCE) if padded else None
    before = seen_before(target, SOURCE)
    expected, _ = attend(query, key, value, seen=before if seen is None else before & seen)
    torch.testing.assert_close(attend_fused(query, key, value, seen=seen, causal=True), expected)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_faster_way_gives_the_same(narrow, causal):
    query, key, value = (part.detach() for part in parts())
    seen = seen_keys(LENGTHS, SOURCE)
    expected, _ = attend(query, key, value, seen=seen & seen_before(TARGET, SOURCE) if causal else seen)
    kind = torch.bfloat16 if narrow else torch.float32
    found = attend_fast(query.to(kind), key.to(kind), value.to(kind), seen=seen, causal=causal)
    assert found.dtype is kind
    tolerance = 0.03 if narrow else 1e-5
    torch.testing.assert_close(found.float(), expected, rtol=tolerance, atol=tolerance)


def test_masks_say_where_a_query_may_look():
    assert seen_keys(torch.tensor([1, 3]), 3).tolist() == [[[[True, False, False]]], [[[True, True, True]]]]
    assert seen_before(2, 3).tolist() == [[[[True, True, False], [True, True, True]]]]
    assert seen_before(3, 3).tolist() == torch.ones(1, 1, 3, 3).tril().bool().tolist()


def test_heads_are_equal_parts_of_the_values():
    vectors = torch.randn(BATCH, TARGET, SIZE)
    heads = split_heads(vectors, HEADS)
    torch.testing.assert_close(heads[1, 2, 3], vectors[1, 3, 2 * HEAD : 3 * HEAD])
    torch.testing.assert_close(join_heads(heads), vectors)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("kind", ["self", "self, causal", "memory", "memory of another size"])
def test_several_heads_equal_torchs_with_all_gradients(kind, need_weights):
    torch.manual_seed(2)
    memory_size = {"memory": SIZE, "memory of another size": MEMORY}.get(kind)
    ours, theirs = attention_pair(size=SIZE, heads=HEADS, memory_size=memory_size)
    causal = "causal" in kind
    inputs = torch.randn(BATCH, SOURCE if memory_size is None else TARGET, SIZE, requires_grad=True)
    memory = None if memory_size is None else torch.randn(BATCH, SOURCE, memory_size, requires_grad=True)
    looked_at = inputs if memory is None else memory
    seen = seen_keys(LENGTHS, SOURCE)
    y, weights = ours(inputs, memory, seen=seen, causal=causal, need_weights=need_weights)
    expected, their_weights = theirs(
        inputs,
        looked_at,
        looked_at,
        key_padding_mask=~seen[:, 0, 0],
        attn_mask=~seen_before(SOURCE, SOURCE)[0, 0] if causal else None,
        average_attn_weights=False,
    )
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
    if need_weights:
        torch.testing.assert_close(weights, their_weights, rtol=1e-5, atol=1e-6)
    else:
        assert weights is None
    shade = torch.randn_like(y)
    of_inputs = [inputs] if memory is None else [inputs, memory]
    found = []
    for outputs in (y, expected):
        found.append(torch.autograd.grad((outputs * shade).sum(), of_inputs, retain_graph=True))
        (outputs * shade).sum().backward()
    same_gradients([*zip(*found, strict=True), *pairs_of_attention(ours, theirs, gradient)])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.lists(st.integers(1, SOURCE), min_size=BATCH, max_size=BATCH), st.booleans())
def test_what_is_masked_changes_nothing(seed, lengths, rotary):
    torch.manual_seed(seed)
    layer = multi_head_attention(size=SIZE, heads=HEADS, rotary_base=100.0 if rotary else None)
    lengths = torch.tensor(lengths)
    seen = seen_keys(lengths, SOURCE)
    inputs = torch.randn(BATCH, SOURCE, SIZE)
    real = seen[:, 0, 0]
    changed = torch.where(real[..., None], inputs, 100 * torch.randn_like(inputs))
    for need_weights in (False, True):
        one, _ = layer(inputs, seen=seen, need_weights=need_weights)
        other, weights = layer(changed, seen=seen, need_weights=need_weights)
        torch.testing.assert_close(one[real], other[real], rtol=0, atol=0)
        # What comes after changes nothing either where only earlier places may be seen.
        later = changed.clone()
        later[:, 4:] += 1
        early = [layer(x, causal=True, need_weights=need_weights)[0][:, :4] for x in (changed, later)]
        torch.testing.assert_close(*early, rtol=1e-6, atol=1e-6)
    assert not weights.masked_select(~seen).any()


@pytest.mark.parametrize("rotary_base", [None, 50.0])
def test_reading_on_from_a_cache_equals_reading_anew(rotary_base):
    torch.manual_seed(3)
    layer = multi_head_attention(size=SIZE, heads=HEADS, rotary_base=rotary_base)
    inputs = torch.randn(BATCH, TARGET, SIZE)
    whole, weights = layer(inputs, causal=True, need_weights=True)
    cache, pieces, seen_by = KeyValueCache(), [], []
    for start, end in ((0, 3), (3, 4), (4, 7)):
        assert cache.length == start
        y, _ = layer(inputs[:, start:end], causal=True, cache=cache)
        pieces.append(y)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole)
    again = KeyValueCache()
    for place in range(TARGET):
        _, seen = layer(inputs[:, place : place + 1], causal=True, cache=again, need_weights=True)
        seen_by.append(nn.functional.pad(seen, (0, TARGET - 1 - place)))
    torch.testing.assert_close(torch.cat(seen_by, dim=2), weights)


def test_a_memorys_keys_are_made_once_and_rows_can_be_chosen():
    layer = multi_head_attention(size=SIZE, heads=HEADS, memory_size=MEMORY)
    inputs, memory = torch.randn(BATCH, TARGET, SIZE), torch.randn(BATCH, SOURCE, MEMORY)
    cache = KeyValueCache()
    cache.choose(torch.tensor([0]))  # nothing is held yet
    layer(inputs[:, :1], memory, cache=cache)
    kept = cache.keys
    y, _ = layer(inputs, memory, cache=cache)
    assert cache.keys is kept
    torch.testing.assert_close(y, layer(inputs, memory)[0])
    rows = torch.tensor([2, 2, 0, 1])
    cache.choose(rows)
    y, _ = layer(inputs[rows], memory[rows] * 0, cache=cache)
    torch.testing.assert_close(y, layer(inputs, memory)[0][rows])


def test_rotary_positions_turn_queries_and_keys():
    torch.manual_seed(4)
    layer = multi_head_attention(size=SIZE, heads=HEADS, rotary_base=30.0)
    layer.query.weight.data.copy_(layer.key.weight.data)
    same = torch.randn(1, 1, SIZE).expand(1, TARGET, SIZE)  # one token again and again
    _, weights = layer(same, need_weights=True)
    scores = weights[0].log()
    for distance in range(1, TARGET):  # scores before the softmax differ by the distance alone
        diagonal = (
            scores.diagonal(distance, dim1=1, dim2=2) - scores.diagonal(0, dim1=1, dim2=2)[:, : TARGET - distance]
        )
        torch.testing.assert_close(diagonal, diagonal[:, :1].expand_as(diagonal), rtol=1e-4, atol=1e-4)
    assert (scores.diagonal(0, dim1=1, dim2=2) > scores.diagonal(1, dim1=1, dim2=2)[:, :1]).all()


def test_weights_are_silenced_in_training_alone():
    torch.manual_seed(5)
    layer = multi_head_attention(size=SIZE, heads=HEADS, dropout=0.5)
    inputs = torch.randn(BATCH, TARGET, SIZE)
    for need_weights in (False, True):
        still = layer.eval()(inputs, need_weights=need_weights)[0]
        torch.testing.assert_close(layer(inputs, need_weights=need_weights)[0], still)
        assert not torch.allclose(layer.train()(inputs, need_weights=need_weights)[0], still)


def test_bfloat16_stays_close():
    torch.manual_seed(6)
    layer = multi_head_attention(size=SIZE, heads=HEADS)
    inputs, seen = torch.randn(BATCH, SOURCE, SIZE), seen_keys(LENGTHS, SOURCE)
    exact = layer(inputs, seen=seen)[0]
    for need_weights in (False, True):
        with torch.autocast("cpu", torch.bfloat16):
            near = layer(inputs, seen=seen, need_weights=need_weights)[0]
        assert (near - exact).norm() < 0.02 * exact.norm()


def test_operations_are_counted_by_hand():
    layer = multi_head_attention(size=SIZE, heads=HEADS, memory_size=MEMORY)
    expected = 2 * (7 * 2 * SIZE * SIZE + 11 * 2 * SIZE * MEMORY + 77 * 2 * SIZE)
    assert layer.flops(queries=7.0, keys=torch.tensor(11), pairs=torch.tensor(77)) == expected


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"^10 values cannot be cut into 3 heads$"):
        multi_head_attention(size=10, heads=3)
    with pytest.raises(ValueError, match=r"^10 values cannot be cut into 0 heads$"):
        multi_head_attention(size=10, heads=0)
    x = torch.randn(BATCH, TARGET, SIZE)
    for layer, causal in (
        (multi_head_attention(size=SIZE, heads=HEADS, rotary_base=9.0), False),
        (multi_head_attention(size=SIZE, heads=HEADS), True),
    ):
        with pytest.raises(ValueError, match=r"^causal masks and rotary positions are for self-attention$"):
            layer(x, x, causal=causal)
