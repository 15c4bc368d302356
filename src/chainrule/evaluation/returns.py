"""A policy judged by what it earns in episodes that are played."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.simulated import NumberedEnvironments
from chainrule.evaluation.judgement import Judgement, Score
from chainrule.metrics import Interval

MEAN_RETURN = "mean_return"
LONGEST = 2000  # steps of an episode, after which it is left, whatever the environment says
NORMAL = 1.959964  # 95 % of the normal distribution lie so many deviations around its mean


def play(
    environments: NumberedEnvironments, choose: Callable[[NDArray[np.int64], int], NDArray[np.int64]]
) -> NDArray[np.float64]:
    """What one episode of each environment earns, undiscounted, (environments,).

    Args:
        environments: that need no draws, each at the beginning of an episode; one that ends is begun anew and no
            longer counted.
        choose: (states, number of the step) → actions.
    """
    count = len(environments.states)
    returns, going = np.zeros(count), np.ones(count, np.bool_)
    for step in range(LONGEST):
        rewards, terminated, truncated = environments.step(choose(environments.states, step), None)
        returns += rewards * going
        ended = terminated | truncated
        going &= ~ended
        if not going.any():
            break
        if ended.any():
            environments.reset(ended)
    return returns


def mean_interval(values: NDArray[np.float64]) -> Interval:
    """The 95 % interval of a mean: mean ± 1.96 s / √n."""
    mean, reach = float(values.mean()), NORMAL * float(values.std(ddof=1)) / len(values) ** 0.5
    return mean - reach, mean + reach


def judge_returns(
    own: NDArray[np.float64],
    plain: NDArray[np.float64],
    *,
    plain_name: str,
    figures: Mapping[str, float],
    extra: Mapping[str, Any],
    notes: tuple[str, ...] = (),
) -> Judgement:
    """Judges by the mean return, beside that of a plainer policy in episodes that begin alike.

    Args:
        own: (episodes,) returns.
        plain: likewise.
        plain_name: of the plainer policy.
        figures: further ones.
        extra: further keys of the report.
        notes: what limits the figures.
    """
    return Judgement(
        metric=MEAN_RETURN,
        higher_is_better=True,
        value=float(own.mean()),
        interval=mean_interval(own),
        examples=len(own),
        unit="episodes",
        baselines=(
            Score(
                name=plain_name,
                value=float(plain.mean()),
                interval=mean_interval(plain),
                difference=mean_interval(own - plain),
            ),
        ),
        figures=figures,
        extra=extra,
        notes=notes,
    )
