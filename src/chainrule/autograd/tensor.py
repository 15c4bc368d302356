"""The tensor: an array that remembers how it was computed, and can so be differentiated by."""

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from chainrule.autograd.backward import Array, Node, chain_rule
from chainrule.autograd.table import OPERATIONS
from chainrule.errors import GraphError, OperandError

if TYPE_CHECKING:
    from chainrule.autograd.drawing import Drawing

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
Operand: TypeAlias = "Tensor | Array | float"


def _method(name: str) -> Callable[..., "Tensor"]:
    def method(self: "Tensor", *arguments: Any, **options: Any) -> "Tensor":
        return OPERATIONS[name](self, *arguments, **options)

    method.__doc__ = f"The operation `{name}` of this tensor."
    return method


def _turned(name: str) -> Callable[..., "Tensor"]:
    return lambda self, other: OPERATIONS[name](other, self)


def _comparison(compare: Callable[..., Array]) -> Callable[..., Array]:
    return lambda self, other: compare(self.data, other.data if isinstance(other, Tensor) else other)


def _flat(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes


class Tensor:
    """An array that remembers how it was computed.

    Args:
        data: array of float32 or float64, used as it is; or numbers, which become float32.
        requires_grad: `backward` is to find the gradient by it.
        dtype: the type to convert to; None keeps the array's.

    Attributes:
        data: the values. What changes them in place must come after the backward pass that needs them.
        grad: the gradient by it, of its shape and type, once `backward` has found one; further ones are added.
        node: how it was computed; None for a leaf, which was not computed, or not recorded.

    Raises:
        OperandError: neither float32 nor float64. Integers are for indices, and stay NumPy arrays.
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "requires_grad")
    __array_ufunc__ = None  # NumPy's arrays leave `array + tensor` to the tensor

    def __init__(self, data: Any, *, requires_grad: bool = False, dtype: DTypeLike | None = None) -> None:
        if isinstance(data, Tensor):
            data = data.data
        self.data: Array = np.asarray(data, FLOAT32 if dtype is None and not isinstance(data, np.ndarray) else dtype)
        if self.data.dtype not in (FLOAT32, FLOAT64):
            raise OperandError(
                f"a tensor was given values of {self.data.dtype} and holds float32 or float64; convert them, or give "
                "integers as a NumPy array where indices are wanted."
            )
        self.grad: Array | None = None
        self.node: Node | None = None
        self.requires_grad = requires_grad

    def backward(self, gradient: "Operand | None" = None, *, retain_graph: bool = False) -> None:
        """Adds the gradient by each leaf that requires one to its `.grad`, and frees the graph.

        Args:
            gradient: by this tensor, of its shape; 1 where it is one number, the loss.
            retain_graph: keep what another backward pass through the same graph needs.

        Raises:
            GraphError: nothing was recorded, or the graph was freed by a call before.
            OperandError: several values and no gradient, or one of another shape.
        """
        if not self.requires_grad:
            raise GraphError(
                "backward was called on a tensor that nothing was recorded of; compute it from tensors with "
                "requires_grad=True, and not under no_grad."
            )
        if gradient is None and self.data.size != 1:
            raise OperandError(
                f"backward was called on {self.shape} values and needs a single one; take their sum or mean, or give "
                "the gradient by each."
            )
        seed = np.ones_like(self.data) if gradient is None else Tensor(gradient, dtype=self.dtype).data.copy()
        if seed.shape != self.shape:
            raise OperandError(f"backward was given a gradient of {seed.shape} and needs {self.shape}, its tensor's.")
        if self.node is None:
            self._add(seed)
            return
        for source, found in chain_rule(self.node, seed, keep=retain_graph):
            tensor = source if isinstance(source, Tensor) else source.listener() if source.listener else None
            if tensor is not None:
                tensor._add(found)

    def _add(self, gradient: Array) -> None:
        if self.grad is None:
            # Adding in place, later, must not reach another gradient of which this one is a view.
            self.grad = gradient if gradient.base is None and gradient.flags.writeable else np.array(gradient)
        else:
            self.grad += gradient

    def retain_grad(self) -> None:
        """Has `backward` keep the gradient by this tensor too, though it was computed.

        Raises:
            GraphError: it requires no gradient.
        """
        if not self.requires_grad:
            raise GraphError("retain_grad was called on a tensor that requires no gradient, and so gets none.")
        if self.node is not None:
            self.node.listener = weakref.ref(self)

    def detach(self) -> "Tensor":
        """The same values, computed from nothing."""
        return Tensor(self.data)

    def numpy(self) -> Array:
        """The values, for NumPy.

        Raises:
            GraphError: it requires a gradient, which would get lost unseen.
        """
        if self.requires_grad:
            raise GraphError("NumPy was given a tensor that requires a gradient, and passes none on; use .detach().")
        return self.data

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:  # noqa: FBT001 - NumPy's
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def graph(self, **names: "Tensor") -> "Drawing":
        """How it was computed, as a picture with shapes, values and gradients; `names` are those of leaves."""
        from chainrule.autograd.drawing import draw

        return draw(self, names)

    def explain(self, leaf: "Tensor", **names: "Tensor") -> str:
        """The chain rule from here to a leaf, step by step and with its numbers; `names` are those of leaves."""
        from chainrule.autograd.explaining import explain

        return explain(self, leaf, names)

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)
    T = property(lambda self: self.permute(*reversed(range(self.ndim))))

    def item(self) -> float:
        """Its one value as a number."""
        return float(self.data.item())

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> "Iterator[Tensor]":
        return (self[row] for row in range(len(self)))

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        return bool(self.data)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="tensor(", precision=4)
        dtype = "" if self.dtype == FLOAT32 else ", dtype=float64"
        return f"tensor({values}{dtype}{', requires_grad=True' if self.requires_grad else ''})"

    def reshape(self, *shape: Any) -> "Tensor":
        """The same values in another shape, given as numbers or a tuple; one may be -1."""
        return OPERATIONS["reshape"](self, _flat(shape))

    def permute(self, *dims: Any) -> "Tensor":
        """The axes in another order, given as numbers or a tuple."""
        return OPERATIONS["permute"](self, _flat(dims))

    def transpose(self, first: int, second: int) -> "Tensor":
        """Two axes exchanged."""
        order = np.arange(self.ndim)
        order[[first, second]] = order[[second, first]]
        return self.permute(*order.tolist())

    def flatten(self, start: int = 0) -> "Tensor":
        """All axes from `start` on as one."""
        return self.reshape(*self.shape[:start], int(np.prod(self.shape[start:])))

    def unsqueeze(self, dim: int) -> "Tensor":
        """A new axis of size 1, with the number `dim`."""
        return self.reshape(np.expand_dims(self.data, dim).shape)

    def squeeze(self, dim: int) -> "Tensor":
        """The axis `dim` left out, if its size is 1."""
        return self.reshape(np.squeeze(self.data, dim).shape) if self.shape[dim] == 1 else self

    to, index, gather, broadcast_to = map(_method, ("to", "index", "gather", "broadcast_to"))
    exp, log, tanh, sigmoid, relu, abs = map(_method, ("exp", "log", "tanh", "sigmoid", "relu", "absolute"))
    sum, mean, amax, logsumexp = map(_method, ("sum", "mean", "amax", "logsumexp"))
    softmax, log_softmax, matmul = map(_method, ("softmax", "log_softmax", "matmul"))

    __add__ = __radd__ = _method("add")
    __sub__, __rsub__ = _method("subtract"), _turned("subtract")
    __mul__ = __rmul__ = _method("multiply")
    __truediv__, __rtruediv__ = _method("divide"), _turned("divide")
    __matmul__, __rmatmul__ = _method("matmul"), _turned("matmul")
    __neg__, __pow__, __getitem__ = _method("negative"), _method("pow"), _method("index")
    __lt__, __le__, __gt__, __ge__ = map(_comparison, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = map(_comparison, (np.equal, np.not_equal))  # type: ignore[assignment]  # as torch's, by value
    __hash__ = object.__hash__
