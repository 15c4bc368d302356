"""Operations where values are extreme, equal or on a kink, as torch has it and without a warning."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

import chainrule.autograd as ag
from chainrule.autograd.special_functions import normal_distribution
from chainrule.errors import OperandError

EXTREMES = np.array([[-1e4, 0.0, 1e4], [-800.0, -90.0, 3.0], [800.0, 90.0, -3.0]])


def compared(ours, theirs, *arrays):
    """Value and gradients here and in torch, for an upstream gradient that differs everywhere."""
    own = [ag.Tensor(array, requires_grad=True) for array in arrays]
    other = [torch.tensor(array, requires_grad=True) for array in arrays]
    value, expected = ours(*own), theirs(*other)
    weights = np.arange(1.0, expected.numel() + 1).reshape(expected.shape).astype(value.dtype)
    value.backward(weights)
    expected.backward(torch.from_numpy(weights))
    close = {"rtol": 1e-9, "atol": 1e-12} if arrays[0].dtype == np.float64 else {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(value.data, expected.detach().numpy(), **close)
    for tensor, reference in zip(own, other, strict=True):
        np.testing.assert_allclose(tensor.grad, reference.grad.numpy(), **close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ag.sigmoid, torch.sigmoid),
        (ag.tanh, torch.tanh),
        (ag.gelu, functional.gelu),
        (lambda x: ag.gelu(x * 1e-2, approximate="tanh"), lambda x: functional.gelu(x * 1e-2, approximate="tanh")),
        (lambda x: ag.softmax(x, 1), lambda x: torch.softmax(x, 1)),
        (lambda x: ag.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0)),
        (lambda x: ag.logsumexp(x, 1), lambda x: torch.logsumexp(x, 1)),
        (lambda x: ag.cross_entropy(x, [0, 1, 2]), lambda x: functional.cross_entropy(x, torch.tensor([0, 1, 2]))),
        (
            lambda x: ag.binary_cross_entropy_with_logits(x, np.eye(3)),
            lambda x: functional.binary_cross_entropy_with_logits(x, torch.eye(3, dtype=x.dtype)),
        ),
    ],
)
def test_extreme_values(ours, theirs, dtype):
    compared(ours, theirs, EXTREMES.astype(dtype))


def test_a_class_that_is_impossible_costs_nothing_unless_it_is_the_target():
    logits = np.array([[-np.inf, 0.0, 1.0], [2.0, -np.inf, 1.0]])
    compared(lambda x: ag.cross_entropy(x, [1, 0]), lambda x: functional.cross_entropy(x, torch.tensor([1, 0])), logits)
    assert ag.cross_entropy(ag.Tensor(logits), [0, 0]).item() == math.inf


def test_the_logarithm_of_a_sum_of_nothing_or_of_infinities():
    x = np.array([[-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 3.0]])
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(ag.logsumexp(ag.Tensor(x), 1).data, [-np.inf, np.inf, 3.0])


# Equal values and kinks


TIES = np.array([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0], [-2.0, 5.0, -2.0]])


@pytest.mark.parametrize("dim", [0, 1, (0, 1)])
def test_equal_largest_values_share_the_gradient(dim):
    compared(lambda x: ag.amax(x, dim), lambda x: torch.amax(x, dim), TIES)


def test_equal_values_share_the_gradient_of_the_larger():
    compared(ag.maximum, torch.maximum, TIES, TIES.T.copy())


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "absolute"])
def test_at_the_kink_the_gradient_is_torchs(name):
    theirs = getattr(torch, name, None) or getattr(functional, name)
    compared(getattr(ag, name), theirs, np.array([-1.0, -0.0, 0.0, 2.0]))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5])
def test_powers_of_zero(exponent):
    with np.errstate(divide="ignore"):
        compared(lambda x: x**exponent, lambda x: x**exponent, np.array([0.0, 2.0]))


def test_of_equal_values_seen_the_first_gets_the_gradient():
    x = np.array([[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 2.0, 2.0], [0.0, 0.0, 7.0, 7.0], [0.0, 0.0, 7.0, 7.0]])[None, None]
    for kernel, stride, padding in itertools.product((2, 3), (1, 2), (0, 1)):
        compared(
            lambda x, k=kernel, s=stride, p=padding: ag.max_pool2d(x, k, s, p),
            lambda x, k=kernel, s=stride, p=padding: functional.max_pool2d(x, k, s, p),
            x,
        )


def test_a_border_is_never_the_largest():
    x = -np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    y = ag.max_pool2d(ag.Tensor(x), 3, padding=1)
    np.testing.assert_array_equal(y.data, [[[[-1.0]]]])


# Numbers worked out by hand


def test_the_normal_distribution():
    x = np.array([-36.0, -8.0, -1.0, 0.0, 0.5, 1.0, 3.0, 9.0])
    expected = [math.erfc(-value / math.sqrt(2)) / 2 for value in x]
    np.testing.assert_allclose(normal_distribution(x), expected, rtol=1e-13)
    np.testing.assert_allclose(normal_distribution(x.astype(np.float32)), expected, rtol=2e-5, atol=1e-30)


def test_a_convolution_by_hand():
    x = ag.Tensor(np.arange(1.0, 10.0).reshape(1, 1, 3, 3))
    weight = ag.Tensor(np.array([[[[1.0, 2.0], [0.0, -1.0]]]]), requires_grad=True)
    y = ag.conv2d(x, weight)
    np.testing.assert_array_equal(y.data, [[[[1 + 4 - 5, 2 + 6 - 6], [4 + 10 - 8, 5 + 12 - 9]]]])
    y.sum().backward()
    np.testing.assert_array_equal(weight.grad, [[[[1 + 2 + 4 + 5, 2 + 3 + 5 + 6], [4 + 5 + 7 + 8, 5 + 6 + 8 + 9]]]])


def test_attention_to_equal_scores_is_even():
    np.testing.assert_array_equal(ag.softmax(ag.Tensor(np.zeros((1, 4))), 1).data, np.full((1, 4), 0.25))


def test_what_is_silenced_is_as_likely_as_said_and_the_mean_stays():
    x = ag.Tensor(np.ones(100_000))
    y = ag.dropout(x, 0.3, generator=np.random.default_rng(1)).data
    # 4 standard deviations of a share of 100,000 draws
    assert abs(np.mean(y == 0) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 1e5)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7])


def test_the_running_statistics_are_torchs():
    x, running = np.random.default_rng(0).normal(2.0, 3.0, (5, 3, 2)), (np.full(3, 0.5), np.full(3, 2.0))
    expected = [torch.tensor(values) for values in running]
    for _ in range(3):
        ag.batch_norm(ag.Tensor(x), *running, training=True, momentum=0.2)
        functional.batch_norm(torch.from_numpy(x), *expected, training=True, momentum=0.2)
    for own, other in zip(running, expected, strict=True):
        np.testing.assert_allclose(own, other.numpy(), rtol=1e-12)


# What cannot be


PICTURE = ag.Tensor(np.zeros((2, 3, 5, 7)))
REFUSED = {
    "add": (
        lambda: ag.Tensor(np.zeros((2, 3))) + ag.Tensor(np.zeros((4, 2))),
        (
            "add was given (2, 3) and (4, 2) and cannot take that: operands could not be broadcast together with "
            "shapes (2,3) (4,2)."
        ),
    ),
    "linear": (
        lambda: ag.linear(ag.Tensor(np.zeros((2, 3))), ag.Tensor(np.zeros((5, 7)))),
        "linear was given (2, 3) and (5, 7) and needs (*, in) and (out, in).",
    ),
    "linear, bias": (
        lambda: ag.linear(ag.Tensor(np.zeros((2, 3))), ag.Tensor(np.zeros((5, 3))), ag.Tensor(np.zeros(1))),
        "linear was given (2, 3) and (5, 3) and (1,) and needs (*, in) and (out, in) and (out).",
    ),
    "linear, no axis": (
        lambda: ag.linear(ag.Tensor(1.0), ag.Tensor(np.zeros((5, 3), np.float32))),
        "linear was given () and (5, 3) and needs (*, in) and (out, in).",
    ),
    "conv2d": (
        lambda: ag.conv2d(PICTURE, ag.Tensor(np.zeros((4, 2, 3, 3)))),
        (
            "conv2d was given (2, 3, 5, 7) and (4, 2, 3, 3) and needs (n, in, height, width) and (out, in, rows, "
            "columns)."
        ),
    ),
    "conv2d, kernel": (
        lambda: ag.conv2d(PICTURE, ag.Tensor(np.zeros((4, 3, 9, 3))), padding=1),
        (
            "conv2d was given (2, 3, 5, 7) and (4, 3, 9, 3) and cannot take that: a kernel of 9 by 3, moved by 1 "
            "and 1, fits nowhere on pictures of 7 by 9 with their padding."
        ),
    ),
    "conv_transpose2d": (
        lambda: ag.conv_transpose2d(PICTURE, ag.Tensor(np.zeros((3, 4, 3, 3))), output_padding=1),
        (
            "conv_transpose2d was given (2, 3, 5, 7) and (3, 4, 3, 3) and cannot take that: output_padding (1, 1)"
            " must be smaller than the stride (1, 1)."
        ),
    ),
    "max_pool2d": (
        lambda: ag.max_pool2d(PICTURE, 2, padding=(1, 2)),
        (
            "max_pool2d was given (2, 3, 5, 7) and cannot take that: padding (1, 2) must be at most half the "
            "kernel, (2, 2)."
        ),
    ),
    "layer_norm": (
        lambda: ag.layer_norm(PICTURE, (7,), ag.Tensor(np.ones(5))),
        (
            "layer_norm was given (2, 3, 5, 7) and (5,) and cannot take that: x's last axes, the weight and the "
            "bias must be (7,)."
        ),
    ),
    "batch_norm, channels": (
        lambda: ag.batch_norm(PICTURE, None, None, ag.Tensor(np.ones(5)), training=True),
        "batch_norm was given (2, 3, 5, 7) and (5,) and needs (n, channels, *) and (channels).",
    ),
    "batch_norm, one value": (
        lambda: ag.batch_norm(ag.Tensor(np.ones((1, 3))), None, None, training=True),
        "batch_norm was given (1, 3) and cannot take that: training needs more than 1 value for each channel.",
    ),
    "batch_norm, no statistics": (
        lambda: ag.batch_norm(PICTURE, None, None),
        (
            "batch_norm was given (2, 3, 5, 7) and cannot take that: without training there must be a running "
            "mean and variance."
        ),
    ),
    "dropout": (
        lambda: ag.dropout(ag.Tensor(np.ones(3)), 1.5, generator=np.random.default_rng(0)),
        "dropout was given (3,) and cannot take that: the probability is 1.5 and must be from 0 to 1.",
    ),
    "cross_entropy, shape": (
        lambda: ag.cross_entropy(ag.Tensor(np.zeros((2, 3))), [0, 1, 2]),
        (
            "cross_entropy was given (2, 3) and cannot take that: the target's shape is (3,) and must be (2,), "
            "without the classes."
        ),
    ),
    "cross_entropy, class": (
        lambda: ag.cross_entropy(ag.Tensor(np.zeros((2, 3))), [0, 3]),
        ("cross_entropy was given (2, 3) and cannot take that: index 3 is out of bounds for axis 1 with size 3."),
    ),
    "binary_cross_entropy_with_logits": (
        lambda: ag.binary_cross_entropy_with_logits(ag.Tensor(np.zeros((2, 1))), [0.0, 1.0]),
        (
            "binary_cross_entropy_with_logits was given (2, 1) and cannot take that: the target's shape is (2,) "
            "and must be (2, 1)."
        ),
    ),
    "embedding": (
        lambda: ag.embedding([0, -1], ag.Tensor(np.zeros((3, 2)))),
        "embedding was given (3, 2) and cannot take that: the index -1 is negative.",
    ),
    "gather": (
        lambda: ag.gather(PICTURE, 1, np.zeros((2, 3), int)),
        "gather was given (2, 3, 5, 7) and cannot take that: the index has 2 axes and needs 4.",
    ),
    "index": (
        lambda: ag.Tensor([1.0, 2.0])[5],
        "index was given (2,) and cannot take that: index 5 is out of bounds for axis 0 with size 2.",
    ),
    "softmax": (
        lambda: ag.softmax(PICTURE, 4),
        ("softmax was given (2, 3, 5, 7) and cannot take that: axis 4 is out of bounds for array of dimension 4."),
    ),
    "types": (
        lambda: ag.Tensor(np.zeros((2, 3))) @ ag.Tensor(np.zeros((3, 2), np.float32)),
        "matmul was given float32 and float64 and needs one type; convert with .to().",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_operation_cannot_take_is_said(name):
    call, message = REFUSED[name]
    with pytest.raises(OperandError) as caught:
        call()
    assert str(caught.value) == message
