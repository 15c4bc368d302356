"""Batch normalisation over the examples of several processes.

torch's own, `SyncBatchNorm`, is for GPUs only.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.modules.batchnorm import _BatchNorm

from chainrule.runtime.processes import ALONE, Processes


class SharedBatchNorm(nn.Module):
    """A batch normalisation whose batch is that of all processes: every one of them holds a share of it.

        y[·, c] = w[c] (x[·, c] − μ[c]) / √(σ²[c] + ε) + b[c],   μ and σ² over all examples and places of all shares

    Ioffe and Szegedy, arXiv 1502.03167. Two exchanges an update, one forward and one backward. Parameters, buffers
    and their names are those of the module it stands for, and so are its outputs but for rounding.

    Args:
        norm: the module it stands for, whose parameters and buffers it takes over.
    """

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        self.momentum = norm.momentum
        self.weight = norm.weight
        self.bias = norm.bias
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)
        self.register_buffer("num_batches_tracked", norm.num_batches_tracked)
        self.processes = ALONE
        """Who shares the batch; set before each forward pass that learns."""

    def forward(self, maps: Float[Tensor, "batch channels *places"]) -> Float[Tensor, "batch channels *places"]:
        """Normalises with the batch's own statistics while it learns, else with the running ones."""
        weight, bias = self.weight, self.bias
        if not self.training and self.running_mean is not None:
            return nn.functional.batch_norm(maps, self.running_mean, self.running_var, weight, bias, eps=self.eps)
        crew = self.processes if self.training else ALONE
        count, mean, variance = statistics(maps.detach(), crew)
        if self.training:
            self._note(count, mean, variance)
        if weight is None:
            weight, bias = torch.ones_like(mean), torch.zeros_like(mean)
        normalised: Tensor = _Normalise.apply(maps, weight, bias, mean, variance, count, self.eps, crew)  # type: ignore[no-untyped-call]
        return normalised

    @torch.no_grad()
    def _note(self, count: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Moves the running statistics towards the batch's, as torch does: the variance is the unbiased one."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        part = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean += part * (mean - self.running_mean)
        self.running_var += part * (variance * (count / (count - 1)) - self.running_var)


def share_batch_norms(model: nn.Module) -> list[SharedBatchNorm]:
    """Puts a `SharedBatchNorm` in the place of every batch normalisation of a model, and returns them."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, _BatchNorm):
                setattr(module, name, SharedBatchNorm(child))
    return [module for module in model.modules() if isinstance(module, SharedBatchNorm)]


def statistics(
    maps: Float[Tensor, "batch channels *places"], processes: Processes
) -> tuple[Float[Tensor, ""], Float[Tensor, " channels"], Float[Tensor, " channels"]]:
    """Count, mean and variance, not the unbiased one, of each channel over the shares of all processes.

    The shares' own are put together as Chan, Golub and LeVeque do ("Algorithms for computing the sample variance",
    The American Statistician 37, 1983), which loses no digits where the mean is large.

    Args:
        maps: this process's share.
        processes: who holds the others.
    """
    axes = [axis for axis in range(maps.ndim) if axis != 1]
    variance, mean = torch.var_mean(maps.float(), dim=axes, correction=0)  # (channels), (channels)
    count = torch.full_like(mean, maps.numel() // maps.shape[1])  # (channels)
    told = mean.new_zeros(processes.count, 3, len(mean))
    told[processes.rank] = torch.stack([count, mean, variance])
    processes.add_up(told)  # to zeros, so that all have all, and no digit is lost
    counts, means, variances = told.unbind(1)  # each (processes, channels)
    total = counts.sum(0)
    mean = (counts * means).sum(0) / total
    variance = (counts * (variances + (means - mean).square())).sum(0) / total
    return total[0], mean, variance


class _Normalise(Function):
    """The normalisation itself, whose statistics depend on what is normalised.

        y = w x̂ + b,   x̂ = (x − μ) / √(σ² + ε)
        ∂L/∂x = w / √(σ² + ε) · (g − mean(g) − x̂ · mean(g x̂)),   g = ∂L/∂y, means over the shares of all processes

    The gradients of w and b are this share's part of the sums; they are added up with all others.
    """

    @staticmethod
    def forward(  # noqa: PLR0917 - torch gives them by place
        context: Any,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
        processes: Processes,
    ) -> Tensor:
        context.save_for_backward(maps, weight, mean, variance, count)
        context.eps, context.processes = eps, processes
        return nn.functional.batch_norm(maps, mean, variance, weight, bias, eps=eps)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight, mean, variance, count = context.saved_tensors
        # What torch gives for fixed statistics is w g / √(σ² + ε), and for w and b the sums that are needed.
        direct, weight_gradient, bias_gradient = torch.ops.aten.native_batch_norm_backward(
            gradient, maps, weight, mean, variance, None, None, train=False, eps=context.eps, output_mask=[True] * 3
        )
        sums = torch.stack([bias_gradient, weight_gradient])  # Σ g and Σ g x̂, (2, channels)
        context.processes.add_up(sums)
        scale = (variance + context.eps).rsqrt()
        offset, slope = weight * scale * sums[0] / count, weight * scale * scale * sums[1] / count
        shape = (1, -1, *(1,) * (maps.ndim - 2))
        by_statistics = (maps - mean.view(shape)) * slope.view(shape) + offset.view(shape)
        return (direct - by_statistics).to(maps.dtype), weight_gradient, bias_gradient, *(None,) * 5
