"""Layers against torch's after copying the weights over, and what they start with."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

import chainrule.autograd as ag
from chainrule.errors import OptionError

OPTIONS = {"generator": np.random.default_rng(0), "dtype": np.float64}


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


LAYERS = {
    "linear": (lambda: ag.Linear(7, 5, **OPTIONS), lambda: nn.Linear(7, 5), (3, 2, 7)),
    "linear, no bias": (lambda: ag.Linear(7, 5, bias=False, **OPTIONS), lambda: nn.Linear(7, 5, bias=False), (3, 7)),
    "conv": (
        lambda: ag.Conv2d(2, 3, (3, 5), stride=2, padding=(1, 0), **OPTIONS),
        lambda: nn.Conv2d(2, 3, (3, 5), stride=2, padding=(1, 0)),
        (5, 2, 7, 11),
    ),
    "conv, no bias": (
        lambda: ag.Conv2d(2, 3, 3, bias=False, **OPTIONS),
        lambda: nn.Conv2d(2, 3, 3, bias=False),
        (2, 2, 5, 7),
    ),
    "conv transpose": (
        lambda: ag.ConvTranspose2d(2, 3, (3, 5), stride=2, padding=(1, 0), output_padding=1, **OPTIONS),
        lambda: nn.ConvTranspose2d(2, 3, (3, 5), stride=2, padding=(1, 0), output_padding=1),
        (5, 2, 3, 4),
    ),
    "conv transpose, no bias": (
        lambda: ag.ConvTranspose2d(2, 3, 4, bias=False, **OPTIONS),
        lambda: nn.ConvTranspose2d(2, 3, 4, bias=False),
        (5, 2, 3, 4),
    ),
    "layer norm": (lambda: ag.LayerNorm(7, dtype=np.float64), lambda: nn.LayerNorm(7), (3, 5, 7)),
    "layer norm, two axes": (
        lambda: ag.LayerNorm((5, 7), eps=0.1, bias=False, dtype=np.float64),
        lambda: nn.LayerNorm((5, 7), eps=0.1, bias=False),
        (3, 5, 7),
    ),
    "layer norm, plain": (
        lambda: ag.LayerNorm(7, elementwise_affine=False),
        lambda: nn.LayerNorm(7, elementwise_affine=False),
        (3, 7),
    ),
    "batch norm": (lambda: ag.BatchNorm(3, dtype=np.float64), lambda: nn.BatchNorm1d(3), (5, 3)),
    "batch norm of pictures": (
        lambda: ag.BatchNorm(3, eps=0.1, momentum=0.3, dtype=np.float64),
        lambda: nn.BatchNorm2d(3, eps=0.1, momentum=0.3),
        (5, 3, 2, 7),
    ),
    "batch norm, nothing kept": (
        lambda: ag.BatchNorm(3, affine=False, track_running_stats=False),
        lambda: nn.BatchNorm1d(3, affine=False, track_running_stats=False),
        (5, 3),
    ),
    "sequence": (
        lambda: ag.Sequential(ag.Linear(7, 5, **OPTIONS), ag.relu, ag.Linear(5, 3, **OPTIONS)),
        lambda: nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)),
        (2, 7),
    ),
}


def like_torchs(own, other):
    """torch's layer in float64, with other values in every weight; ours gets the same by name."""
    other = other.double()
    with torch.no_grad():
        for number, weight in enumerate(other.parameters()):
            weight.copy_(torch.from_numpy(draws(*weight.shape, seed=number + 10)))
    own.load_state_dict({name: values.numpy() for name, values in other.state_dict().items()})
    return other


def same_gradients(own, other):
    references = dict(other.named_parameters())
    assert [name for name, _ in own.named_parameters()] == list(references)
    for name, parameter in own.named_parameters():
        np.testing.assert_allclose(parameter.grad, references[name].grad.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)


