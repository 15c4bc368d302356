"""One case for each operation of the table: inputs as hypothesis draws them, and torch's function of the same."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import torch
from hypothesis import strategies as st
from torch.nn import functional

from chainrule.autograd import OPERATIONS

SIZES = st.sampled_from((0, 1, 2, 3, 5))
POSITIVE_SIZES = st.sampled_from((1, 2, 3, 5))
LAYOUTS = st.sampled_from(("plain", "plain", "transposed", "strided", "reversed", "read only"))


@dataclass(frozen=True)
class Case:
    """How an operation is called here and in torch."""

    inputs: Callable[[st.DrawFn], tuple[list[Any], dict[str, Any]]]
    """draw → (shapes of the arrays to differentiate by, options)."""
    theirs: Callable[..., torch.Tensor]
    """(torch's tensors, options) → torch's result."""
    ours: Callable[..., Any]
    """The same for the operation."""
    change: Callable[[Any], Any]
    """Takes the values drawn to where the function is defined."""


CASES: dict[str, Case] = {}


def case(name, theirs, *, ours=None, change=lambda values: values):
    """Decorator of a function that draws shapes and options."""

    def enter(inputs):
        CASES[name] = Case(inputs, theirs, ours or OPERATIONS[name], change)
        return inputs

    return enter


def shapes(draw, *, least=0, most=3, sizes=SIZES):
    return tuple(draw(st.lists(sizes, min_size=least, max_size=most)))


def laid_out(array, layout):
    """The same values as another view of memory."""
    if array.ndim == 0:
        return np.array(array)
    if layout == "transposed":
        return np.array(array.T, order="C").T
    if layout == "strided":
        wide = np.full([2 * size + 1 for size in array.shape], np.nan, array.dtype)
        view = wide[tuple(slice(0, 2 * size, 2) for size in array.shape)]
        view[...] = array
        return view
    if layout == "reversed":
        turned = tuple(slice(None, None, -1) for _ in array.shape)
        return np.array(array[turned])[turned]
    if layout == "read only":
        return np.broadcast_to(array, array.shape)
    return array


def pairs(draw, strategy):
    """A number, or two for rows and columns."""
    first, second = draw(strategy), draw(strategy)
    return draw(st.sampled_from((first, (first, second))))


def both(value):
    return (value, value) if isinstance(value, int) else value


def axis(draw, dimensions):
    return draw(st.integers(-dimensions, dimensions - 1))


# Of two arrays


def two(draw):
    return list(
        draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=5, max_dims=3)).input_shapes
    ), {}


for _name in ("add", "subtract", "multiply", "divide", "maximum"):
    case(_name, getattr(torch, _name))(two)


@case(
    "where",
    lambda a, b, condition: torch.where(torch.from_numpy(condition), a, b),
    ours=lambda a, b, condition: OPERATIONS["where"](condition, a, b),
)
def _where(draw):
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=5, max_dims=3)).input_shapes
    return list(drawn[:2]), {"condition": draw(hnp.arrays(np.bool, drawn[2]))}


# Of one array


def one(draw):
    return [shapes(draw)], {}


for _name in ("negative", "exp", "absolute", "tanh", "sigmoid", "relu"):
    case(_name, getattr(torch, _name))(one)

case("log", torch.log, change=np.abs)(one)


@case("pow", torch.pow, change=lambda values: np.abs(values) + 0.1)
def _pow(draw):
    return [shapes(draw)], {"exponent": draw(st.sampled_from((0, 1, 2, 3, -1, 0.5, -2.5)))}


@case("leaky_relu", functional.leaky_relu)
def _leaky_relu(draw):
    return [shapes(draw)], draw(st.sampled_from(({}, {"negative_slope": 0.2})))


@case("gelu", functional.gelu)
def _gelu(draw):
    return [shapes(draw)], draw(st.sampled_from(({}, {"approximate": "none"}, {"approximate": "tanh"})))


@case("to", lambda x, dtype: x.to(torch.float64 if dtype == np.float64 else torch.float32))
def _to(draw):
    return [shapes(draw)], {"dtype": draw(st.sampled_from((np.float32, np.float64)))}


# Over axes


def over_axes(draw, *, sizes=SIZES, none_in_torch=True):
    shape = shapes(draw, least=1, sizes=sizes)
    some = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=3, unique=True))
    some = [place - len(shape) if draw(st.booleans()) else place for place in some]
    options = {"dim": draw(st.sampled_from((None, some[0], tuple(some)))), "keepdim": draw(st.booleans())}
    return [shape], draw(st.sampled_from((options, {"dim": options["dim"]}, {})))


case("sum", lambda x, dim=None, keepdim=False: x.sum(dim=dim, keepdim=keepdim))(over_axes)
case("mean", lambda x, dim=None, keepdim=False: x.mean(dim=dim, keepdim=keepdim))(over_axes)


def _everything(x, dim):
    return tuple(range(x.ndim)) if dim is None else dim


@case("amax", lambda x, dim=None, keepdim=False: torch.amax(x, dim=_everything(x, dim), keepdim=keepdim))
def _amax(draw):
    return over_axes(draw, sizes=POSITIVE_SIZES)


case("logsumexp", lambda x, dim=None, keepdim=False: torch.logsumexp(x, dim=_everything(x, dim), keepdim=keepdim))(
    over_axes
)


@case("softmax", torch.softmax)
def _softmax(draw):
    shape = shapes(draw, least=1)
    return [shape], {"dim": axis(draw, len(shape))}


case("log_softmax", torch.log_softmax)(_softmax)


# Of shape and place


@case("reshape", torch.reshape)
def _reshape(draw):
    shape = shapes(draw)
    return [shape], {
        "shape": draw(st.sampled_from(((math.prod(shape),), (1, *shape, 1), shape[::-1], (1, math.prod(shape)))))
    }


@case("permute", torch.permute)
def _permute(draw):
    shape = shapes(draw)
    order = draw(st.permutations(range(len(shape))))
    return [shape], {"dims": tuple(place - len(shape) if draw(st.booleans()) else place for place in order)}


@case("broadcast_to", lambda x, shape: x.expand(shape))
def _broadcast_to(draw):
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=5, max_dims=3))
    return [drawn.input_shapes[0]], {"shape": drawn.result_shape}


@case("concatenate", lambda *tensors, dim=0: torch.cat(tensors, dim))
def _concatenate(draw):
    shape = shapes(draw, least=1)
    dim = axis(draw, len(shape))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        part = list(shape)
        part[dim] = draw(SIZES)
        parts.append(tuple(part))
    return parts, {"dim": dim}


def _taken(x, key):
    # torch has no negative steps; the places that NumPy would take it takes as well.
    places = np.arange(x.numel()).reshape(x.shape)[key]
    return x.reshape(-1)[torch.from_numpy(np.array(places))]


@case("index", _taken)
def _index(draw):
    shape = shapes(draw, least=1)
    keys = [hnp.basic_indices(shape, allow_newaxis=True), hnp.arrays(np.bool, shape)]
    if math.prod(shape):
        keys += [
            hnp.integer_array_indices(shape),
            st.lists(st.integers(-shape[0], shape[0] - 1), min_size=1, max_size=4),
        ]
    return [shape], {"key": draw(st.one_of(keys))}


@case("gather", lambda x, dim, index: torch.gather(x, dim, torch.from_numpy(index)))
def _gather(draw):
    shape = shapes(draw, least=1, sizes=POSITIVE_SIZES)
    dim = axis(draw, len(shape))
    taken = [draw(st.integers(0, size)) for size in shape]
    taken[dim] = draw(SIZES)
    return [shape], {"dim": dim, "index": draw(hnp.arrays(np.int64, taken, elements=st.integers(0, shape[dim] - 1)))}


# Products


@case("matmul", torch.matmul)
def _matmul(draw):
    n, k, m = (draw(SIZES) for _ in range(3))
    batches = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=2)).input_shapes
    a = draw(st.sampled_from(((k,), (n, k), (*batches[0], n, k))))
    b = draw(st.sampled_from(((k,), (k, m), (*batches[1], k, m))))
    return [a, b], {}


@case("linear", functional.linear)
def _linear(draw):
    features, out = draw(SIZES), draw(SIZES)
    given = [(*shapes(draw, most=2), features), (out, features), (out,)]
    return given[: draw(st.integers(2, 3))], {}
