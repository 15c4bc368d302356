"""The first update that was not finite, kept on the device until somebody asks."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from chainrule.learners.contract import Fault


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

    def read(self, learning_rate: Callable[[int], float]) -> Fault | None:
        """The update, its figures and its learning rate; None while all were finite."""
        step, *figures = self._seen.tolist()
        if step < 0:
            return None
        seen = dict(zip(self.names, figures, strict=True))
        return Fault(int(step), {**seen, "learning_rate": learning_rate(int(step))})


def fault_of_weights(step: int, *networks: nn.Module) -> Fault | None:
    """A finite gradient may still have thrown the weights out of all bounds: the fault of the last update then."""
    for network in networks:
        norm = nn.utils.get_total_norm(list(network.parameters()))
        if not bool(torch.isfinite(norm)):
            return Fault(step, {"weights' norm": float(norm)})
    return None
