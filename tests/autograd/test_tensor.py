"""The tensor itself: what it is made of, its types as torch's, its methods and operators."""

import itertools
import math

import numpy as np
import pytest
import torch

import chainrule.autograd as ag
from chainrule.errors import GraphError, OperandError

KINDS = [np.float32, np.float64]


def test_an_array_is_used_as_it_is_and_numbers_become_float32():
    array = np.ones(3)
    assert ag.Tensor(array).data is array
    assert ag.Tensor(array, dtype=np.float32).dtype == np.float32
    assert ag.Tensor(ag.Tensor(array)).data is array
    for numbers in (2, 2.5, [1, 2], [[1.5]], np.float64(2), True):
        assert ag.Tensor(numbers).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int64, np.bool, np.float16, ">f4"])
def test_other_types_are_refused(dtype):
    with pytest.raises(OperandError) as caught:
        ag.Tensor(np.ones(3, dtype))
    assert str(caught.value) == (
        f"a tensor was given values of {np.dtype(dtype)} and holds float32 or float64; convert them, or give integers "
        "as a NumPy array where indices are wanted."
    )


# Types


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_tensors_of_two_types_give_torchs(operator):
    for (a, left), (b, right) in itertools.product(itertools.product(KINDS, [(), (3,), (1, 3)]), repeat=2):
        own = OPERATORS[operator](ag.Tensor(np.full(left, 7.0, a)), ag.Tensor(np.full(right, 3.0, b)))
        other = OPERATORS[operator](torch.tensor(np.full(left, 7.0, a)), torch.tensor(np.full(right, 3.0, b)))
        assert own.dtype == other.numpy().dtype, (a, left, b, right)
        np.testing.assert_array_equal(own.data, other.numpy())


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("number", [2, 2.5, 0.1, True, np.float64(0.1), np.float32(0.1), np.int64(2), 10**12])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_number_takes_the_tensors_type(operator, dtype, number, shape):
    own, other = ag.Tensor(np.full(shape, 3.0, dtype)), torch.tensor(np.full(shape, 3.0, dtype))
    plain = number.item() if isinstance(number, np.generic) else number
    if plain is True and operator == "-":
        plain = 1  # torch has no difference of truth values
    for value, expected in (
        (OPERATORS[operator](own, number), OPERATORS[operator](other, plain)),
        (OPERATORS[operator](number, own), OPERATORS[operator](plain, other)),
    ):
        assert value.dtype == dtype
        np.testing.assert_allclose(value.data, expected.numpy(), rtol=1e-6 if dtype == np.float32 else 1e-15)


@pytest.mark.parametrize("dtype", KINDS)
def test_integers_and_truth_values_take_the_tensors_type(dtype):
    x = ag.Tensor(np.array([1.0, -2.0], dtype), requires_grad=True)
    for array in (np.array([3, 4]), np.array([True, False])):
        for y in (x * array, array * x):
            assert y.dtype == dtype
            np.testing.assert_array_equal(y.data, x.data * array)
    np.testing.assert_array_equal((x * (x > 0)).data, [1.0, 0.0])


def test_arrays_of_floats_count_as_tensors():
    x = ag.Tensor(np.ones(2, np.float32))
    assert (x + np.ones(2)).dtype == np.float64
    assert (np.ones(2) + x).dtype == np.float64
    assert (x + np.ones(())).dtype == np.float32
    assert ag.concatenate(x, np.ones(3)).dtype == np.float64


def test_converting():
    x = ag.Tensor(np.ones(2, np.float32), requires_grad=True)
    (x.to(np.float64) * np.array([1.0, 2.0])).sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [1.0, 2.0])


# Operators and methods against torch


