"""Backpropagation: the chain rule, applied to a graph of operations from its end to its beginning.

Every operation gives, beside its value y, one *rule* for each input x: the function that turns dy, the gradient of
the loss by y, into dx, its share of the gradient by x. What several operations took gets the sum of their shares:

    ∂L/∂x = Σ over the operations that took x:  rule(∂L/∂y)

That is all of it; `chain_rule` below is those few lines. Rumelhart, Hinton and Williams, "Learning representations
by back-propagating errors", Nature 323, 1986.
"""

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from chainrule.errors import GraphError

if TYPE_CHECKING:
    import weakref

    from chainrule.autograd.operation import Operation
    from chainrule.autograd.tensor import Tensor

Array: TypeAlias = NDArray[Any]
Rule: TypeAlias = Callable[[Array], Array]
"""dy → dx. It returns a new array, a view of dy or dy itself, and changes no array that it did not make."""
Made: TypeAlias = tuple[Array, *tuple[Rule, ...]]
"""What an operation makes: its value and, for each input, the rule of its gradient."""

KEPT_SIZE = 12  # values of so small an array stay with the graph, to be drawn

_count = itertools.count()


class Node:
    """One operation that was done: what backpropagation has to know of it, which is not its value.

    Attributes:
        operation: what was done.
        inputs: where each came from: the node that made it, or the tensor itself where none did; None for one that
            was left out.
        rules: one for each input; None for an input that needs no gradient. None in all once they were freed.
        shape: of the value.
        dtype: of the value.
        number: later nodes have higher ones.
        value: a copy of the value where that is small, else None.
        listener: the tensor that wants to know the gradient by this value, if it still lives.
    """

    __slots__ = ("dtype", "inputs", "listener", "number", "operation", "rules", "shape", "value")

    def __init__(
        self, operation: "Operation", inputs: Sequence["Source | None"], rules: Sequence[Rule | None], value: Array
    ) -> None:
        self.operation = operation
        self.inputs = inputs
        self.rules: Sequence[Rule | None] | None = rules
        self.shape = value.shape
        self.dtype = value.dtype
        self.value = value.copy() if value.size <= KEPT_SIZE else None
        self.number = next(_count)
        self.listener: weakref.ref[Tensor] | None = None


Source: TypeAlias = "Node | Tensor"


def chain_rule(end: Node, gradient: Array, *, keep: bool) -> Iterator[tuple[Source, Array]]:
    """The gradient by everything that `end` was computed from: first by the nodes, then by the leaves.

    Args:
        end: where the loss was computed.
        gradient: of the loss by that node's value.
        keep: keep the rules, and with them the arrays they need, for another time.

    Raises:
        GraphError: the rules were freed before.
    """
    waiting: dict[Source, Array] = {end: gradient}
    for node in newest_first(end):
        dy = waiting.pop(node)
        yield node, dy
        for source, rule in zip(node.inputs, node.rules or (), strict=True):
            if source is not None and rule is not None:
                share = rule(dy)
                # A view cannot be taken for an array of one's own, to be added to in place.
                dx = fit(dy.view() if share is dy else share, source)
                waiting[source] = waiting[source] + dx if source in waiting else dx
        if not keep:
            node.rules = None
    yield from waiting.items()


def newest_first(end: Node) -> list[Node]:
    """All nodes whose gradients are needed for those of the leaves, each before what it was computed from."""
    found, waiting = {end}, [end]
    while waiting:
        node = waiting.pop()
        if node.rules is None:
            raise GraphError(
                "the graph was freed by a backward before, with the values that its gradients need; call that one "
                "with retain_graph=True."
            )
        for source, rule in zip(node.inputs, node.rules, strict=True):
            if rule is not None and isinstance(source, Node) and source not in found:
                found.add(source)
                waiting.append(source)
    return sorted(found, key=operator.attrgetter("number"), reverse=True)


def fit(gradient: Array, source: Source) -> Array:
    """A gradient in its input's type, summed over the axes along which the input was repeated.

    What broadcasting repeats went into several values, whose gradients add up. This is the one place where
    broadcasting is undone: a rule may return the gradient of the broadcast input.
    """
    shape = source.shape
    if gradient.shape != shape:
        new = gradient.ndim - len(shape)
        repeated = [new + axis for axis, size in enumerate(shape) if size == 1]
        gradient = gradient.sum(axis=(*range(new), *repeated)).reshape(shape)
    return gradient.astype(source.dtype, copy=False)


_recording: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _recording.get


class no_grad(ContextDecorator):  # noqa: N801 - torch's name, used as a function
    """Nothing is recorded in this block, or in the function it decorates: no graph, no gradients, no memory."""

    def __init__(self) -> None:
        self._before: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._before.append(_recording.set(False))

    def __exit__(self, *_: object) -> None:
        _recording.reset(self._before.pop())