def same_state(own, other):
    state = other.state_dict()
    assert own.state_dict().keys() == state.keys()
    for name, values in own.state_dict().items():
        assert values.shape == state[name].shape
        np.testing.assert_allclose(values, state[name].numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_torchs(name):
    make, make_other, shape = LAYERS[name]
    own, other = make(), make_other()
    other = like_torchs(own, other)
    for mode, seed in ((True, 1), (True, 2), (False, 3)):
        x = draws(*shape, seed=seed)
        a, b = ag.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y, expected = own.train(mode=mode)(a), other.train(mode)(b)
        np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
        weights = draws(*y.shape, seed=4)
        y.backward(weights)
        expected.backward(torch.from_numpy(weights))
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-8, atol=1e-11)
        same_gradients(own, other)
        same_state(own, other)


@pytest.mark.parametrize("padding", [None, 0, 4])
def test_embedding_is_torchs(padding):
    own = ag.Embedding(5, 3, padding_idx=padding, **OPTIONS)
    other = nn.Embedding(5, 3, padding_idx=padding)
    assert padding is None or not own.weight.data[padding].any()
    other = like_torchs(own, other)
    indices = np.array([[0, 4], [4, 1], [0, 4]])
    own(indices).backward(draws(3, 2, 3))
    other(torch.from_numpy(indices)).backward(torch.from_numpy(draws(3, 2, 3)))
    same_gradients(own, other)
    same_state(own, other)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(2,), ()])
def test_lstm_over_several_steps_is_torchs(bias, batch):
    own, other = ag.LSTMCell(5, 3, bias=bias, **OPTIONS), nn.LSTMCell(5, 3, bias=bias)
    other = like_torchs(own, other)
    steps = draws(7, *batch, 5)
    x, y = ag.Tensor(steps, requires_grad=True), torch.tensor(steps, requires_grad=True)
    state = expected = None
    for one, two in zip(x, y, strict=True):
        state, expected = own(one, state), other(two, expected)
    for value, reference in zip(state, expected, strict=True):
        np.testing.assert_allclose(value.data, reference.detach().numpy(), rtol=1e-10)
    (state[0] * draws(*batch, 3) + state[1]).sum().backward()
    (expected[0] * torch.from_numpy(draws(*batch, 3)) + expected[1]).sum().backward()
    np.testing.assert_allclose(x.grad, y.grad.numpy(), rtol=1e-9, atol=1e-12)
    same_gradients(own, other)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("masks", [(), ("attn_mask",), ("key_padding_mask",), ("attn_mask", "key_padding_mask")])
def test_attention_is_torchs(batch_first, bias, masks):
    own = ag.MultiHeadAttention(6, 2, bias=bias, batch_first=batch_first, **OPTIONS)
    other = like_torchs(own, nn.MultiheadAttention(6, 2, bias=bias, batch_first=batch_first))
    batch, target, source = 3, 5, 7
    given = {
        "attn_mask": np.arange(source) > np.arange(target)[:, None] + 1,
        "key_padding_mask": np.arange(source) >= np.array([7, 3, 1])[:, None],
    }
    arrays = [draws(batch, time, 6, seed=time) for time in (target, source, source)]
    if not batch_first:
        arrays = [array.transpose(1, 0, 2).copy() for array in arrays]
    inputs = [ag.Tensor(array, requires_grad=True) for array in arrays]
    references = [torch.tensor(array, requires_grad=True) for array in arrays]
    y, shares = own(*inputs, **{name: given[name] for name in masks})
    expected, weights = other(*references, **{name: torch.from_numpy(given[name]) for name in masks})
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(shares.data, weights.detach().numpy(), rtol=1e-9, atol=1e-12)
    upstream = draws(*y.shape)
    y.backward(upstream)
    expected.backward(torch.from_numpy(upstream))
    for tensor, reference in zip(inputs, references, strict=True):
        np.testing.assert_allclose(tensor.grad, reference.grad.numpy(), rtol=1e-8, atol=1e-11)
    same_gradients(own, other)


