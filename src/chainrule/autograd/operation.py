"""The operation: a function of arrays and its gradients, made a function of tensors that records itself."""

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper
from operator import ne
from typing import Any

import numpy as np

from chainrule.autograd.backward import Array, Made, Node, is_recording
from chainrule.autograd.table import OPERATIONS
from chainrule.autograd.tensor import FLOAT32, FLOAT64, Tensor
from chainrule.errors import OperandError


class Operation:
    """A function of tensors that knows its gradients; the decorator `operation` makes it of a rule.

    Args:
        rule: function of arrays that returns its value and, for each of them, the rule of its gradient. Which of the
            arguments are arrays to differentiate by, their annotation `Array` says; the others are options.
        axes: for each array the names of its axes: axes of one name have one size, and a * at an end is any others.
        promotes: float32 and float64 may be mixed, where torch lets them.
    """

    def __init__(self, rule: Callable[..., Made], *, axes: Sequence[list[str]], promotes: bool) -> None:
        update_wrapper(self, rule)
        self.name = rule.__name__
        self.rule = rule
        self.axes = [([name for name in names if name != "*"], names[0] == "*", names[-1] == "*") for names in axes]
        self.promotes = promotes
        self.signature = inspect.signature(rule)
        parameters = list(self.signature.parameters.values())
        self.places = [place for place, p in enumerate(parameters) if p.annotation in (Array, Array | None)]
        self.names = {parameters[place].name for place in self.places}
        self.takes_many = any(parameters[place].kind is inspect.Parameter.VAR_POSITIONAL for place in self.places)

    def __call__(self, *arguments: Any, **options: Any) -> "Tensor":
        """Computes the value and, where a gradient can be asked for, records how.

        Raises:
            OperandError: shapes, types or values that the operation cannot take.
        """
        if not self.names.isdisjoint(options):  # an array given by its name
            bound = self.signature.bind(*arguments, **options)
            bound.apply_defaults()
            arguments, options = bound.args, bound.kwargs
        given = list(arguments)
        places = range(len(given)) if self.takes_many else [place for place in self.places if place < len(given)]
        inputs, arrays = self._of_one_type([given[place] for place in places])
        if self.axes:
            self._check_axes(arrays)
        for place, array in zip(places, arrays, strict=True):
            given[place] = array
        try:
            value, *rules = self.rule(*given, **options)
        except (ValueError, IndexError) as error:
            reason = str(error).rstrip(" .")
            raise OperandError(f"{self.name} was given {_shapes(arrays)} and cannot take that: {reason}.") from error
        made = Tensor.__new__(Tensor)
        made.data = value if type(value) is np.ndarray else np.asarray(value)
        made.grad = made.node = None
        used = [rule if x is not None and x.requires_grad else None for x, rule in zip(inputs, rules, strict=False)]
        made.requires_grad = is_recording() and used.count(None) < len(used)
        if made.requires_grad:
            made.node = Node(self, [x if x is None else x.node or x for x in inputs], used, made.data)
        return made

    def _of_one_type(self, operands: list[Any]) -> "tuple[list[Tensor | None], list[Array | None]]":
        """The operands as tensors, and their values in the one type to compute in, which is torch's choice.

        Numbers, and arrays of integers or truth values, take the tensors' type; a tensor without axes gives way to
        one that has some. None, an operand left out, stays None.
        """
        if {type(x) for x in operands} == {Tensor}:
            arrays = [x.data for x in operands]
            if len({x.dtype for x in arrays}) == 1:
                return operands, arrays
        tensors = [Tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in operands]
        arrays = [x.data for x in tensors if isinstance(x, Tensor)]
        dtypes = {x.dtype for x in arrays}
        if len(dtypes) > 1:
            if not self.promotes:
                raise OperandError(f"{self.name} was given float32 and float64 and needs one type; convert with .to().")
            dtypes = {x.dtype for x in arrays if x.ndim} or dtypes
        dtype = FLOAT64 if FLOAT64 in dtypes else FLOAT32
        unified = [x if x is None or isinstance(x, Tensor) else Tensor(x, dtype=dtype) for x in tensors]
        return unified, [x if x is None else x.data.astype(dtype, copy=False) for x in unified]

    def _check_axes(self, arrays: list[Array | None]) -> None:
        sizes: dict[str, int] = {}
        for (names, others_first, others_last), array in zip(self.axes, arrays, strict=False):
            shape = () if array is None else array.shape
            if others_first:
                shape = shape[max(len(shape) - len(names), 0) :]
            elif others_last:
                shape = shape[: len(names)]
            if array is not None and (
                len(shape) != len(names) or any(map(ne, map(sizes.setdefault, names, shape), shape))
            ):
                axes = [("*, " * first + ", ".join(names) + ", *" * last) for names, first, last in self.axes]
                wanted = " and ".join(f"({names})" for names in axes[: len(arrays)])
                raise OperandError(f"{self.name} was given {_shapes(arrays)} and needs {wanted}.")


def _shapes(arrays: Sequence[Array | None]) -> str:
    return " and ".join(str(array.shape) for array in arrays if array is not None)


def operation(*axes: str, promotes: bool = False) -> Callable[[Callable[..., Made]], Operation]:
    """Decorator: makes an `Operation` of a rule and enters it into the table."""

    def enter(rule: Callable[..., Made]) -> Operation:
        made = Operation(rule, axes=[names.split() for names in axes], promotes=promotes)
        OPERATIONS[made.name] = made
        return made

    return enter


elementwise = operation(promotes=True)
