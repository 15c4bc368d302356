"""One step down a loss, and the state of an optimizer, which learners of all kinds share."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives every weight this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, clip_norm: float) -> Tensor:
    """One update of the weights; returns the norm that the gradient had before it was clipped."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
    optimizer.step()
    return norm


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The moments of each weight."""
    return {str(number): dict(state) for number, state in optimizer.state_dict()["state"].items()}


def load_optimizer_state(optimizer: torch.optim.Optimizer, kept: Mapping[str, Any]) -> None:
    """Goes back to moments that were kept."""
    moments = {int(number): moment for number, moment in kept.items()}
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
