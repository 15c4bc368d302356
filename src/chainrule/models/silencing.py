"""Dropout whose draws cost little on a processor."""

import torch
from torch import Tensor, nn

CHANCES = 256  # that a random byte has


class Silencing(nn.Module):
    """Sets a share of the values to 0 in training, and enlarges the others so that their mean stays.

    Srivastava et al., "Dropout", JMLR 15, 2014. On a CPU torch draws a number for every value, one after another, on
    one core; here one draw of 64 bits serves eight values, so that the share is rounded to a 256th.

    Args:
        share: of the values, in [0, 1).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.silenced = min(round(share * CHANCES), CHANCES - 1)

    def forward(self, values: Tensor) -> Tensor:
        """The values, some of them silenced where the module is set to training."""
        if not self.training or not self.silenced:
            return values
        if values.device.type != "cpu":
            return nn.functional.dropout(values, self.silenced / CHANCES)
        drawn = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None)  # all 64 bits
        random_bytes = drawn.view(torch.uint8)[: values.numel()].view(values.shape)
        kept = (random_bytes >= self.silenced).to(values.dtype)
        return values * kept.mul_(CHANCES / (CHANCES - self.silenced))
