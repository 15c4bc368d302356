"""The learning rate as a function of the step alone."""

import math
from typing import Literal

Decay = Literal["constant", "linear", "cosine"]


def learning_rate_factor(step: int, *, steps: int, warmup: float, decay: Decay) -> float:
    """What the peak learning rate is multiplied by in update number `step`.

    Rises linearly over the first `warmup` of all steps, then stays, falls linearly to 0, or along half a cosine
    (Loshchilov and Hutter, arXiv 1608.03983, without restarts).

    Args:
        step: number of the update, from 0.
        steps: updates in all.
        warmup: share of the steps, in [0, 1).
        decay: how it falls afterwards.

    Returns:
        A factor in (0, 1].
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    if decay == "constant":
        return 1.0
    left = (steps - step) / (steps - rising)
    return left if decay == "linear" else 0.5 - 0.5 * math.cos(math.pi * left)
