"""Linear maps as convolutions: the same results and gradients as products have."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from chainrule.models.bert import bert
from chainrule.models.linear_rows import MANY, LinearRows, linear_rows, map_by_convolution

ROWS = 1031
BFLOAT16_ROUNDING = 2**-8


def operands(inputs, outputs, rows=ROWS):
    """x, W, b and the gradient of y, in float64, but each such as bfloat16 can hold."""
    torch.manual_seed(1)
    shapes = (rows, inputs), (outputs, inputs), (outputs,), (rows, outputs)
    return [torch.randn(shape).bfloat16().double() for shape in shapes]


def learning(values, dtype):
    return [each.detach().to(dtype, copy=True).requires_grad_() for each in values]


def steps_back(y):
    """Names of the operations that y came from."""
    found, ahead = set(), [y.grad_fn]
    while ahead:
        step = ahead.pop()
        if step is not None:
            found.add(type(step).__name__)
            ahead += [before for before, _ in step.next_functions]
    return found


def is_convolution(y):
    return any("_Convolve" in name for name in steps_back(y))


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
    assert is_convolution(y)
    y.backward(gradient.to(torch.bfloat16))
    torch.testing.assert_close(y.double(), expected, rtol=BFLOAT16_ROUNDING, atol=1e-3)
    for one, other in zip(found, exact, strict=True):
        assert one.grad.dtype is dtype
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=BFLOAT16_ROUNDING, atol=1e-2)


def test_first_and_second_derivatives_are_those_of_differences():
    values = learning(operands(3, 5, rows=4)[:3], torch.float64)
    assert torch.autograd.gradcheck(map_by_convolution, values)
    assert torch.autograd.gradgradcheck(map_by_convolution, values)


def test_results_may_be_changed_in_place():
    x, weight, bias, gradient = (each.bfloat16() for each in operands(7, 13))
    found, plain = learning((x, weight, bias), torch.bfloat16), learning((x, weight, bias), torch.bfloat16)
    linear_rows(*found).relu_().backward(gradient)
    linear_rows(*plain).relu().backward(gradient)
    for one, other in zip(found, plain, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=BFLOAT16_ROUNDING, atol=1e-2)


def test_operands_may_lie_in_memory_in_any_way():
    x, weight, bias, gradient = (each.bfloat16() for each in operands(7, 13))
    plain = learning((x, weight, bias), torch.bfloat16)
    expected = linear_rows(*plain)
    expected.backward(gradient)
    turned = [each.requires_grad_() for each in (x.T.contiguous().T, weight.T.contiguous().T, bias)]
    every_other = torch.stack([gradient, gradient], dim=2).flatten(1)[:, ::2]
    y = linear_rows(*turned)
    y.backward(every_other)
    torch.testing.assert_close(y, expected, rtol=BFLOAT16_ROUNDING, atol=1e-3)
    for one, other in zip(turned, plain, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=BFLOAT16_ROUNDING, atol=1e-2)


@pytest.mark.parametrize(("frozen", "products"), [((), 2), ((0,), 1), ((1,), 1), ((0, 1), 0)])
def test_no_gradient_is_computed_that_nobody_asks_for(frozen, products):
    *values, gradient = operands(7, 13)
    found = learning(values, torch.bfloat16)
    for place in frozen:
        found[place].requires_grad_(False)
    y = linear_rows(*found)
    with FlopCounterMode(display=False) as counted:
        y.backward(gradient.bfloat16())
    assert counted.get_total_flops() == products * 2 * ROWS * 7 * 13
    assert [each.grad is None for each in found] == [place in frozen for place in range(3)]


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((MANY - 1, 7), torch.bfloat16),
        ((ROWS, 7), torch.float32),
        ((ROWS, 7), torch.float16),
        ((ROWS, 2, 7), torch.bfloat16),
    ],
)
def test_few_rows_other_types_and_other_shapes_are_torchs_own_product(shape, dtype):
    weight, bias = (each.to(dtype) for each in operands(7, 13)[1:3])
    x = torch.randn(shape, dtype=dtype).requires_grad_()
    y = linear_rows(x, weight, bias)
    assert not is_convolution(y)
    assert torch.equal(y, torch.nn.functional.linear(x, weight, bias))


def test_autocast_leaves_float64_alone():
    x, weight, bias, _ = operands(7, 13)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(linear_rows(x, weight, bias), torch.nn.functional.linear(x, weight, bias))


@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_has_the_names_and_the_numbers_of_a_linear_layer(bias):
    layer, plain = LinearRows(7, 13, bias=bias), torch.nn.Linear(7, 13, bias=bias)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(ROWS, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
        assert is_convolution(y)
        torch.testing.assert_close(y, plain(x), rtol=BFLOAT16_ROUNDING, atol=1e-3)


def test_bert_over_many_tokens_is_as_near_to_double_as_with_products(monkeypatch):
    torch.manual_seed(3)
    sizes = {"vocabulary_size": 41, "hidden_size": 15, "layers": 2, "heads": 3, "inner_size": 37, "positions": 64}
    exact, model = bert(**sizes).double(), bert(**sizes)
    exact.load_state_dict(model.state_dict())
    lengths = torch.tensor([61, 59, 53, 47, 43, 41, 37, 31, 29, 23, 19, 17, 13, 11, 7, 5] * 3)
    tokens = torch.randint(41, (int(lengths.sum()),))
    assert len(tokens) >= MANY
    expected, _ = exact(tokens, lengths)
    upstream = torch.randn_like(expected)
    (expected * upstream).sum().backward()

    def distances(*, by_convolution):
        """Of the result and of each gradient, as parts of their own lengths."""
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden, _ = model(tokens, lengths)
        assert is_convolution(hidden) == by_convolution
        (hidden.double() * upstream).sum().backward()
        pairs = {"hidden": (hidden.detach().double(), expected.detach())}
        for (name, one), other in zip(model.named_parameters(), exact.parameters(), strict=True):
            # The softmax takes away what a key's offset adds: its gradient is rounding alone.
            if other.grad is not None and "key.bias" not in name:
                pairs[name] = (one.grad.double(), other.grad)
        return {name: float((one - other).norm() / other.norm()) for name, (one, other) in pairs.items()}

    found = distances(by_convolution=True)
    monkeypatch.setattr("chainrule.models.linear_rows.MANY", len(tokens) + 1)
    products = distances(by_convolution=False)
    assert found["hidden"] < 0.01
    for name, distance in found.items():
        assert distance < 1.2 * products[name] + 1e-3, name
