"""One step down a loss, and the state of an optimizer, which learners of all kinds share."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.errors import ResumeError

NORM_MARGIN = 1e-6  # torch's, added to the norm before it divides


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives every weight this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def clip_gradient(parameters: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Scales the gradient down to this norm where it is longer; returns the norm it had.

    As torch's `clip_grad_norm_`, bit for bit; but that multiplies a shorter one by 1, which reads and writes all of it.
    On a GPU the multiplication takes less time than waiting for the norm would.
    """
    parameters = list(parameters)
    norm = nn.utils.get_total_norm([each.grad for each in parameters if each.grad is not None])
    if norm.device.type != "cpu" or not largest / (norm + NORM_MARGIN) >= 1.0:  # what is not finite is multiplied
        nn.utils.clip_grads_with_norm_(parameters, largest, norm)
    return norm


def descend(network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, clip_norm: float) -> Tensor:
    """One update of the weights; returns the norm that the gradient had before it was clipped."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = clip_gradient(network.parameters(), clip_norm)
    optimizer.step()
    return norm


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The moments of each weight."""
    return {str(number): dict(state) for number, state in optimizer.state_dict()["state"].items()}


def load_optimizer_state(optimizer: torch.optim.Optimizer, kept: Mapping[str, Any]) -> None:
    """Goes back to moments that were kept.

    Raises:
        ResumeError: they are of other weights; torch would read and write beyond these.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    moments = {int(number): moment for number, moment in kept.items()}
    for number, moment in moments.items():
        shapes = {value.shape for value in moment.values() if value.ndim}
        if number >= len(weights) or shapes - {weights[number].shape}:
            raise ResumeError("the checkpoint's moments are of other weights than these; start the run anew.")
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
