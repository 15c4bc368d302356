"""The operations that layers are made of, each beside its gradients: a value y, and the rules that turn dy into dx."""

import functools
import math
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd.backward import Array, Made
from chainrule.autograd.operation import operation
from chainrule.autograd.special_functions import as_matrix, logistic, not_negative
from chainrule.autograd.windows import Size, columns, cropped, padded, pair, pooling, put_back, windows

Indices: TypeAlias = NDArray[np.integer]
Fixed: TypeAlias = NDArray[np.floating]  # an array that nothing is differentiated by
Shape: TypeAlias = tuple[int, ...]
Reduction: TypeAlias = Literal["mean", "sum", "none"]


@operation("* in", "out in", "out")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Made:
    """Affine map: y = x Wᵀ + b;  dx = dy W,  dW = dyᵀ x,  db = Σ dy."""
    y, shape = as_matrix(x) @ weight.T, x.shape
    if bias is not None:
        y += bias

    return (
        y.reshape(*shape[:-1], len(weight)),
        lambda dy: (as_matrix(dy) @ weight).reshape(shape),
        lambda dy: as_matrix(dy).T @ as_matrix(x),
        lambda dy: dy,
    )


@operation("vocabulary features")
def embedding(indices: Indices, weight: Array, padding_idx: int | None = None) -> Made:
    """Embedding: y = W[i];  dW[i] = dy added up for every use of row i, but for the row of padding."""
    rows = not_negative(np.asarray(indices))
    shape = weight.shape

    def dw(dy: Array) -> Array:
        whole = np.zeros(shape, dy.dtype)
        np.add.at(whole, rows, dy)
        if padding_idx is not None:
            whole[padding_idx] = 0
        return whole

    return weight[rows], dw


@operation()
def dropout(x: Array, p: float = 0.5, *, training: bool = True, generator: np.random.Generator) -> Made:
    """Dropout: y = x m / (1 − p), m = 0 with probability p, else 1;  dx = dy m / (1 − p).  arXiv 1207.0580."""
    if not training or p == 0:
        return x, lambda dy: dy
    if not 0 <= p <= 1:
        raise ValueError(f"the probability is {p} and must be from 0 to 1")
    scale = (generator.random(x.shape, x.dtype) >= p) / np.asarray(1 - p if p < 1 else 1, x.dtype)
    return x * scale, lambda dy: dy * scale


# Pictures: a convolution is a matrix product with what its kernel sees.


@operation("n in height width", "out in rows columns", "out")
def conv2d(x: Array, weight: Array, bias: Array | None = None, stride: Size = 1, padding: Size = 0) -> Made:
    """Convolution: y = W seen(x) + b;  dx = Wᵀ dy put back where x was seen,  dW = dy seen(x)ᵀ,  db = Σ dy."""
    steps = (weight.shape[2:], pair(stride), pair(padding))
    seen, size = columns(x, *steps)  # (n, in · rows · columns, places)
    flat = weight.reshape(len(weight), seen.shape[1])
    y = flat @ seen  # (n, out, places)
    if bias is not None:
        y += bias[:, None]
    shape, places, kernels = x.shape, y.shape, weight.shape

    return (
        y.reshape(*places[:2], *size),
        lambda dy: put_back(flat.T @ dy.reshape(places), shape, *steps),
        # What was seen is many times larger than x, and so looked up again.
        lambda dy: (dy.reshape(places) @ columns(x, *steps)[0].mT).sum(axis=0).reshape(kernels),
        lambda dy: dy.sum(axis=(0, 2, 3)),
    )


@operation("n in height width", "in out rows columns", "out")
def conv_transpose2d(
    x: Array, weight: Array, bias: Array | None = None, stride: Size = 1, padding: Size = 0, *, output_padding: Size = 0
) -> Made:
    """Transposed convolution: y = Wᵀ x put back + b;  dx = W seen(dy),  dW = x seen(dy)ᵀ,  db = Σ dy."""
    steps = kernel, step, border = (weight.shape[2:], pair(stride), pair(padding))
    extra = pair(output_padding)
    if extra[0] >= step[0] or extra[1] >= step[1]:
        raise ValueError(f"output_padding {extra} must be smaller than the stride {step}")
    size = [(x.shape[2 + i] - 1) * step[i] - 2 * border[i] + kernel[i] + extra[i] for i in (0, 1)]
    pixels = x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])  # (n, in, places)
    flat = weight.reshape(len(weight), math.prod(weight.shape[1:]))  # (in, out · rows · columns)
    y = put_back(flat.T @ pixels, (len(x), weight.shape[1], *size), *steps)
    if bias is not None:
        y += bias[:, None, None]
    shape, kernels = x.shape, weight.shape

    return (
        y,
        lambda dy: (flat @ columns(dy, *steps)[0]).reshape(shape),
        lambda dy: (pixels @ columns(dy, *steps)[0].mT).sum(axis=0).reshape(kernels),
        lambda dy: dy.sum(axis=(0, 2, 3)),
    )


