"""Clipping against torch's own, bit for bit; moments that come back."""

import pytest
import torch
from torch import nn

from chainrule.errors import ResumeError
from chainrule.learners.network_update import NORM_MARGIN, clip_gradient, load_optimizer_state, optimizer_state

SIZES = [(7, 5), (3,), (11,)]
LENGTH = 5.0  # of the gradient, 3 and 4 at right angles


def parameters(first, second, kind=torch.float32):
    """Three, of which the last has no gradient."""
    made = [nn.Parameter(torch.zeros(size, dtype=kind)) for size in SIZES]
    for parameter, value in zip(made, (first, second), strict=False):
        parameter.grad = torch.zeros_like(parameter)
        parameter.grad.view(-1)[1] = value
    return made


@pytest.mark.parametrize(
    "largest", [0.3, 4.999, LENGTH, LENGTH + NORM_MARGIN / 2, LENGTH + 2 * NORM_MARGIN, 5.001, torch.inf]
)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_what_is_left_is_what_torch_leaves(largest, kind):
    ours, theirs = parameters(3.0, -4.0, kind), parameters(3.0, -4.0, kind)
    norm, expected = clip_gradient(iter(ours), largest), nn.utils.clip_grad_norm_(theirs, largest)
    assert norm == expected == LENGTH
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert torch.equal(one.grad, other.grad)
    assert ours[2].grad is None


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
@pytest.mark.parametrize("largest", [7.0, torch.inf])
def test_what_is_not_finite_is_no_short_gradient(wrong, largest):
    ours, theirs = parameters(3.0, wrong), parameters(3.0, wrong)
    norm, expected = clip_gradient(ours, largest), nn.utils.clip_grad_norm_(theirs, largest)
    torch.testing.assert_close(norm, expected, equal_nan=True)
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=0, equal_nan=True)


def test_a_short_gradient_is_not_written():
    short, long = parameters(3.0, -4.0), parameters(3.0, -4.0)
    before = [each._version for each in (short[0].grad, long[0].grad)]
    clip_gradient(short, 7.0)
    clip_gradient(long, 1.0)
    assert short[0].grad._version == before[0]
    assert long[0].grad._version > before[1]


def test_nothing_to_clip():
    assert clip_gradient([nn.Parameter(torch.zeros(2))], 1.0) == 0


def stepped(*sizes):
    """AdamW over weights of these sizes, after one step."""
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(size)) for size in sizes]
    optimizer = torch.optim.AdamW([{"params": [weight]} for weight in weights], fused=True)
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    optimizer.step()
    return optimizer


def test_moments_come_back():
    kept, optimizer = optimizer_state(stepped((7, 5), (3,))), stepped((7, 5), (3,))
    optimizer.step()
    load_optimizer_state(optimizer, kept)
    for number, moments in optimizer_state(optimizer).items():
        assert all(torch.equal(value, kept[number][name]) for name, value in moments.items())


@pytest.mark.parametrize("sizes", [((7, 5), (2,)), ((5, 7), (3,)), ((11, 5), (3,)), ((35,), (3,)), ((7, 5),)])
def test_moments_of_other_weights_are_refused(sizes):
    """torch takes them, and its fused step reads and writes beyond the smaller of the two."""
    optimizer = stepped(*sizes)
    with pytest.raises(ResumeError, match="moments are of other weights than these; start the run anew"):
        load_optimizer_state(optimizer, optimizer_state(stepped((7, 5), (3,))))
    for one, other in zip(optimizer_state(optimizer).values(), optimizer_state(stepped(*sizes)).values(), strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())
