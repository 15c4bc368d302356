"""Linear maps as convolutions: the same results and gradients as products have."""

import pytest
import torch

from chainrule.models.linear_rows import MANY, LinearRows, linear_rows

ROWS = 1031
BFLOAT16_ROUNDING = 2**-8


def operands(inputs, outputs):
    """x, W, b and the gradient of y, in float64, but each such as bfloat16 can hold."""
    torch.manual_seed(1)
    shapes = (ROWS, inputs), (outputs, inputs), (outputs,), (ROWS, outputs)
    return [torch.randn(shape).bfloat16().double() for shape in shapes]


def learning(values, dtype):
    return [each.detach().to(dtype, copy=True).requires_grad_() for each in values]


@pytest.mark.parametrize(("inputs", "outputs"), [(7, 13), (13, 7), (67, 3), (3, 67), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_many_rows_and_all_gradients_are_those_of_the_product(inputs, outputs, dtype):
    assert ROWS >= MANY
    *values, gradient = operands(inputs, outputs)
    exact, found = learning(values, torch.float64), learning(values, dtype)
    expected = exact[0] @ exact[1].T + exact[2]
    expected.backward(gradient)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = linear_rows(*found)
    assert y.dtype is torch.bfloat16
    assert y.is_contiguous()
    assert "_Map" in type(y.grad_fn).__name__  # else the test were of another way
    y.backward(gradient.to(torch.bfloat16))
    torch.testing.assert_close(y.double(), expected, rtol=BFLOAT16_ROUNDING, atol=1e-3)
    for one, other in zip(found, exact, strict=True):
        assert one.grad.dtype is dtype
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=BFLOAT16_ROUNDING, atol=1e-2)


def test_operands_may_lie_in_memory_in_any_way():
    x, weight, bias, gradient = (each.bfloat16() for each in operands(7, 13))
    plain = learning((x, weight, bias), torch.bfloat16)
    linear_rows(*plain).backward(gradient)
    turned = [each.requires_grad_() for each in (x.T.contiguous().T, weight.T.contiguous().T, bias)]
    every_other = torch.stack([gradient, gradient], dim=2).flatten(1)[:, ::2]
    y = linear_rows(*turned)
    y.backward(every_other)
    assert torch.equal(y, linear_rows(*plain))
    for one, other in zip(turned, plain, strict=True):
        assert torch.equal(one.grad, other.grad)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_what_does_not_learn_gets_no_gradient(frozen):
    *values, gradient = operands(7, 13)
    found = learning(values, torch.bfloat16)
    found[frozen].requires_grad_(False)
    linear_rows(*found).backward(gradient.bfloat16())
    assert [each.grad is None for each in found] == [place == frozen for place in range(3)]


@pytest.mark.parametrize(("rows", "dtype"), [(MANY - 1, torch.bfloat16), (ROWS, torch.float32)])
def test_few_rows_and_other_types_are_torchs_own_product(rows, dtype):
    x, weight, bias = (each.to(dtype) for each in operands(7, 13)[:3])
    assert torch.equal(linear_rows(x[:rows], weight, bias), torch.nn.functional.linear(x[:rows], weight, bias))


def test_the_layer_is_a_linear_layer_by_name_and_number():
    layer = LinearRows(7, 13)
    plain = torch.nn.Linear(7, 13)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(5, 7)
    assert torch.equal(layer(x), plain(x))
