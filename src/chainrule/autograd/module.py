"""What a layer is: a function with parameters, which can be listed, saved and loaded."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from chainrule.autograd.backward import Array
from chainrule.autograd.tensor import Tensor
from chainrule.errors import OperandError


class Module:
    """A function with parameters; a layer or network derives from it and defines `forward`.

    What its attributes are tells what they are for: a `Tensor` is a parameter, a NumPy array a buffer, which is saved
    but not learned, a `Module` a part, and a list of modules as many parts. Names are torch's: "part.weight", and
    "parts.0.weight" in a list.
    """

    training = True
    """Whether it is learning: dropout and batch normalisation then do otherwise."""
    forward: Callable[..., Any]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What `forward` computes."""
        return self.forward(*inputs, **options)

    def named_parts(self) -> Iterator[tuple[str, "Module"]]:
        """The modules directly within, by name."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list):
                yield from ((f"{name}.{place}", part) for place, part in enumerate(value) if isinstance(part, Module))

    def modules(self) -> Iterator["Module"]:
        """Itself and all modules within."""
        yield self
        for _, part in self.named_parts():
            yield from part.modules()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """All parameters by name; one that has several names comes once, by the first."""
        seen = set()
        for name, value in self._named_values(""):
            if isinstance(value, Tensor) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def parameters(self) -> Iterator[Tensor]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def _named_values(self, prefix: str) -> Iterator[tuple[str, Tensor | Array]]:
        for name, value in vars(self).items():
            if isinstance(value, Tensor | np.ndarray):
                yield prefix + name, value
        for name, part in self.named_parts():
            yield from part._named_values(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, Array]:
        """The values of all parameters and buffers by name; they are the module's own, so copy what must not change."""
        return {name: value.data if isinstance(value, Tensor) else value for name, value in self._named_values("")}

    def load_state_dict(self, state: Mapping[str, Any], *, assign: bool = False) -> None:
        """Takes over values that `state_dict` gave, converted to the types here.

        Args:
            state: values by name.
            assign: parameters take the arrays themselves where their type is right, and keep nothing of their own.

        Raises:
            OperandError: a name is missing or unknown, or a shape differs; nothing was changed then.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
            raise OperandError(
                f"the state lacks {missing or 'nothing'} and has {unknown or 'nothing'} beyond what the network has; "
                "load it into the network it was saved from."
            )
        for name, values in own.items():
            if np.shape(state[name]) != values.shape:
                raise OperandError(
                    f"the state's {name!r} has the shape {np.shape(state[name])} and the network's {values.shape}; "
                    "build the network with the sizes it was saved with."
                )
        for name, value in self._named_values(""):
            if assign and isinstance(value, Tensor):
                value.data = np.asarray(state[name], value.dtype)
            else:
                own[name][...] = state[name]

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's
        """Sets `training` of itself and all within."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """The same as `train(False)`."""
        return self.train(mode=False)

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for parameter in self.parameters():
            parameter.grad = None


class Lambda(Module):
    """A plain function, such as `relu`, as a module: so that it has a name in the network it is part of."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        """What the function makes."""
        return self.function(x)


class Sequential(Module):
    """Modules and plain functions such as `relu`, one after the other; their names are "0", "1" and so on."""

    def __init__(self, *steps: Callable[[Any], Any]) -> None:
        self._steps = tuple(step if isinstance(step, Module) else Lambda(step) for step in steps)
        for place, step in enumerate(self._steps):
            setattr(self, str(place), step)

    def forward(self, x: Any) -> Any:
        """What the last step makes."""
        for step in self._steps:
            x = step(x)
        return x
