"""What a result ought to be, as data: light enough to stand in a recipe."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class Band:
    """What several runs of one setting came to, differing in the seed alone.

    Raises:
        OptionError: fewer than two seeds, or a deviation that is negative or not finite.
    """

    setting: Mapping[str, Any]
    """The data set, and each option that differs from the recipe's own."""
    metric: str
    mean: float
    standard_deviation: float
    """Of single runs, with n - 1 in the denominator."""
    seeds: int
    """How many runs."""
    machine: str
    seconds: float
    """Mean wall time of the training."""
    command: str
    """What measures the band again."""
    baseline: tuple[str, float] | None = None
    """Name and value of the strongest baseline on the same test examples, whatever the seed."""

    def __post_init__(self) -> None:
        """Refuses what allows no prediction."""
        if self.seeds < 2:
            raise OptionError(f"a band of {self.seeds} seed(s) has no spread; measure at least 2 seeds.")
        if not (math.isfinite(self.mean) and 0 <= self.standard_deviation < math.inf):
            raise OptionError(
                f"a band with mean {self.mean} and standard deviation {self.standard_deviation} predicts nothing; "
                "give finite numbers, the deviation not negative."
            )
