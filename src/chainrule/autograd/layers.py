"""Layers with torch's names, shapes and initial values, whose draws come from a generator that is given.

One generator can serve a whole network. Sizes come in torch's order; what follows them is given by name.
"""

import math
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike, NDArray

from chainrule.autograd import layer_operations as functions
from chainrule.autograd.backward import Array
from chainrule.autograd.module import Module
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.windows import Size, pair


def parameter(values: Array, dtype: DTypeLike) -> Tensor:
    """A tensor to be learned."""
    return Tensor(values, dtype=dtype, requires_grad=True)


def uniform(generator: Generator, bound: float, *shape: int, dtype: DTypeLike) -> Tensor:
    """A parameter whose values are drawn evenly from -bound to bound."""
    return parameter(generator.uniform(-bound, bound, shape), dtype)


def inverse_root(inputs: int) -> float:
    """1 / √inputs, the bound of torch's first weights: He et al., arXiv 1502.01852, with a slope of √5."""
    return 1 / math.sqrt(inputs) if inputs else 0.0


class Linear(Module):
    """y = x Wᵀ + b.

    Args:
        in_features: values of an input.
        out_features: values of an output.
        bias: whether there is a b.
        generator: draws the first weights, evenly within ±1 / √in_features.
        dtype: of the parameters.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        generator: Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        bound = inverse_root(in_features)
        self.weight = uniform(generator, bound, out_features, in_features, dtype=dtype)
        self.bias = uniform(generator, bound, out_features, dtype=dtype) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) → (…, out_features)."""
        return functions.linear(x, self.weight, self.bias)


class Conv2d(Module):
    """A convolution of pictures: the same small linear map wherever its kernel fits.

    Args:
        in_channels: channels of an input.
        out_channels: channels of an output.
        kernel_size: rows and columns, or one number for both, as all pairs here.
        stride: by how much the kernel moves.
        padding: rows and columns of zeros around the picture.
        bias: whether each output channel has a number added.
        generator: draws the first weights, evenly within ±1 / √(in_channels · kernel).
        dtype: of the parameters.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        *,
        stride: Size = 1,
        padding: Size = 0,
        bias: bool = True,
        generator: Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        kernel = pair(kernel_size)
        bound = inverse_root(in_channels * math.prod(kernel))
        self.weight = uniform(generator, bound, out_channels, in_channels, *kernel, dtype=dtype)
        self.bias = uniform(generator, bound, out_channels, dtype=dtype) if bias else None
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, height, width) → (n, out_channels, height', width')."""
        return functions.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class ConvTranspose2d(Module):
    """A convolution's transpose, which makes pictures larger where that makes them smaller.

    Args:
        in_channels: channels of an input.
        out_channels: channels of an output.
        kernel_size: rows and columns that one input pixel paints.
        stride: by how much what the next pixel paints is moved.
        padding: rows and columns cut off around the picture.
        output_padding: rows and columns added at its end, fewer than the stride.
        bias: whether each output channel has a number added.
        generator: draws the first weights, evenly within ±1 / √(out_channels · kernel).
        dtype: of the parameters.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        *,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        bias: bool = True,
        generator: Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        kernel = pair(kernel_size)
        bound = inverse_root(out_channels * math.prod(kernel))
        self.weight = uniform(generator, bound, in_channels, out_channels, *kernel, dtype=dtype)
        self.bias = uniform(generator, bound, out_channels, dtype=dtype) if bias else None
        self.stride = stride
        self.padding = padding
        self.output_padding = output_padding

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, height, width) → (n, out_channels, height', width')."""
        return functions.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, output_padding=self.output_padding
        )


class Embedding(Module):
    """A vector for each of a number of things, such as tokens.

    Args:
        num_embeddings: how many things there are.
        embedding_dim: values of a vector.
        padding_idx: the thing that stands for none: its vector starts as zeros and never learns.
        generator: draws the vectors from the normal distribution.
        dtype: of the parameters.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        padding_idx: int | None = None,
        generator: Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.weight = parameter(generator.standard_normal((num_embeddings, embedding_dim)), dtype)
        self.padding_idx = padding_idx
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    def forward(self, indices: NDArray[np.integer[Any]]) -> Tensor:
        """(…) of integers → (…, embedding_dim)."""
        return functions.embedding(indices, self.weight, self.padding_idx)


class Dropout(Module):
    """In training, silences each value with a probability and makes the others larger by as much.

    Args:
        p: the probability, in [0, 1].
        generator: draws what is silenced; whoever resumes a run sets its state, which is no part of the module's.
    """

    def __init__(self, p: float = 0.5, *, generator: Generator) -> None:
        self.p = p
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Any shape → the same."""
        return functions.dropout(x, self.p, training=self.training, generator=self.generator)
