"""Optimizers that do what torch's of the same names do, number for number."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, final

import numpy as np

from chainrule.autograd.backward import Array
from chainrule.autograd.tensor import Tensor
from chainrule.errors import OptionError

State = dict[str, Any]


class Optimizer(ABC):
    """Changes parameters in place, each by its gradient and what is remembered of earlier ones.

    Args:
        params: the parameters; or groups of them, mappings with "params" and the settings that differ from those here.
        settings: of all groups that say nothing else.

    Attributes:
        param_groups: the groups with all their settings, to be changed at will, such as `group["lr"]`.
        state: what is remembered of each parameter, by its number over all groups.

    Raises:
        OptionError: there is no parameter, a setting is unknown or negative.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> None:
        given: list[Any] = list(params)
        groups = given if given and isinstance(given[0], Mapping) else [{"params": given}]
        self.param_groups = [{**settings, **group, "params": list(group["params"])} for group in groups]
        self.state: dict[int, State] = {}
        for group in self.param_groups:
            if unknown := sorted(group.keys() - settings.keys() - {"params"}):
                raise OptionError(f"there is no setting {unknown[0]!r}; known are {', '.join(settings)}.")
            if not group["params"]:
                raise OptionError("the optimizer was given no parameters; give it those of a network that has some.")
            for name in ("lr", "weight_decay"):
                if not group[name] >= 0:
                    raise OptionError(f"{name} is {group[name]} and must be at least 0.")

    @abstractmethod
    def update(self, parameter: Array, gradient: Array, state: State, group: Mapping[str, Any]) -> None:
        """Changes the values of one parameter, and its state, in place."""

    def step(self) -> None:
        """One update of all parameters that have a gradient."""
        number = 0
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.update(parameter.data, parameter.grad, self.state.setdefault(number, {}), group)
                number += 1

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """What is remembered, under "state", and the groups, with numbers for parameters, as torch's has them."""
        first = 0
        groups = []
        for group in self.param_groups:
            count = len(group["params"])
            groups.append({**group, "params": list(range(first, first + count))})
            first += count
        return {"state": {number: dict(state) for number, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state_dict` gave, of which it takes copies.

        Raises:
            OptionError: the groups have other numbers of parameters.
        """
        sizes = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in state["param_groups"]]
        if sizes != given:
            raise OptionError(f"the state is of {given} parameters and needs {sizes}; load it with the same groups.")
        for own, group in zip(self.param_groups, state["param_groups"], strict=True):
            own.update({name: setting for name, setting in group.items() if name != "params"})
        self.state = {
            int(number): {
                name: np.array(value) if isinstance(value, np.ndarray) else value for name, value in of.items()
            }
            for number, of in state["state"].items()
        }


@final
class SGD(Optimizer):
    """Stochastic gradient descent:  v ← μ v + g + λ p,  p ← p − η v;  with Nesterov's step  p ← p − η (g + λ p + μ v).

    Args:
        params: see `Optimizer`.
        lr: the learning rate η, ≥ 0.
        momentum: μ, in [0, 1); the first v is the first gradient.
        weight_decay: λ, ≥ 0.
        nesterov: look one step ahead: Sutskever et al., "On the importance of initialization and momentum", 2013.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        *,
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__(params, settings)

    def update(self, parameter: Array, gradient: Array, state: State, group: Mapping[str, Any]) -> None:
        """See the class."""
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * parameter
        if group["momentum"]:
            if "momentum_buffer" in state:
                velocity = state["momentum_buffer"]
                velocity *= group["momentum"]
                velocity += gradient
            else:
                velocity = state["momentum_buffer"] = np.array(gradient)
            gradient = gradient + group["momentum"] * velocity if group["nesterov"] else velocity
        parameter -= group["lr"] * gradient


def adam_update(parameter: Array, gradient: Array, state: State, group: Mapping[str, Any]) -> None:
    """Moves: m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  p ← p − η m̂ / (√v̂ + ε), m̂ = m / (1 − β₁ᵗ), v̂ likewise."""
    if not state:
        state.update(step=0, exp_avg=np.zeros_like(parameter), exp_avg_sq=np.zeros_like(parameter))
    state["step"] += 1
    (beta1, beta2), mean, square = group["betas"], state["exp_avg"], state["exp_avg_sq"]
    mean += (1 - beta1) * (gradient - mean)
    square *= beta2
    square += (1 - beta2) * gradient * gradient
    root = np.sqrt(square, out=np.empty_like(square))
    root /= math.sqrt(1 - beta2 ** state["step"])
    root += group["eps"]
    np.divide(mean, root, out=root)
    root *= group["lr"] / (1 - beta1 ** state["step"])
    parameter -= root


@final
class Adam(Optimizer):
    """Steps of like size for all parameters, whatever the size of their gradients.  Kingma and Ba, arXiv 1412.6980.

    Args:
        params: see `Optimizer`.
        lr: the learning rate η, ≥ 0.
        betas: β₁ and β₂, how long gradients and their squares are remembered, in [0, 1).
        eps: ε, against division by 0.
        weight_decay: λ ≥ 0; λ p is added to the gradient.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def update(self, parameter: Array, gradient: Array, state: State, group: Mapping[str, Any]) -> None:
        """See the class."""
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * parameter
        adam_update(parameter, gradient, state, group)


@final
class AdamW(Optimizer):
    """Adam whose weight decay  p ← p − η λ p  does not pass through the moments.  Loshchilov, Hutter, arXiv 1711.05101.

    Args:
        params: see `Optimizer`.
        lr: see `Adam`.
        betas: see `Adam`.
        eps: see `Adam`.
        weight_decay: λ, ≥ 0.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def update(self, parameter: Array, gradient: Array, state: State, group: Mapping[str, Any]) -> None:
        """See the class."""
        parameter *= 1 - group["lr"] * group["weight_decay"]
        adam_update(parameter, gradient, state, group)


def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scales all gradients down together so that their norm is at most `max_norm`, as torch's `clip_grad_norm_` does.

    Args:
        parameters: those without a gradient do not count.
        max_norm: infinity only measures.

    Returns:
        The norm they had.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = math.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients))
    scale = max_norm / (norm + 1e-6)
    for gradient in gradients if scale < 1 else ():
        np.multiply(gradient, scale, out=gradient)
    return norm
