"""Muon against the singular value decomposition and torch's Nesterov momentum."""

import pytest
import torch

from chainrule.learners.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (11, 11), (3, 53)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_singular_values_become_about_1_and_directions_stay(shape, scale):
    torch.manual_seed(1)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    values = torch.linspace(1.0, 0.2, min(shape))
    found = orthogonalised(scale * left * values @ right, iterations=5, dtype=torch.float32)
    along = torch.diagonal(left.T @ found @ right.T)
    assert along.min() > 0.65
    assert along.max() < 1.25
    torch.testing.assert_close((left * along) @ right, found, rtol=0, atol=1e-4)


def test_the_rough_product_is_near_the_exact_one():
    torch.manual_seed(1)
    matrix = torch.randn(13, 37)
    exact, rough = (orthogonalised(matrix, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0, atol=0.03)


def test_a_kernel_keeps_its_norm_and_moves_by_what_is_orthogonal():
    torch.manual_seed(1)
    kernel = torch.nn.Parameter(torch.randn(5, 3, 3, 3))
    before, gradient = kernel.detach().clone(), torch.randn(5, 3, 3, 3)
    optimizer = Muon([{"params": [kernel], "is_kernel": True, "momentum": 0.6}], lr=0.1, dtype=torch.float32)
    moment = torch.zeros_like(before)
    for _ in range(3):
        kernel.grad = gradient.clone()
        optimizer.step()
        moment = 0.6 * moment + gradient
        step = orthogonalised((gradient + 0.6 * moment).reshape(5, 27), dtype=torch.float32).reshape(5, 3, 3, 3)
        before = before * 5**0.5 / before.norm() - 0.1 * step
        torch.testing.assert_close(kernel.detach(), before)


def test_everything_else_is_nesterovs_momentum():
    torch.manual_seed(1)
    ours, theirs = (torch.nn.Parameter(torch.arange(7.0)) for _ in range(2))
    own = Muon([{"params": [ours], "weight_decay": 0.01}], lr=0.1)
    reference = torch.optim.SGD([theirs], lr=0.1, momentum=0.85, nesterov=True, weight_decay=0.01)
    for _ in range(5):
        gradient = torch.randn(7)
        for weight, optimizer in ((ours, own), (theirs, reference)):
            weight.grad = gradient.clone()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_what_has_no_gradient_stays():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = Muon([{"params": [weight]}], lr=1.0)
    optimizer.step()
    assert weight.tolist() == [1.0, 1.0, 1.0]
    assert not optimizer.state
