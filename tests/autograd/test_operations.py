"""Every operation of the table against torch, in value, type and all gradients, and against finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.autograd import OPERATIONS, Tensor, gradcheck, no_grad
from tests.autograd.cases import LAYOUTS, laid_out
from tests.autograd.layer_cases import CASES

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-4}


@st.composite
def examples(draw, name):
    """Arrays, as views of many kinds, and options."""
    shapes, options = CASES[name].inputs(draw)
    total = sum(map(math.prod, shapes))
    # All values differ by 0.1, and none is within 0.03 of 0: no kink is near.
    values = np.random.default_rng(draw(st.integers(0, 99))).permutation(total) - total // 2
    values = CASES[name].change(np.clip(0.1 * values, -6, 6) + 0.03 + 1e-3 * values)
    parts = np.split(values, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
    return [laid_out(part.reshape(shape), draw(LAYOUTS)) for part, shape in zip(parts, shapes, strict=True)], options


def test_every_operation_has_a_case():
    assert CASES.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_value_type_and_gradients_are_torchs(name, data):
    arrays, options = data.draw(examples(name))
    for dtype in (np.float64, np.float32):
        ours = [Tensor(laid_out(array.astype(dtype), data.draw(LAYOUTS)), requires_grad=True) for array in arrays]
        before = [tensor.data.copy() for tensor in ours]
        # In one layout: torch's batch norm has a wrong gradient where that of the output lies otherwise than the input.
        theirs = [torch.tensor(array.astype(dtype)).contiguous().requires_grad_() for array in arrays]
        with np.errstate(all="ignore"):  # torch divides by zero in silence
            value = CASES[name].ours(*ours, **options)
        expected = CASES[name].theirs(*theirs, **options)
        close(value.data, expected, dtype)
        weights = np.cos(np.arange(1, expected.numel() + 1)).reshape(expected.shape).astype(value.dtype)
        expected.backward(torch.from_numpy(weights))
        with np.errstate(all="ignore"):
            value.backward(weights, retain_graph=True)
        for own, other in zip(ours, theirs, strict=True):
            close(own.grad, other.grad, dtype)
        # What a rule returned was its own: changing it changes nothing else, and it gives the same again.
        first = [tensor.grad.copy() for tensor in ours]
        for tensor in ours:
            tensor.grad *= 2
        with np.errstate(all="ignore"):
            value.T.backward(weights.T)  # a gradient that does not lie in memory as the value does
        for tensor, values, gradient in zip(ours, before, first, strict=True):
            np.testing.assert_array_equal(tensor.data, values)
            np.testing.assert_allclose(tensor.grad, 3 * gradient, rtol=1e-5, atol=1e-7)


def close(own, other, dtype):
    other = other.detach().numpy()
    assert own.dtype == other.dtype
    assert own.shape == other.shape
    tolerance = TOLERANCE[dtype]
    finite = np.abs(other[np.isfinite(other)])
    np.testing.assert_allclose(own, other, rtol=tolerance, atol=tolerance * max(1.0, finite.max(initial=0)))


@pytest.mark.parametrize("name", OPERATIONS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_gradients_are_finite_differences(name, data):
    arrays, options = data.draw(examples(name))
    if name == "embedding":
        options["padding_idx"] = None  # that row has a gradient and is kept from learning
    if name == "to":
        options["dtype"] = np.float64  # too coarse are the differences of float32
    with np.errstate(all="ignore"):
        if np.isfinite(CASES[name].ours(*map(Tensor, arrays), **options).data).all():
            gradcheck(lambda *tensors: CASES[name].ours(*tensors, **options), *arrays)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(deadline=None, max_examples=3)
@given(data=st.data())
def test_nothing_is_recorded_without_need(name, data):
    arrays, options = data.draw(examples(name))
    with np.errstate(all="ignore"):
        assert CASES[name].ours(*map(Tensor, arrays), **options).node is None
        with no_grad():
            value = CASES[name].ours(*(Tensor(array, requires_grad=True) for array in arrays), **options)
    assert value.node is None
    assert not value.requires_grad


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_formula_stands_in_the_first_line(name):
    title, _, formula = OPERATIONS[name].__doc__.splitlines()[0].partition(": ")
    assert title
    assert formula.startswith("y = ")
    assert ";  d" in formula
    assert formula.endswith(".")