METHODS = {
    "reversed difference": lambda x: 2 - x,
    "reversed quotient": lambda x: 2 / (x * x + 1),
    "negative": lambda x: -x,
    "power": lambda x: x**3,
    "product of matrices": lambda x: x @ x.transpose(1, 2),
    "reshape": lambda x: x.reshape(6, -1),
    "reshape, tuple": lambda x: x.reshape((3, 10)),
    "permute": lambda x: x.permute(2, 0, 1),
    "permute, tuple": lambda x: x.permute((2, 0, 1)),
    "transpose": lambda x: x.transpose(-1, 0),
    "turned": lambda x: x[0].T,
    "flatten": lambda x: x.flatten(),
    "flatten from": lambda x: x.flatten(1),
    "unsqueeze": lambda x: x.unsqueeze(-1),
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "squeeze nothing": lambda x: x.squeeze(1),
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean(-1, keepdim=True),
    "amax": lambda x: x.amax(0),
    "logsumexp": lambda x: x.logsumexp(1),
    "softmax": lambda x: x.softmax(-1),
    "log_softmax": lambda x: x.log_softmax(1),
    "exp": lambda x: x.exp(),
    "log": lambda x: x.abs().log(),
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "relu": lambda x: x.relu(),
    "matmul": lambda x: x.matmul(x[0].T),
    "rows": lambda x: sum(row * number for number, row in enumerate(x)),
    "index": lambda x: x[1, ..., 2],
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_torchs(name):
    drawn = np.random.default_rng(0).normal(size=(2, 3, 5))
    own, other = ag.Tensor(drawn, requires_grad=True), torch.tensor(drawn, requires_grad=True)
    value, expected = METHODS[name](own), METHODS[name](other)
    assert value.shape == expected.shape
    np.testing.assert_allclose(value.data, expected.detach().numpy(), rtol=1e-12)
    weights = np.random.default_rng(1).normal(size=value.shape)
    value.backward(weights)
    expected.backward(torch.from_numpy(weights))
    np.testing.assert_allclose(own.grad, other.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_more_methods_by_hand():
    x = ag.Tensor(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(x.gather(1, np.array([[2], [0]])).data, [[2.0], [3.0]])
    np.testing.assert_array_equal(x.index((0, slice(1, None))).data, [1.0, 2.0])
    assert x.broadcast_to((5, 2, 3)).shape == (5, 2, 3)
    np.testing.assert_array_equal((np.ones((1, 2)) @ x).data, [[3.0, 5.0, 7.0]])
    np.testing.assert_array_equal(ag.linear(x, weight=ag.Tensor(np.ones((1, 3)))).data, [[3.0], [12.0]])


@pytest.mark.parametrize("dim", [0, 1, -1, 2])
def test_stacking(dim):
    parts = [np.full((2, 3), number, float) for number in range(4)]
    expected = torch.stack([torch.tensor(part) for part in parts], dim)
    np.testing.assert_array_equal(ag.stack([ag.Tensor(part) for part in parts], dim).data, expected.numpy())


def test_comparisons_are_arrays_of_truth_values():
    x, y = ag.Tensor([1.0, 2.0, 3.0]), ag.Tensor([3.0, 2.0, 1.0])
    np.testing.assert_array_equal(x < y, [True, False, False])
    np.testing.assert_array_equal(x <= 2, [True, True, False])
    np.testing.assert_array_equal(x > np.array([0.0, 5.0, 0.0]), [True, False, True])
    np.testing.assert_array_equal(x >= y, [False, True, True])
    np.testing.assert_array_equal(x == y, [False, True, False])
    np.testing.assert_array_equal(x != 2, [True, False, True])
    assert len({x, y, x}) == 2


# Leaving the tensor


def test_as_numbers_and_arrays():
    x = ag.Tensor([[1.5], [2.5]])
    assert len(x) == 2
    assert float(x[0]) == x[0].item() == 1.5
    assert x.numpy() is x.data
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, np.float64).tolist() == [[1.5], [2.5]]
    assert bool(x[0] == 1.5)
    assert bool(ag.Tensor(0.5))
    assert not ag.Tensor(0.0)
    assert math.isclose(math.exp(ag.Tensor(1.0)), math.e, rel_tol=1e-6)


def test_a_gradient_does_not_get_lost_unseen():
    x = ag.Tensor([1.0], requires_grad=True)
    for convert in (np.asarray, ag.Tensor.numpy):
        with pytest.raises(GraphError) as caught:
            convert(x)
        assert str(caught.value) == (
            "NumPy was given a tensor that requires a gradient, and passes none on; use .detach()."
        )
    assert np.asarray(x.detach()).tolist() == [1.0]
    with pytest.raises(TypeError):
        np.exp(ag.Tensor([1.0]))


def test_as_text():
    assert repr(ag.Tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert repr(ag.Tensor(np.ones((1, 1)), requires_grad=True)) == "tensor([[1.]], dtype=float64, requires_grad=True)"
