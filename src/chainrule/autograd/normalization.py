"""Layers that give values a mean of 0 and a variance of 1, then a scale and an offset that are learned."""

import numpy as np
from numpy.typing import DTypeLike

from chainrule.autograd import layer_operations as functions
from chainrule.autograd.layers import parameter
from chainrule.autograd.module import Module
from chainrule.autograd.tensor import Tensor


class LayerNorm(Module):
    """Normalises each example over its last axes.  Ba, Kiros and Hinton, arXiv 1607.06450.

    Args:
        normalized_shape: sizes of those axes, or of the last one.
        eps: added to the variance.
        elementwise_affine: whether scale and offset are learned.
        bias: whether the offset is.
        dtype: of the parameters.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        *,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = parameter(np.ones(self.normalized_shape), dtype) if elementwise_affine else None
        self.bias = parameter(np.zeros(self.normalized_shape), dtype) if elementwise_affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(…, *normalized_shape) → the same."""
        return functions.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class BatchNorm(Module):
    """Normalises each channel over the batch.  Ioffe and Szegedy, arXiv 1502.03167.

    It is torch's BatchNorm1d, 2d and 3d in one. In training, mean and variance are the batch's, and running ones move
    towards them; these are used otherwise.

    Args:
        num_features: channels.
        eps: added to the variance.
        momentum: how far the running values move, in [0, 1].
        affine: whether scale and offset are learned.
        track_running_stats: whether there are running values; without, the batch's are always used.
        dtype: of the parameters and running values.
    """

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.eps = eps
        self.momentum = momentum
        self.weight = parameter(np.ones(num_features), dtype) if affine else None
        self.bias = parameter(np.zeros(num_features), dtype) if affine else None
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.zeros((), np.int64) if track_running_stats else None

    def forward(self, x: Tensor) -> Tensor:
        """(n, num_features, …) → the same."""
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        return functions.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or self.running_mean is None,
            momentum=self.momentum,
            eps=self.eps,
        )
