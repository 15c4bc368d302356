"""The cases of the operations that layers are made of, and of the losses, added to those in `cases`."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import torch
from hypothesis import strategies as st
from torch.nn import functional

from chainrule.autograd import OPERATIONS
from tests.autograd.cases import CASES, POSITIVE_SIZES, SIZES, both, case, pairs, shapes

__all__ = ["CASES"]

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
