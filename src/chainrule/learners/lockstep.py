"""Two networks of the same layers and weights in step, one on our autograd and one in torch: where do they part?"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import chainrule.autograd as ag
from chainrule.errors import OperandError
from chainrule.learners.recording import Call, another, gradient_of, recorded, recorded_torch, values_of

Array = NDArray[Any]
Pair = tuple[Array | None, Array | None]
"""Ours and torch's."""
WHOLE, LOSS = "network", "loss"
LEAST = 1e-3  # of the network's largest value: a layer of smaller ones is measured by that


@dataclass(frozen=True)
class Difference:
    """How far our values are from torch's."""

    absolute: float
    """The largest |ours − torch's|; infinite where shapes differ or one is no number."""
    relative: float
    """That, as a share of torch's largest value, or of a thousandth of the network's largest of the kind if more."""
    agrees: bool
    """Whether the share is within the tolerance."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One layer of both networks."""

    layer: str
    """Its name; "network" for the whole and "loss" for what follows it."""
    kind: str
    """torch's name of its class."""
    shape: tuple[int, ...]
    """Of its output, in torch."""
    value: Difference | None
    """Of its output; None where it was not called by itself."""
    gradient: Difference | None = None
    """Of the gradient by its output; None where there is none."""
    passed_back: Difference | None = None
    """Of its share of the gradient by its first input."""
    parameters: Mapping[str, Difference] = field(default_factory=dict)
    """Of the gradients by its parameters."""

    @property
    def at_fault(self) -> str | None:
        """What is wrong first on the way back, though the gradient that came was right: "input" or a parameter."""
        if self.gradient is not None and not self.gradient.agrees:
            return None
        found = {"input": self.passed_back, **self.parameters}
        return next((name for name, one in found.items() if one is not None and not one.agrees), None)

    @property
    def agrees(self) -> bool:
        """Whether everything does."""
        found = (self.value, self.gradient, self.passed_back, *self.parameters.values())
        return all(one is None or one.agrees for one in found)


@dataclass(frozen=True)
class Fault:
    """The first divergence: forwards in values, else backwards in gradients."""

    layer: str
    what: str
    """"value"; "input" or "parts" for the gradient that the layer passes back to either, a parameter's name for that
    by it; "gradient" where what is wrong is none of the layers but between this one and the next."""
    sentence: str


def first_fault(rows: Sequence[Row]) -> Fault | None:
    """Where the networks part first; None where they do not.

    A wrong gradient is a layer's own fault where that by its output, which it was given, was right.
    """
    for row in rows:
        if row.value is not None and not row.value.agrees:
            told = f"the first difference is in what {_told(row)} computes, {_size(row.value)}."
            return Fault(row.layer, "value", told)
    wrong = next((row for row in reversed(rows) if not row.agrees), None)
    if wrong is None:
        return None
    if wrong.at_fault is None:
        layer, what, named, found = _between(wrong, rows)
    else:
        # What is wrong in a part is wrong in the whole.
        while parts := [row for row in rows if row.at_fault and _is_part(row, wrong)]:
            wrong = parts[-1]
        layer, what = wrong.layer, str(wrong.at_fault)
        if what == "input":
            named, found = f"the one that {_told(wrong)} passes back to its input", wrong.passed_back
        else:
            named, found = f"that of {what} in {_told(wrong)}", wrong.parameters[what]
    return Fault(layer, what, f"all values agree, and the first wrong gradient is {named}, {_size(found)}.")


def _between(wrong: Row, rows: Sequence[Row]) -> tuple[str, str, str, Difference | None]:
    """What passes a wrong gradient to a layer, where no other layer does: the whole that it is part of, if compared."""
    wholes = [row for row in rows if _is_part(wrong, row) and row.agrees]
    if wholes:
        whole = max(wholes, key=lambda row: -1 if row.layer == WHOLE else len(row.layer))
        return whole.layer, "parts", f"the one that {_told(whole)} passes back to {_told(wrong)}", wrong.gradient
    return wrong.layer, "gradient", f"the one that comes to {_told(wrong)} from what follows it", wrong.gradient


def _told(row: Row) -> str:
    return row.layer + (f" ({row.kind})" if row.kind else "")


def _size(found: Difference | None) -> str:
    if found is None or not math.isfinite(found.absolute):
        return "of another shape or no number"
    return f"off by {found.absolute:.2g}, {found.relative:.2g} of the largest"


def _is_part(row: Row, whole: Row) -> bool:
    return row is not whole and (
        row.layer.startswith(f"{whole.layer}.") or (whole.layer == WHOLE and row.layer != LOSS)
    )


