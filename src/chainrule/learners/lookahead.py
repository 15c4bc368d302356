"""Lookahead: weights that follow the learner's slowly, and that it goes back to now and then."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

EVERY = 5  # steps
SLOWEST = 0.95**EVERY  # share of the slow weights that is kept, at the end


class Lookahead:
    """Every few steps the slow weights move towards the fast ones, and the fast ones go back to them.

        s ← d s + (1 − d) w;   w ← s,   d = 0.95⁵ (t / T)³ after update t of T, and 1 after the last

    Zhang et al., arXiv 1907.08610; the schedule is cifar10-airbench's (arXiv 2404.00498): at first nearly nothing is
    kept, at the end it is the mean of many steps. Running statistics follow as weights do.

    Args:
        model: whose floating-point state is averaged, in place.
        steps: T.
    """

    def __init__(self, model: nn.Module, *, steps: int) -> None:
        self.steps = steps
        self._fast = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
        self.slow = {name: value.clone() for name, value in self._fast.items()}

    @torch.no_grad()
    def after(self, index: int) -> None:
        """To be called after update number `index`, from 0."""
        done = index + 1
        is_last = done == self.steps
        if is_last or done % EVERY == 0:
            kept = 1.0 if is_last else SLOWEST * min(1.0, done / self.steps) ** 3
            names = list(self.slow)
            slow, fast = [self.slow[name] for name in names], [self._fast[name] for name in names]
            torch._foreach_lerp_(slow, fast, 1 - kept)
            torch._foreach_copy_(fast, slow)

    def state_dict(self) -> Mapping[str, Tensor]:
        """The slow weights."""
        return self.slow

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes back to a state."""
        for name, value in self.slow.items():
            value.copy_(state[name])
