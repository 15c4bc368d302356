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


# Layers


@case(
    "embedding",
    lambda weight, indices, padding_idx=None: functional.embedding(torch.from_numpy(indices), weight, padding_idx),
    ours=lambda weight, indices, padding_idx=None: OPERATIONS["embedding"](indices, weight, padding_idx),
)
def _embedding(draw):
    rows = draw(POSITIVE_SIZES)
    indices = draw(hnp.arrays(np.int64, shapes(draw), elements=st.integers(0, rows - 1)))
    return [(rows, draw(SIZES))], {"indices": indices, "padding_idx": draw(st.sampled_from((None, 0, rows - 1, -1)))}


def _dropout_ours(x, p, training, seed):
    return OPERATIONS["dropout"](x, p, training=training, generator=np.random.default_rng(seed))


def _dropout_theirs(x, p, training, seed):
    dtype = np.float64 if x.dtype == torch.float64 else np.float32
    kept = torch.tensor(np.random.default_rng(seed).random(tuple(x.shape), dtype) >= p)
    return x * kept / (1 - p) if training and p < 1 else x * (not training)


@case("dropout", _dropout_theirs, ours=_dropout_ours)
def _dropout(draw):
    drawn = st.fixed_dictionaries(
        {"p": st.sampled_from((0.0, 0.3, 0.9, 1.0)), "training": st.booleans(), "seed": st.integers(0, 99)}
    )
    return [shapes(draw)], draw(drawn)


@case("conv2d", functional.conv2d)
def _conv2d(draw):
    stride, padding = (pairs(draw, st.integers(low, 2)) for low in (1, 0))
    kernel = [draw(st.integers(1, 3)) for _ in range(2)]
    size = [max(k - 2 * p, 1) + draw(st.integers(0, 3)) for k, p in zip(kernel, both(padding), strict=True)]
    channels, out = draw(POSITIVE_SIZES), draw(POSITIVE_SIZES)
    given = [(draw(st.integers(0, 3)), channels, *size), (out, channels, *kernel), (out,)]
    return given[: draw(st.integers(2, 3))], {"stride": stride, "padding": padding}


@case("conv_transpose2d", functional.conv_transpose2d)
def _conv_transpose2d(draw):
    stride = pairs(draw, st.integers(1, 3))
    kernel = [draw(st.integers(1, 3)) for _ in range(2)]
    padding = tuple(draw(st.integers(0, (k - 1) // 2)) for k in kernel)
    extra = tuple(draw(st.integers(0, s - 1)) for s in both(stride))
    channels, out = draw(POSITIVE_SIZES), draw(POSITIVE_SIZES)
    size = [draw(st.integers(1, 4)) for _ in range(2)]
    given = [(draw(st.integers(0, 3)), channels, *size), (channels, out, *kernel), (out,)]
    return given[: draw(st.integers(2, 3))], {"stride": stride, "padding": padding, "output_padding": extra}


def pooled(draw):
    kernel = pairs(draw, st.integers(1, 3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in both(kernel))
    size = [k + draw(st.integers(0, 4)) for k in both(kernel)]
    given = [(draw(st.integers(0, 3)), draw(POSITIVE_SIZES), *size)]
    options = {"kernel_size": kernel, "padding": padding}
    return given, draw(st.sampled_from((options, {**options, "stride": pairs(draw, st.integers(1, 3))})))


case("max_pool2d", functional.max_pool2d)(pooled)
case("avg_pool2d", functional.avg_pool2d)(pooled)


@case(
    "layer_norm",
    lambda x, weight=None, bias=None, *, normalized_shape, eps=1e-5: functional.layer_norm(
        x, normalized_shape, weight, bias, eps
    ),
    ours=lambda x, weight=None, bias=None, **options: OPERATIONS["layer_norm"](x, weight=weight, bias=bias, **options),
)
def _layer_norm(draw):
    last = shapes(draw, least=1, most=2, sizes=POSITIVE_SIZES)
    given = [(*shapes(draw, most=2), *last), last, last]
    options = {"normalized_shape": last, **draw(st.sampled_from(({}, {"eps": 0.1})))}
    return given[: draw(st.integers(1, 3))], options


def _running(array):
    return None if array is None else torch.from_numpy(array.copy())


@case(
    "batch_norm",
    lambda x, weight=None, bias=None, *, running_mean, running_var, **options: functional.batch_norm(
        x,
        *(None if r is None else torch.tensor(r, dtype=x.dtype) for r in (running_mean, running_var)),
        weight,
        bias,
        **options,
    ),
    ours=lambda x, weight=None, bias=None, *, running_mean, running_var, **options: OPERATIONS["batch_norm"](
        x, *(None if r is None else np.array(r, x.dtype) for r in (running_mean, running_var)), weight, bias, **options
    ),
)
def _batch_norm(draw):
    channels = draw(POSITIVE_SIZES)
    training = draw(st.booleans())
    places = shapes(draw, most=2, sizes=POSITIVE_SIZES if training else SIZES)
    # In training a channel must have more than one value.
    examples = SIZES
    if training:
        examples = POSITIVE_SIZES if math.prod(places) > 1 else st.sampled_from((2, 3, 5))
    given = [(draw(examples), channels, *places), (channels,), (channels,)]
    running = {"running_mean": [0.1 * c for c in range(channels)], "running_var": [0.5 + c for c in range(channels)]}
    if training and draw(st.booleans()):
        running = dict.fromkeys(running)
    return given[: draw(st.integers(1, 3))], {**running, "training": training, "momentum": 0.3, "eps": 1e-3}


# Losses


def _cross_entropy_theirs(logits, target, weight=None, **options):
    weight = None if weight is None else torch.tensor(weight, dtype=logits.dtype)
    return functional.cross_entropy(logits, torch.from_numpy(target), weight, **options)


@case("cross_entropy", _cross_entropy_theirs)
def _cross_entropy(draw):
    classes = draw(POSITIVE_SIZES)
    others = shapes(draw, most=3)
    shape = (*others[:1], classes, *others[1:])
    target = draw(hnp.arrays(np.int64, others, elements=st.sampled_from((*range(classes), -7))))
    options = {
        "ignore_index": -7,
        "reduction": draw(st.sampled_from(("mean", "sum", "none"))),
        "label_smoothing": draw(st.sampled_from((0.0, 0.2))),
    }
    if draw(st.booleans()):
        options["weight"] = np.arange(1.0, classes + 1)
    return [shape], {"target": target, **options}


@case(
    "binary_cross_entropy_with_logits",
    lambda logits, target, **options: functional.binary_cross_entropy_with_logits(
        logits, torch.tensor(target, dtype=logits.dtype), **options
    ),
)
def _binary_cross_entropy(draw):
    target = draw(hnp.arrays(np.float64, shapes(draw), elements=st.sampled_from((0.0, 1.0, 0.25))))
    return [target.shape], {"target": target, "reduction": draw(st.sampled_from(("mean", "sum", "none")))}
