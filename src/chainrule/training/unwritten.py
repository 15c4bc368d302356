"""What the processes of a run write that are not its first: nothing."""

from collections.abc import Mapping
from typing import Any


class NoJournal:
    """Takes lines of figures and leaves none."""

    def append(self, line: Mapping[str, Any]) -> None:
        """Nothing is added."""

    def sync(self) -> None:
        """Nothing is made durable."""


class NoCheckpoints:
    """Takes checkpoints and keeps none."""

    def write(self, step: int, tree: Mapping[str, Any], *, best: int | None) -> None:
        """Nothing is written."""

    def wait(self) -> None:
        """Nothing is waited for."""
