"""How a run shows itself while it goes on: a live line on a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping
from typing import Any

from chainrule.runtime.progress import on_terminal, write_line
from chainrule.training.loop import Plan, Position

BETWEEN_PLAIN_LINES = 10.0  # seconds
BETWEEN_EVALUATIONS = 1.0  # seconds; where they come more often, some are not shown
BETWEEN_LIVE_LINES = 0.1


class Display:
    """Shows loss, metric, speed, share of the machine's peak and time left on standard error.

    Args:
        plan: the run's plan.
        peak: the machine's best rate in FLOP/s, or None where nobody measured it.
        first: where this process took the run up.
    """

    def __init__(self, plan: Plan, peak: float | None, first: Position) -> None:
        self._plan = plan
        self._peak = peak
        self._started = time.perf_counter()
        self._origin = (first.step, first.examples, first.flops)
        self._shown = 0.0
        self._speed = 0.0  # FLOP/s at the last line of figures
        self._figures: dict[str, float] = {}
        self._live = None
        if on_terminal():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()

    def figures(self, position: Position, line: Mapping[str, Any]) -> None:
        """Notes the newest figures; on a terminal every evaluation also stays as a line."""
        split = line["split"]
        self._figures |= {f"{split} {name}": value for name, value in line.items() if isinstance(value, float)}
        now = time.perf_counter()
        self._speed = (position.flops - self._origin[2]) / max(now - self._started, 1e-9)
        waited = now - self._shown
        if split == "validation" and (waited > BETWEEN_EVALUATIONS or position.step == self._plan.steps):
            self._print(self.sentence(position))

    def stepped(self, position: Position) -> None:
        """Shows the present state, as often as is useful."""
        now = time.perf_counter()
        if now - self._shown < (BETWEEN_LIVE_LINES if self._live else BETWEEN_PLAIN_LINES):
            return
        self._shown = now
        if self._live:
            self._live.update(self.sentence(position), refresh=True)
        elif position.step > self._origin[0] + 1:
            self._print(self.sentence(position))

    def sentence(self, position: Position) -> str:
        """One line: step, figures, examples a second, share of peak, time left."""
        passed = max(time.perf_counter() - self._started, 1e-9)
        steps, examples, _ = self._origin
        rate = (position.examples - examples) / passed
        parts = [f"step {position.step:,}/{self._plan.steps:,}"]
        chosen = self._plan.selection.figure if self._plan.selection else None
        parts += [
            f"{name} {value:.4g}"
            for name, value in self._figures.items()
            if name in {"train loss", "validation loss", f"validation {chosen}"}
        ]
        parts.append(f"{rate:,.0f} examples/s")
        if self._speed:
            # Faster than the peak is one that was measured while others were busy.
            share = f" ({self._speed / self._peak:.1%} of peak)" if self._peak and self._speed <= self._peak else ""
            parts.append(f"{self._speed / 1e9:,.1f} GFLOP/s{share}")
        left = passed / max(position.step - steps, 1) * (self._plan.steps - position.step)
        parts.append(f"{left // 60:.0f}:{left % 60:02.0f} left")
        return " · ".join(parts)

    def _print(self, sentence: str) -> None:
        if self._live:
            self._live.console.print(sentence, highlight=False)
        else:
            write_line(sentence)
        self._shown = time.perf_counter()

    def close(self) -> None:
        """Takes the live line away."""
        if self._live:
            self._live.stop()