def test_attention_can_be_silenced_in_training_alone():
    attention = ag.MultiHeadAttention(4, 2, dropout=0.5, batch_first=True, generator=np.random.default_rng(0))
    x = ag.Tensor(draws(2, 5, 4).astype(np.float32))
    shares = attention(x, x, x)[1].data
    assert set(np.unique(shares == 0)) == {True, False}
    np.testing.assert_allclose(attention.eval()(x, x, x)[1].data.sum(-1), np.ones((2, 5)), rtol=1e-6)


def test_heads_that_do_not_fit():
    with pytest.raises(OptionError) as caught:
        ag.MultiHeadAttention(6, 4, generator=np.random.default_rng(0))
    assert str(caught.value) == "6 values cannot be cut into 4 heads; take a divisor of 6."


def test_dropout_draws_from_its_generator_in_training_alone():
    layer, x = ag.Dropout(0.4, generator=np.random.default_rng(5)), ag.Tensor(draws(3, 7))
    state = copy.deepcopy(layer.generator.bit_generator.state)
    first, second = layer(x).data, layer(x).data
    assert not np.array_equal(first, second)
    layer.generator.bit_generator.state = state
    np.testing.assert_array_equal(layer(x).data, first)
    np.testing.assert_array_equal(layer.eval()(x).data, x.data)
    assert layer.state_dict() == {}


# What layers start with


def generator():
    return np.random.default_rng(3)


EVEN = {
    "linear": (lambda: ag.Linear(100, 300, generator=generator()), nn.Linear(100, 300)),
    "conv": (lambda: ag.Conv2d(20, 90, (3, 5), generator=generator()), nn.Conv2d(20, 90, (3, 5))),
    "transposed": (
        lambda: ag.ConvTranspose2d(20, 90, (3, 5), generator=generator()),
        nn.ConvTranspose2d(20, 90, (3, 5)),
    ),
    "lstm": (lambda: ag.LSTMCell(50, 60, generator=generator()), nn.LSTMCell(50, 60)),
    "attention": (lambda: ag.MultiHeadAttention(60, 3, generator=generator()), nn.MultiheadAttention(60, 3)),
}


@pytest.mark.parametrize("name", EVEN)
def test_first_weights_are_spread_as_torchs(name):
    make, other = EVEN[name]
    own = make()
    assert {parameter.dtype for parameter in own.parameters()} == {np.dtype(np.float32)}
    for key, reference in other.state_dict().items():
        values, bound = own.state_dict()[key], float(reference.abs().max())
        assert values.shape == reference.shape
        # Of n even draws the largest is about 1 − 1/n of the bound; the deviation is bound / √3, to 5 of its own.
        assert abs(np.abs(values).max() - bound) <= 20 * bound / values.size, key
        spread = 5 * bound / math.sqrt(values.size) + 1e-12
        assert abs(values.std() - bound / math.sqrt(3)) <= spread
        assert abs(values.mean()) <= spread


def test_first_vectors_are_normally_distributed():
    values = ag.Embedding(300, 50, generator=generator()).weight.data
    assert abs(values.std() - 1) < 5 / math.sqrt(2 * values.size)
    assert abs(values.mean()) < 5 / math.sqrt(values.size)


@pytest.mark.parametrize("layer", [ag.LayerNorm(3), ag.BatchNorm(3)])
def test_normalisation_starts_with_ones_and_zeros(layer):
    np.testing.assert_array_equal(layer.weight.data, np.ones(3))
    np.testing.assert_array_equal(layer.bias.data, np.zeros(3))


def test_one_generator_gives_the_same_network_again():
    one, two = (ag.Linear(3, 2, generator=generator()) for _ in range(2))
    np.testing.assert_array_equal(one.weight.data, two.weight.data)


def test_a_layer_without_inputs():
    np.testing.assert_array_equal(ag.Linear(0, 2, generator=generator()).bias.data, np.zeros(2))
