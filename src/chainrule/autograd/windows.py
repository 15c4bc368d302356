"""What a kernel sees as it moves over pictures: views of the pictures, and the same as columns of a matrix."""

from typing import TypeAlias

import numpy as np

from chainrule.autograd.backward import Array

Pair: TypeAlias = tuple[int, int]
Size: TypeAlias = int | Pair


def pair(size: Size) -> Pair:
    """(rows, columns), given as both or as one number for both."""
    return (size, size) if isinstance(size, int) else size


def pooling(kernel: Size, stride: Size | None, padding: Size) -> tuple[Pair, Pair, Pair]:
    """Kernel, stride, which by itself is the kernel, and padding.

    Raises:
        ValueError: the padding is larger than half the kernel, so that a place would see nothing else.
    """
    steps = (pair(kernel), pair(kernel if stride is None else stride), pair(padding))
    if 2 * steps[2][0] > steps[0][0] or 2 * steps[2][1] > steps[0][1]:
        raise ValueError(f"padding {steps[2]} must be at most half the kernel, {steps[0]}")
    return steps


def padded(x: Array, padding: Pair, value: float = 0) -> Array:
    """Pictures, (n, channels, height, width), with a border of so many rows and columns on each side."""
    if padding == (0, 0):
        return x
    whole = np.full((*x.shape[:2], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]), value, x.dtype)
    cropped(whole, padding)[...] = x
    return whole


def cropped(x: Array, padding: Pair) -> Array:
    """Pictures without their border."""
    return x[:, :, padding[0] : x.shape[2] - padding[0], padding[1] : x.shape[3] - padding[1]]


def windows(x: Array, kernel: Pair, stride: Pair) -> list[Array]:
    """For each place in the kernel, row by row, what that place sees: views, (n, channels, height', width').

    Raises:
        ValueError: the kernel is larger than the pictures, or a stride is not positive.
    """
    spare = (x.shape[2] - kernel[0], x.shape[3] - kernel[1])
    if min(spare) < 0 or min(stride) < 1:
        raise ValueError(
            f"a kernel of {kernel[0]} by {kernel[1]}, moved by {stride[0]} and {stride[1]}, fits nowhere on pictures "
            f"of {x.shape[2]} by {x.shape[3]} with their padding"
        )
    return [
        x[:, :, row : row + spare[0] + 1 : stride[0], column : column + spare[1] + 1 : stride[1]]
        for row in range(kernel[0])
        for column in range(kernel[1])
    ]


def columns(x: Array, kernel: Pair, stride: Pair, padding: Pair) -> tuple[Array, Pair]:
    """What the whole kernel sees at each of its places, (n, channels · kernel, places), and (height', width')."""
    seen = np.stack(windows(padded(x, padding), kernel, stride), axis=2)  # (n, channels, kernel, height', width')
    n, channels, size, height, width = seen.shape
    return seen.reshape(n, channels * size, height * width), (height, width)


def put_back(seen: Array, shape: tuple[int, ...], kernel: Pair, stride: Pair, padding: Pair) -> Array:
    """The transpose of `columns`, as a linear map: every value added up where it was seen, in pictures of `shape`."""
    n, channels, height, width = shape
    whole = np.zeros((n, channels, height + 2 * padding[0], width + 2 * padding[1]), seen.dtype)
    views = windows(whole, kernel, stride)
    parts = seen.reshape(n, channels, len(views), *views[0].shape[2:])
    for place, view in enumerate(views):
        np.add(view, parts[:, :, place], out=view)
    return cropped(whole, padding)