@operation("n channels height width")
def max_pool2d(x: Array, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> Made:
    """Max pooling: y = the largest value seen;  dx = dy put back where it was seen, at the first of equals."""
    kernel, step, border = pooling(kernel_size, stride, padding)
    whole = padded(x, border, -np.inf)
    seen = windows(whole, kernel, step)
    y = functools.reduce(np.maximum, seen)

    def dx(dy: Array) -> Array:
        gradient, free = np.zeros_like(whole), np.ones(y.shape, np.bool)
        for values, place in zip(seen, windows(gradient, kernel, step), strict=True):
            taken = free & (values == y)
            np.add(place, dy * taken, out=place)
            free &= ~taken
        return cropped(gradient, border)

    return y, dx


@operation("n channels height width")
def avg_pool2d(x: Array, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> Made:
    """Average pooling: y = the mean of the k values seen, the border's included;  dx = dy / k put back."""
    kernel, step, border = pooling(kernel_size, stride, padding)
    shape, count = x.shape, kernel[0] * kernel[1]

    def dx(dy: Array) -> Array:
        parts = np.broadcast_to((dy / count)[:, :, None], (*dy.shape[:2], count, *dy.shape[2:]))
        return put_back(parts, shape, kernel, step, border)

    return functools.reduce(np.add, windows(padded(x, border), kernel, step)) / count, dx


# Normalisation


def normalised(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array, Array, Array]:
    """x̂ = (x − mean) / s, s = √(variance + ε), the mean and the variance over axes, which are kept."""
    average = x.mean(axis=axes, keepdims=True)
    centred = x - average
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    scale = np.sqrt(variance + eps)
    centred /= scale
    return centred, scale, average, variance


def through_normalised(g: Array, normal: Array, scale: Array, axes: tuple[int, ...]) -> Array:
    """(g − mean g − x̂ mean(g x̂)) / s over axes."""
    both = (g * normal).mean(axis=axes, keepdims=True)
    gradient: Array = (g - g.mean(axis=axes, keepdims=True) - normal * both) / scale
    return gradient


@operation("*", "*", "*")
def layer_norm(
    x: Array, normalized_shape: Shape, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> Made:
    """Layer normalisation: y = x̂ w + b;  dx = (g − mean g − x̂ mean(g x̂)) / s, g = dy w,  dw = dy x̂,  db = dy.

    x̂ = (x − mean) / s, s = √(variance + ε), means and variance over the last axes: Ba et al., arXiv 1607.06450.
    """
    axes = tuple(range(-len(normalized_shape), 0))
    shapes = {x.shape[x.ndim - len(axes) :]} | {part.shape for part in (weight, bias) if part is not None}
    if shapes != {tuple(normalized_shape)}:
        raise ValueError(f"x's last axes, the weight and the bias must be {tuple(normalized_shape)}")
    normal, scale, _, _ = normalised(x, axes, eps)
    y = normal if weight is None else normal * weight

    def dx(dy: Array) -> Array:
        return through_normalised(dy if weight is None else dy * weight, normal, scale, axes)

    return y if bias is None else y + bias, dx, lambda dy: dy * normal, lambda dy: dy


@operation("n channels *", "channels", "channels")
def batch_norm(
    x: Array,
    running_mean: Fixed | None,
    running_var: Fixed | None,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Made:
    """Batch normalisation: y = x̂ w + b;  dx = (g − mean g − x̂ mean(g x̂)) / s, g = dy w,  dw = Σ dy x̂,  db = Σ dy.

    x̂ = (x − mean) / s, s = √(variance + ε), channel by channel: Ioffe and Szegedy, arXiv 1502.03167. In training, mean
    and variance are the batch's, and the running ones move towards them in place, the variance being divided by n − 1
    there; else they are the running ones, and dx = g / s.
    """
    axes, channels = (0, *range(2, x.ndim)), (-1, *(1,) * (x.ndim - 2))
    if training:
        count = x.size // max(x.shape[1], 1)
        if count < 2:
            raise ValueError(f"training needs more than {count} value for each channel")
        normal, scale, average, variance = normalised(x, axes, eps)
        for running, new in ((running_mean, average), (running_var, variance * (count / (count - 1)))):
            if running is not None:
                running[...] += momentum * (new.ravel() - running)
    elif running_mean is None or running_var is None:
        raise ValueError("without training there must be a running mean and variance")
    else:
        scale = np.sqrt(running_var + eps).astype(x.dtype).reshape(channels)
        normal = (x - running_mean.astype(x.dtype).reshape(channels)) / scale
    gain = np.ones((), x.dtype) if weight is None else weight.reshape(channels)
    y = normal * gain if bias is None else normal * gain + bias.reshape(channels)

    def dx(dy: Array) -> Array:
        return through_normalised(dy * gain, normal, scale, axes) if training else dy * gain / scale

    return y, dx, lambda dy: (dy * normal).sum(axis=axes), lambda dy: dy.sum(axis=axes)


# Losses: the mean or the sum over all examples, or with "none" each.


@operation("*")
def cross_entropy(
    logits: Array,
    target: Indices,
    weight: Fixed | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Made:
    """Cross-entropy: y = −Σ q ln p, p = softmax(x);  dx = dy (p Σ q − q).

    The axis of classes is 1, or 0 where there is no other. q is the class's weight w at the target and 0 elsewhere;
    with smoothing ε it is (1 − ε) of that, and w ε / classes more everywhere. The mean is over the targets' weights.
    """
    rows = logits if logits.ndim < 3 else np.moveaxis(logits, 1, -1)  # (…, classes)
    shape, target = rows.shape, np.asarray(target)
    if target.shape != shape[:-1]:
        raise ValueError(f"the target's shape is {target.shape} and must be {shape[:-1]}, without the classes")
    rows, labels = as_matrix(rows), target.ravel()
    ignored = labels == ignore_index
    some_ignored = ignored.any()
    if some_ignored:
        labels = np.where(ignored, 0, labels)
    chosen = (np.arange(len(rows)), not_negative(labels))
    logs = rows - rows.max(axis=-1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))  # ln p
    own = np.ones(len(rows), rows.dtype) if weight is None else np.asarray(weight, rows.dtype)[labels]
    if some_ignored:
        own[ignored] = 0
    scale = np.divide(1, own.sum() if reduction == "mean" else 1, dtype=rows.dtype)
    whole = hard = (1 - label_smoothing) * own  # Σ q, and its part at the target
    losses = -hard * logs[chosen]
    if label_smoothing:
        soft = np.full_like(rows, label_smoothing / shape[-1]) * (1 if weight is None else weight)  # the other part
        losses -= (soft * logs).sum(axis=-1)
        whole = hard + soft.sum(axis=-1)
    if some_ignored:
        losses[ignored] = 0

    def dx(dy: Array) -> Array:
        gradient: Array = np.exp(logs) * whole[:, None] - (soft if label_smoothing else 0)
        gradient[chosen] -= hard
        gradient *= dy.reshape(-1, 1) if reduction == "none" else dy * scale
        if some_ignored:
            gradient[ignored] = 0
        return gradient if logits.ndim < 3 else np.moveaxis(gradient.reshape(shape), -1, 1)

    return losses.reshape(shape[:-1]) if reduction == "none" else losses.sum() * scale, dx


@operation("*")
def binary_cross_entropy_with_logits(logits: Array, target: Fixed, reduction: Reduction = "mean") -> Made:
    """Binary cross-entropy: y = −t ln σ(x) − (1 − t) ln(1 − σ(x));  dx = dy (σ(x) − t)."""
    target = np.asarray(target, logits.dtype)
    if target.shape != logits.shape:
        raise ValueError(f"the target's shape is {target.shape} and must be {logits.shape}")
    losses = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    share = np.divide(1, losses.size if reduction == "mean" else 1, dtype=logits.dtype)

    y = losses if reduction == "none" else losses.sum() * share
    return y, lambda dy: dy * share * (logistic(logits) - target)
