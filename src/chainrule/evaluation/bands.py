"""Whether a result is what it ought to be: measured bands, and the verdict on one more run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.evaluation.band import Band
from chainrule.evaluation.judgement import UNLIMITED, Judgement
from chainrule.evaluation.wording import figure_text, interval_text, range_text
from chainrule.metrics import Interval

PREDICTION = 0.99  # one sound run of a hundred ends outside


def find_band(bands: Sequence[Band], setting: Mapping[str, Any], metric: str) -> Band | None:
    """The band measured with exactly this setting and metric, or None."""
    return next((band for band in bands if band.metric == metric and dict(band.setting) == dict(setting)), None)


def expected_interval(band: Band, limits: Interval = UNLIMITED) -> Interval:
    """The interval in which 99 % of further single runs end, the runs' results being normally distributed.

    mean ± t · s · √(1 + 1/n), where t is the 0.995 quantile of Student's distribution with n - 1 degrees of
    freedom (Geisser, "Predictive Inference", 1993).

    Args:
        band: n runs.
        limits: the lowest and the highest value the metric can take.
    """
    from scipy.special import stdtrit

    t = float(stdtrit(band.seeds - 1, (1 + PREDICTION) / 2))
    reach = t * band.standard_deviation * math.sqrt(1 + 1 / band.seeds)
    return max(limits[0], band.mean - reach), min(limits[1], band.mean + reach)


@dataclass(frozen=True)
class Verdict:
    """How a result stands to the band of its setting."""

    sentence: str
    expected: Interval | None
    within: bool | None
    """None where nobody has measured the setting."""


def give_verdict(judgement: Judgement, band: Band | None) -> Verdict:
    """Compares a result with the band of its setting."""
    scale = max(map(abs, judgement.interval))
    stated = f"{figure_text(judgement.value, scale)} {interval_text(judgement.interval, judgement.value)}"
    if band is None:
        return Verdict(f"{stated}; nobody has measured this setting, so there is no expected band", None, None)
    expected = expected_interval(band, judgement.limits)
    if expected[0] <= judgement.value <= expected[1]:
        return Verdict(f"{stated} is within the expected {range_text(expected)}", expected, within=True)
    below = judgement.value < expected[0]
    advice = (
        "something differs from the runs that were measured; compare versions, precision and data in run.json"
        if below == judgement.higher_is_better
        else "better than 99 of 100 such runs; look for test examples that stand in the training data too"
    )
    place = "below" if below else "above"
    return Verdict(f"{stated} is {place} the expected {range_text(expected)}: {advice}", expected, within=False)
