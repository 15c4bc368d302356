"""Muon: for each matrix of weights a step of the same length in all directions.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

QUINTIC = (3.4445, -4.7750, 2.0315)  # steep at 0, so that few iterations do; the end is near 1 and not 1
ITERATIONS = 3


def orthogonalised(
    matrix: Float[Tensor, "rows columns"], *, iterations: int = ITERATIONS, dtype: torch.dtype = torch.bfloat16
) -> Float[Tensor, "rows columns"]:
    """The nearest matrix whose singular values are about 1: G = U Σ Vᵀ becomes U S Vᵀ, S from about 0.7 to 1.2.

        X ← G / ‖G‖;   X ← a X + (b X Xᵀ + c (X Xᵀ)²) X,  some times

    A Newton-Schulz iteration, products alone and so as fast as the machine multiplies. Singular values far below the
    norm stay smaller: those under a hundredth of it need more iterations.

    Args:
        matrix: G, of full precision.
        iterations: how often.
        dtype: of the products; the result is rough anyway.
    """
    a, b, c = QUINTIC
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix / (matrix.norm() + 1e-7)).to(dtype)
    if is_tall:  # the product of the shorter side with itself is the smaller one
        x = x.T
    for _ in range(iterations):
        square = x @ x.T
        x = a * x + torch.addmm(square, square, square, beta=b, alpha=c) @ x
    near: Tensor = (x.T if is_tall else x).to(matrix.dtype)
    return near


class Muon(Optimizer):
    """Muon for groups of kernels, Nesterov's momentum for all others.

        M ← μ M + ∇;   W ← √n W / ‖W‖ − η · orthogonalised(∇ + μ M),  n: rows
        m ← μ m + ∇ + λ w;   w ← w − η (∇ + λ w + μ m)

    A kernel is taken as a matrix with a row a filter. Its norm is held: what follows is a normalisation, which makes
    the scale of the weights mean nothing but the length of the next step.

    Args:
        groups: each has `params` and may have `is_kernel`, `momentum`, `weight_decay` and `lr`.
        lr: η, where a group has none of its own.
        dtype: of the products that orthogonalise.
    """

    def __init__(self, groups: Iterable[Mapping[str, Any]], *, lr: float, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__(
            [dict(group) for group in groups], {"lr": lr, "momentum": 0.85, "weight_decay": 0.0, "is_kernel": False}
        )
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Does one update."""
        assert closure is None, "the gradients are there already"  # noqa: S101
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, weight.grad, group)

    def _update(self, weight: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        moment, rate, momentum = state["momentum"], group["lr"], group["momentum"]
        if group["weight_decay"]:
            gradient = gradient.add(weight, alpha=group["weight_decay"])
        moment.mul_(momentum).add_(gradient)
        ahead = gradient.add(moment, alpha=momentum)
        if group["is_kernel"]:
            ahead = orthogonalised(ahead.flatten(1), dtype=self.dtype).view_as(weight)
            weight.mul_(len(weight) ** 0.5 / weight.norm())
        weight.add_(ahead, alpha=-rate)
