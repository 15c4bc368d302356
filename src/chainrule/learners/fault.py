"""The first update that was not finite, kept on the device until somebody asks."""

from collections.abc import Mapping

import torch
from torch import Tensor


class FirstFault:
    """Remembers the figures of the first update among which one was not finite.

    Args:
        device: where the figures are.
        names: of the figures.
    """

    def __init__(self, device: torch.device, *names: str) -> None:
        self.names = names
        self._seen = torch.tensor([-1.0] + [0.0] * len(names), device=device)

    def note(self, index: int, *figures: Tensor) -> None:
        """Looks at update number `index`; reads nothing from the device, which would make a GPU wait at every step."""
        now = torch.stack([torch.full_like(figures[0], index), *figures])
        first = ~torch.isfinite(now).all() & (self._seen[0] < 0)
        self._seen = torch.where(first, now, self._seen)

    def read(self) -> tuple[int, Mapping[str, float]] | None:
        """The update's number and its figures; None while all were finite."""
        step, *figures = self._seen.tolist()
        return None if step < 0 else (int(step), dict(zip(self.names, figures, strict=True)))
