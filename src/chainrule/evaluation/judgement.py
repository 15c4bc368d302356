"""What a finished model is worth: the outcome of judging it, whatever taught it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainrule.errors import NotFiniteError, OptionError
from chainrule.evaluation.wording import figure_name, figure_text, interval_text
from chainrule.metrics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNLIMITED: Interval = (-math.inf, math.inf)
UNSEEN = "test examples"


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a plainer method does on the same test examples."""

    name: str
    value: float
    """In the judgement's metric."""
    interval: Interval | None = None
    difference: Interval | None = None
    """The interval of the model's value minus this one, from a paired bootstrap."""
    figures: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A test example the model is badly wrong about."""

    index: int
    """The example's place in the test split, from 0."""
    input: str
    """Its text, or a short description."""
    truth: str | float
    predicted: str | float
    probability: float | None = None
    """What the model gave the predicted class; None where it gives no probabilities."""


@dataclass(frozen=True)
class Plot:
    """A picture for the run folder."""

    file_name: str
    draw: "Callable[[], Figure]"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The value of one metric on examples the model never saw, and everything to judge it by.

    Raises:
        NotFiniteError: a value, limit or figure is infinite or not a number.
        OptionError: there is no baseline.
    """

    metric: str
    """One word, such as "accuracy"; with underscores where it is more."""
    higher_is_better: bool
    value: float
    interval: Interval
    """95 %, over test examples or episodes."""
    examples: int
    """How many the interval is over."""
    unit: str = UNSEEN
    """What is counted: "test examples", "episodes" …"""
    baselines: tuple[Score, ...]
    """At least one; the strongest is the one to beat."""
    limits: Interval = UNLIMITED
    """The lowest and the highest value the metric can take."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Further metrics on the same examples."""
    tables: Mapping[str, Any] = field(default_factory=dict)
    """JSON by key: `per_class`, `confusion` …"""
    mistakes: tuple[Mistake, ...] = ()
    """The worst first."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further JSON keys of the report."""
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences on what limits the figures."""
    data: Mapping[str, Any] | None = None
    """`Dataset.summary()` of what was judged on; None where that is no data set."""

    def __post_init__(self) -> None:
        """Refuses what a report could not state."""
        if not self.baselines:
            raise OptionError(f"the {self.metric} was judged without a baseline; give at least one to compare with.")
        for name, value in {self.metric: self.value, "interval": sum(self.interval), **self.figures}.items():
            if not math.isfinite(value):
                raise NotFiniteError(
                    f"the model's {figure_name(name)} is {value}, so there is nothing to report; "
                    "train it again with a lower learning rate."
                )

    @property
    def baseline(self) -> Score:
        """The strongest of the baselines."""
        strongest = max if self.higher_is_better else min
        return strongest(self.baselines, key=lambda score: score.value)


def against_baseline(judgement: Judgement) -> str:
    """Whether the model beats its baseline, in one sentence."""
    baseline = judgement.baseline
    gain = judgement.value - baseline.value
    stated = f"the baseline, {baseline.name}, at {figure_text(baseline.value)}"
    low, high = baseline.difference or (gain, gain)
    if low <= 0 <= high:
        reach = interval_text((low, high), baseline.value)
        return f"it cannot be told apart from {stated}: the difference is {figure_text(gain, baseline.value)} {reach}"
    verb = "beats" if (low > 0) == judgement.higher_is_better else "loses to"
    by = figure_text(abs(gain), baseline.value)
    if baseline.difference is not None:
        by += f" {interval_text((low, high) if low > 0 else (-high, -low), baseline.value)}"
    return f"it {verb} {stated}, by {by}"
