"""Every operation on arrays, each beside its gradients: a value y, and for each input the rule that turns dy into dx.

The operations that layers are made of follow in `layer_operations`; all of them are in one table, `OPERATIONS`. A rule
keeps the arrays it names until backpropagation has been there, so none names more than it needs.
"""

import math
from collections.abc import Sequence
from types import EllipsisType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.autograd.backward import Array, Made, Rule
from chainrule.autograd.operation import elementwise, operation
from chainrule.autograd.special_functions import as_matrix, logistic, normal_distribution, not_negative
from chainrule.autograd.table import OPERATIONS
from chainrule.autograd.tensor import Tensor

Dims: TypeAlias = int | tuple[int, ...] | None
SIMPLE = int | np.integer | slice | EllipsisType | None  # an index of these takes no place twice

# Of two arrays, whose shapes broadcast: `backward.fit` sums the gradients over the axes that were repeated.


@elementwise
def add(a: Array, b: Array) -> Made:
    """Sum: y = a + b;  da = dy,  db = dy."""
    return a + b, lambda dy: dy, lambda dy: dy


@elementwise
def subtract(a: Array, b: Array) -> Made:
    """Difference: y = a − b;  da = dy,  db = −dy."""
    return a - b, lambda dy: dy, lambda dy: -dy


@elementwise
def multiply(a: Array, b: Array) -> Made:
    """Product: y = a b;  da = dy b,  db = dy a."""
    return a * b, lambda dy: dy * b, lambda dy: dy * a


@elementwise
def divide(a: Array, b: Array) -> Made:
    """Quotient: y = a / b;  da = dy / b,  db = −dy a / b²."""
    return a / b, lambda dy: dy / b, lambda dy: -dy * a / (b * b)


@elementwise
def maximum(a: Array, b: Array) -> Made:
    """Maximum: y = max(a, b);  da = dy where a > b, dy / 2 where a = b, else 0;  db likewise."""
    y = np.maximum(a, b)
    return y, lambda dy: dy * ((a == y) - 0.5 * (a == b)), lambda dy: dy * ((b == y) - 0.5 * (a == b))


@elementwise
def where(condition: Any, a: Array, b: Array) -> Made:
    """Choice: y = a where the condition holds, else b;  da = dy where it holds, db = dy where it does not."""
    return np.where(condition, a, b), lambda dy: np.where(condition, dy, 0), lambda dy: np.where(condition, 0, dy)


# Of one array, value by value.


@operation()
def negative(x: Array) -> Made:
    """Opposite: y = −x;  dx = −dy."""
    return -x, lambda dy: -dy


@operation()
def pow(x: Array, exponent: float) -> Made:  # noqa: A001 - torch's name
    """Power: y = xⁿ, n a number;  dx = dy n xⁿ⁻¹."""
    return x**exponent, lambda dy: dy * (exponent * x ** (exponent - 1)) if exponent else np.zeros_like(dy)


@operation()
def exp(x: Array) -> Made:
    """Exponential: y = eˣ;  dx = dy y."""
    y = np.exp(x)
    return y, lambda dy: dy * y


@operation()
def log(x: Array) -> Made:
    """Logarithm: y = ln x;  dx = dy / x."""
    return np.log(x), lambda dy: dy / x


@operation()
def absolute(x: Array) -> Made:
    """Magnitude: y = |x|;  dx = dy sign(x)."""
    return np.abs(x), lambda dy: dy * np.sign(x)


@operation()
def tanh(x: Array) -> Made:
    """Hyperbolic tangent: y = tanh x;  dx = dy (1 − y²)."""
    y = np.tanh(x)
    return y, lambda dy: dy * (1 - y * y)


@operation()
def sigmoid(x: Array) -> Made:
    """Logistic function: y = 1 / (1 + e⁻ˣ);  dx = dy y (1 − y)."""
    y = logistic(x)
    return y, lambda dy: dy * y * (1 - y)


