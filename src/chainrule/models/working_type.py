"""The type that products are computed in."""

import torch
from torch import Tensor


def working_type(values: Tensor) -> torch.dtype:
    """The type in which these values are multiplied: their own, or autocast's, which leaves float64 as it is."""
    kind = values.device.type
    cast = torch.is_autocast_enabled(kind) and values.dtype != torch.float64
    return torch.get_autocast_dtype(kind) if cast else values.dtype


def in_working_type(values: Tensor) -> Tensor:
    """The values in that type: what comes of them stays in it, as sums do, which autocast leaves to the operands."""
    return values.to(working_type(values))