def in_lockstep(
    own: ag.Module,
    other: nn.Module,
    inputs: Sequence[Array],
    own_loss: Callable[[Any], ag.Tensor],
    other_loss: Callable[[Any], torch.Tensor],
    *,
    tolerance: float,
) -> list[Row]:
    """Gives ours torch's weights, runs both forward and backward, and compares them layer by layer.

    Layers and parameters are matched by their names; a layer that one of the networks lacks is not compared.

    Args:
        own: ours.
        other: torch's, of the same parameters' names and the same type; in the same mode, and without anything random.
        inputs: what both are called with: arrays of numbers, and of integers, which stay NumPy's for ours.
        own_loss: our outputs → one number.
        other_loss: the same for torch's.
        tolerance: see `Difference`.

    Returns:
        A row a layer, in the order of computing, a part before the whole; the loss comes last.

    Raises:
        OperandError: the networks have other parameters, or call a layer not equally often.
    """
    own.load_state_dict({name: values.detach().numpy() for name, values in other.state_dict().items()})
    own.zero_grad()
    other.zero_grad()
    dtype = next(iter(own.parameters())).dtype
    given = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    with recorded(own) as ours, recorded_torch(other) as theirs:
        taken = another(own(*(ag.Tensor(x) if x.dtype.kind == "f" else x for x in given)))
        expected = another(other(*map(torch.from_numpy, given)))
    losses = own_loss(taken), other_loss(expected)
    losses[0].backward()
    losses[1].backward()  # type: ignore[no-untyped-call]
    met = _meetings(ours.calls, theirs.calls)
    weights = dict(own.named_parameters())
    for name, parameter in other.named_parameters():
        layer = _owner(name, met)
        met.setdefault(layer, Meeting()).parameters[name.removeprefix(f"{layer}.")] = (
            gradient_of(weights[name]),
            gradient_of(parameter),
        )
    met[LOSS] = Meeting(
        values=[(values_of(losses[0]), values_of(losses[1]))], passed=[(gradient_of(taken), gradient_of(expected))]
    )
    kinds = {name: type(layer).__name__ for name, layer in other.named_modules()}
    return _rows(met, kinds, tolerance)


@dataclass(frozen=True)
class Meeting:
    """What is compared of one layer; of values and gradients a pair a call."""

    values: list[Pair] = field(default_factory=list)
    gradients: list[Pair] = field(default_factory=list)
    passed: list[Pair] = field(default_factory=list)
    parameters: dict[str, Pair] = field(default_factory=dict)


def _meetings(ours: Mapping[str, list[Call]], theirs: Mapping[str, list[Call]]) -> dict[str, Meeting]:
    """The layers that both networks called, in torch's order; what only passes on what a part made is left out."""
    met: dict[str, Meeting] = {}
    seen: set[int] = set()
    for name, calls in theirs.items():
        if name not in ours or seen.issuperset(id(call.given) for call in calls):
            continue
        seen |= {id(call.given) for call in calls}
        if len(calls) != len(ours[name]):
            raise OperandError(
                f"{name or WHOLE} was called {len(ours[name])} times and {len(calls)} times in torch; "
                "build both networks to call their layers equally often."
            )
        pairs = list(zip(ours[name], calls, strict=True))
        met[name] = Meeting(
            values=[(values_of(own.given), values_of(other.given)) for own, other in pairs],
            gradients=[(gradient_of(own.given), gradient_of(other.given)) for own, other in pairs],
            passed=[(gradient_of(own.taken), gradient_of(other.taken)) for own, other in pairs],
        )
    return met


def _owner(parameter: str, layers: Mapping[str, Any]) -> str:
    """The innermost layer that is compared of those that hold a parameter."""
    holders = [layer for layer in layers if parameter.startswith(f"{layer}.")]
    return max(holders, key=len, default="")


def _rows(met: Mapping[str, Meeting], kinds: Mapping[str, str], tolerance: float) -> list[Row]:
    def largest(pairs: Iterable[Pair]) -> float:
        return max((float(np.abs(y).max(initial=0)) for _, y in pairs if y is not None), default=0.0)

    scales = {
        "values": largest(pair for one in met.values() for pair in one.values),
        "gradients": largest(pair for one in met.values() for pair in (*one.gradients, *one.passed)),
        "parameters": largest(pair for one in met.values() for pair in one.parameters.values()),
    }

    def measured(pairs: list[Pair], kind: str) -> Difference | None:
        pairs = [pair for pair in pairs if pair[0] is not None or pair[1] is not None]
        if not pairs:
            return None
        absolute = max(_distance(*pair) for pair in pairs)
        relative = absolute / (max(largest(pairs), LEAST * scales[kind]) or 1.0)
        return Difference(absolute, relative, relative <= tolerance)

    return [
        Row(
            layer=name or WHOLE,
            kind=kinds.get(name, ""),
            shape=() if not one.values or one.values[0][1] is None else one.values[0][1].shape,
            value=measured(one.values, "values"),
            gradient=measured(one.gradients, "gradients"),
            passed_back=measured(one.passed, "gradients"),
            parameters={
                parameter: found
                for parameter, pair in one.parameters.items()
                if (found := measured([pair], "parameters")) is not None
            },
        )
        for name, one in met.items()
    ]


def _distance(own: Array | None, other: Array | None) -> float:
    if own is None or other is None or own.shape != other.shape:
        return math.inf
    distance = float(np.abs(own - other).max(initial=0))
    return math.inf if math.isnan(distance) else distance