@operation()
def relu(x: Array) -> Made:
    """Rectified linear unit: y = max(x, 0);  dx = dy where x > 0, else 0."""
    y = np.maximum(x, 0)
    return y, lambda dy: dy * (y > 0)


@operation()
def leaky_relu(x: Array, negative_slope: float = 0.01) -> Made:
    """Leaky rectified linear unit: y = x where x > 0, else s x;  dx = dy where x > 0, else s dy."""
    return np.where(x > 0, x, negative_slope * x), lambda dy: np.where(x > 0, dy, negative_slope * dy)


@operation()
def gelu(x: Array, approximate: Literal["none", "tanh"] = "none") -> Made:
    """Gaussian error linear unit: y = x Φ(x), Φ the normal distribution;  dx = dy (Φ(x) + x Φ′(x)).

    With "tanh", Φ(x) = (1 + tanh u) / 2 and u = √(2/π) (x + 0.044715 x³): Hendrycks and Gimpel, arXiv 1606.08415.
    """
    if approximate == "none":
        share = normal_distribution(x)
        return x * share, lambda dy: dy * (share + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))
    scale = math.sqrt(2 / math.pi)
    t = np.tanh(scale * (x + 0.044715 * x * x * x))
    return x * (1 + t) / 2, lambda dy: dy * (1 + t + x * (1 - t * t) * scale * (1 + 0.134145 * x * x)) / 2


# Over axes: `dim` is one, several, or None for all.


@operation()
def sum(x: Array, dim: Dims = None, *, keepdim: bool = False) -> Made:  # noqa: A001 - torch's
    """Total: y = Σ x;  dx = dy."""
    shape, y = x.shape, x.sum(axis=dim, keepdims=True)
    kept = y.shape
    return y if keepdim else y.squeeze(dim), lambda dy: np.broadcast_to(dy.reshape(kept), shape)


@operation()
def mean(x: Array, dim: Dims = None, *, keepdim: bool = False) -> Made:
    """Mean: y = Σ x / n;  dx = dy / n."""
    shape, total = x.shape, x.sum(axis=dim, keepdims=True)
    kept, count = total.shape, x.size // max(total.size, 1)
    y = total / np.asarray(count, x.dtype)
    return y if keepdim else y.squeeze(dim), lambda dy: np.broadcast_to((dy / count).reshape(kept), shape)


@operation()
def amax(x: Array, dim: Dims = None, *, keepdim: bool = False) -> Made:
    """Largest: y = max x;  dx = dy / k at each of the k largest, else 0."""
    y = x.max(axis=dim, keepdims=True)

    def dx(dy: Array) -> Array:
        largest: Array = x == y
        return np.where(largest, dy.reshape(y.shape) / largest.sum(axis=dim, keepdims=True), 0)

    return y if keepdim else y.squeeze(dim), dx


@operation()
def logsumexp(x: Array, dim: Dims = None, *, keepdim: bool = False) -> Made:
    """Log-sum-exp: y = ln Σ eˣ;  dx = dy eˣ⁻ʸ."""
    peak = x.max(axis=dim, keepdims=True, initial=-np.inf)
    peak = np.where(np.isfinite(peak), peak, 0)
    y = peak + np.log(np.exp(x - peak).sum(axis=dim, keepdims=True))
    return y if keepdim else y.squeeze(dim), lambda dy: dy.reshape(y.shape) * np.exp(x - y)


@operation()
def softmax(x: Array, dim: int) -> Made:
    """Softmax: y = eˣ / Σ eˣ;  dx = y (dy − Σ dy y)."""
    y = np.exp(x - x.max(axis=dim, keepdims=True, initial=-np.inf))
    y /= y.sum(axis=dim, keepdims=True)
    return y, lambda dy: y * (dy - (dy * y).sum(axis=dim, keepdims=True))


