"""Gradients against finite differences: right rules pass, wrong ones are found where they are wrong."""

import numpy as np
import pytest

import chainrule.autograd as ag
from chainrule.autograd.backward import Array, Made
from chainrule.autograd.operation import Operation
from chainrule.errors import GradientError, OperandError


def wrong_cube(x: Array) -> Made:
    return x**3, lambda dy: dy * 3 * x * np.where(x == 4.0, x * 1.01, x)


def not_a_number(x: Array) -> Made:
    return x * 2, lambda dy: np.where(x == 4.0, np.nan, dy * 2)


def unrecorded(rule):
    return Operation(rule, axes=(), promotes=False)


def test_the_worst_element_is_told():
    worst = ag.gradcheck(lambda x, y: (x * y).sum(), np.array([1.0, 2.0]), ag.Tensor([[3.0], [4.0]]))
    assert worst.error < 1e-8
    assert worst.number in (0, 1)
    assert worst.gradient == pytest.approx(worst.difference, abs=1e-8)


@pytest.mark.parametrize("rule", [wrong_cube, not_a_number])
def test_a_wrong_rule_is_found_with_its_place(rule):
    x = np.array([[1.0, 2.0, 3.0], [5.0, 4.0, 6.0]])
    with pytest.raises(GradientError) as caught:
        ag.gradcheck(lambda y, x: unrecorded(rule)(x) + y, 7.0, x)
    assert str(caught.value).startswith("the gradient by input 1 is ")
    assert " at (1, 1) and the finite difference " in str(caught.value)


def test_the_message():
    with pytest.raises(GradientError) as caught:
        ag.gradcheck(lambda x: unrecorded(wrong_cube)(x).sum(), np.array([4.0]), tolerance=1e-3)
    told, needed = str(caught.value).split("; ")
    values = [
        float(word)
        for word in told.replace("the gradient by input 0 is ", "").split(" at (0,) and the finite difference ")
    ]
    weight = np.cos(1)
    np.testing.assert_allclose(values, [48.48 * weight, 48 * weight], rtol=1e-7)
    assert needed == "correct the rule, or take inputs away from where the function has a kink."


def test_the_tolerance_and_the_step_count():
    wrong = unrecorded(wrong_cube)
    assert ag.gradcheck(wrong, np.array([4.0]), tolerance=0.02).error == pytest.approx(0.01, rel=1e-5)
    # Of x³ the central difference is 3 x² + step².
    assert ag.gradcheck(lambda x: x**3, np.array([0.0]), step=0.1, tolerance=1).error == pytest.approx(0.01 * np.cos(1))


def test_an_input_that_does_not_count_and_one_without_elements():
    assert ag.gradcheck(lambda x, _: x * 2, np.ones(2), np.ones(3)).error < 1e-8
    assert ag.gradcheck(lambda _: ag.Tensor(np.ones(2)), np.ones(2)).error == 0
    assert ag.gradcheck(lambda x: x * 2, np.ones((0, 3))) is None


def test_inputs_stay_as_they_are():
    x = ag.Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
    ag.gradcheck(lambda x: x * x, x)
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    assert x.grad is None


def test_float32_is_too_coarse():
    with pytest.raises(OperandError) as caught:
        ag.gradcheck(lambda x: x.to(np.float32), np.ones(2))
    assert str(caught.value) == ("gradcheck was given a function that returns float32 for float64; compute in float64.")
