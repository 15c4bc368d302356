"""Dropout that draws sixteen bits a value, four values at once: torch's own is a good part of a step on a CPU."""

import torch
from torch import Tensor, nn

VALUES = 1 << 16  # of sixteen bits
DRAWN_AT_ONCE = 4  # such numbers in one draw
WHOLE = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes a value


def dropout(values: Tensor, share: float) -> Tensor:
    """The values, each silenced by chance, and the others scaled so that their mean stays.

    Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", arXiv 1207.0580.

    Args:
        values: of any shape; floating-point numbers of 2, 4 or 8 bytes.
        share: that is silenced, in [0, 1); rounded to a sixteen-bit fraction below 1.
    """
    if not share:
        return values
    draws = torch.empty(-(-values.numel() // DRAWN_AT_ONCE), dtype=torch.int64, device=values.device)
    numbers = draws.random_(-(1 << 63), None).view(torch.int16)[: values.numel()].view(values.shape)
    # 1 / (1 - share) or 0 by its bits: whole numbers of that size are compared and multiplied many at a time.
    pattern = int((torch.ones((), dtype=values.dtype) / (1 - share)).view(WHOLE[values.itemsize]).item())
    kept = torch.empty(values.shape, dtype=WHOLE[values.itemsize], device=values.device)
    torch.ge(numbers, min(round(share * VALUES), VALUES - 1) - VALUES // 2, out=kept)
    return values * kept.mul_(pattern).view(values.dtype)


class Dropout(nn.Module):
    """`dropout` in training alone.

    Args:
        share: that is silenced, in [0, 1).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        """The values, some of them silenced in training."""
        return dropout(values, self.share) if self.training else values