@operation()
def log_softmax(x: Array, dim: int) -> Made:
    """Log-softmax: y = x − ln Σ eˣ;  dx = dy − eʸ Σ dy."""
    y = x - x.max(axis=dim, keepdims=True, initial=-np.inf)
    y -= np.log(np.exp(y).sum(axis=dim, keepdims=True))
    return y, lambda dy: dy - np.exp(y) * dy.sum(axis=dim, keepdims=True)


# Of shape and place: values stay as they are, and gradients go back to where the values came from.


@operation()
def reshape(x: Array, shape: tuple[int, ...]) -> Made:
    """Reshaping: y = x in another shape;  dx = dy in the old one."""
    old = x.shape
    return x.reshape(shape), lambda dy: dy.reshape(old)


@operation()
def permute(x: Array, dims: tuple[int, ...]) -> Made:
    """Permutation: y = x with its axes in another order;  dx = dy with them put back."""
    back = np.argsort(np.arange(x.ndim)[list(dims)])
    return x.transpose(dims), lambda dy: dy.transpose(back)


@operation()
def broadcast_to(x: Array, shape: tuple[int, ...]) -> Made:
    """Repetition: y = x repeated along new axes and those of size 1;  dx = dy summed over them."""
    return np.broadcast_to(x, shape), lambda dy: dy


@operation(promotes=True)
def concatenate(*arrays: Array, dim: int = 0) -> Made:
    """Concatenation: y = one input behind the other along an axis;  dx = the part of dy that is its."""
    ends = np.cumsum([array.shape[dim] for array in arrays[:-1]])

    def part(place: int) -> Rule:
        return lambda dy: np.split(dy, ends, axis=dim)[place]

    return np.concatenate(arrays, axis=dim), *map(part, range(len(arrays)))


@operation()
def to(x: Array, dtype: DTypeLike) -> Made:
    """Conversion: y = x in another type;  dx = dy in the old one."""
    return x.astype(dtype, copy=False), lambda dy: dy


@operation()
def index(x: Array, key: Any) -> Made:
    """Selection: y = x[key];  dx[key] = dy, added up where a place was taken more than once;  0 elsewhere."""
    shape = x.shape

    def dx(dy: Array) -> Array:
        whole = np.zeros(shape, dy.dtype)
        if all(isinstance(part, SIMPLE) for part in (key if isinstance(key, tuple) else (key,))):
            whole[key] = dy
        else:
            np.add.at(whole, key, dy)
        return whole

    return x[key], dx


@operation()
def gather(x: Array, dim: int, index: NDArray[np.integer]) -> Made:
    """Gathering: y = x at the places that `index` names along one axis;  dx = dy added up at those places."""
    index = np.asarray(index)
    if index.ndim != x.ndim:
        raise ValueError(f"the index has {index.ndim} axes and needs {x.ndim}")
    places: list[Array] = list(np.indices(index.shape, sparse=True))
    places[dim] = not_negative(index)
    return OPERATIONS["index"].rule(x, tuple(places))


# Products.


@operation()
def matmul(a: Array, b: Array) -> Made:
    """Matrix product: y = a b, of matrices or stacks of them;  da = dy bᵀ,  db = aᵀ dy."""
    y, rows, columns = a @ b, np.atleast_2d(a), b if b.ndim > 1 else b[:, None]  # a vector is a row a, a column b
    whole = (*y.shape[: y.ndim - (a.ndim > 1) - (b.ndim > 1)], rows.shape[-2], columns.shape[-1])  # that of y then

    def db(dy: Array) -> Array:
        if b.ndim <= 2:
            product: Array = as_matrix(rows).T @ as_matrix(dy.reshape(whole))
            return product.reshape(b.shape)
        stack: Array = rows.mT @ dy.reshape(whole)
        return stack

    return y, lambda dy: dy.reshape(whole) @ columns.mT, db


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape, one behind the other along a new axis."""
    return concatenate(*(tensor.unsqueeze(dim) for tensor in tensors), dim=dim)
