"""A table of action values beside the exact truth, where the environment's transition model is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.dynamic_programming import greedy, optimal_action_values, policy_values
from chainrule.environments.transition_model import RESETS, TransitionModel
from chainrule.evaluation.judgement import Judgement, Plot, Score
from chainrule.evaluation.value_map import draw_action_values
from chainrule.evaluation.wording import figure_text

REGRET = "regret"
NOTHING = 1e-9  # regret below which a policy is the best one, but for rounding

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Truth:
    """What is best in an environment, exactly."""

    model: TransitionModel
    discount: float

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Q*, (states, actions)."""
        return optimal_action_values(self.model, self.discount)

    @cached_property
    def best(self) -> float:
        """What the best policy is worth, where episodes begin."""
        return float(self.model.starts @ self.values.max(axis=1))

    def worth(self, policy: NDArray[np.float64]) -> float:
        """What a policy, (states, actions), is worth, where episodes begin."""
        return float(self.model.starts @ policy_values(self.model, policy, self.discount))

    def regret(self, policy: NDArray[np.float64]) -> float:
        """How much less a policy is worth than the best, as a share of that: (V* − V) / |V*|.

        Where the best is worth nothing, the difference itself.
        """
        missed = (self.best - self.worth(policy)) / (abs(self.best) or 1.0)
        return missed if missed > NOTHING else 0.0

    def figures(self, values: Values, visits: NDArray[Any]) -> dict[str, float]:
        """Every figure of a table.

        Args:
            values: (states, actions).
            visits: (states, actions) how often each pair was tried.
        """
        tried = visits > 0
        known = tried.any(axis=1)
        errors = np.abs(values - self.values)[tried]
        above = (values.max(axis=1) - self.values.max(axis=1))[known]
        return {
            REGRET: self.regret(greedy(values)),
            "q_error": float(errors.max(initial=0.0)),
            "over_estimation": float(above.mean()) if known.any() else 0.0,
            "value": self.worth(greedy(values)),
            "optimal_value": self.best,
            "tried_share": float(tried.mean()),
        }


def judge_optimality(
    truth: Truth,
    values: Values,
    visits: NDArray[Any],
    *,
    actions: Sequence[str],
    grid: tuple[int, int] | None,
) -> Judgement:
    """Judges by the regret of the greedy policy, which is exact: nothing is played, and nothing drawn.

    Args:
        truth: of the environment.
        values: (states, actions) what was learned.
        visits: (states, actions) how often each pair was tried.
        actions: their names.
        grid: rows and columns where the states are the places of a grid.
    """
    figures = truth.figures(values, visits)
    even = np.full(values.shape, 1 / values.shape[1])
    own, plain = figures[REGRET], truth.regret(even)
    return Judgement(
        metric=REGRET,
        higher_is_better=False,
        limits=(0, np.inf),
        value=own,
        interval=(own, own),
        examples=(first := int((truth.model.starts > 0).sum())),
        unit="first states" if first > 1 else "first state",
        baselines=(
            Score(
                name="any action, all alike",
                value=plain,
                interval=(plain, plain),
                difference=(own - plain, own - plain),
                figures={"value": truth.worth(even), "optimal_value": truth.best},
            ),
        ),
        figures=figures,
        extra={"q_error": figures["q_error"]},
        plots=(
            Plot(
                "action-values.png",
                partial(draw_action_values, np.asarray(values), truth.values, visits > 0, actions=actions, grid=grid),
            ),
        ),
        notes=_notes(figures, truth),
    )


def _notes(figures: Mapping[str, float], truth: Truth) -> tuple[str, ...]:
    exact = (
        "Regret, value and error are computed from the environment's transition model: their intervals have no width."
    )
    distance = (
        f"Q is at most {figure_text(figures['q_error'])} from the exact Q*, by value iteration, over the "
        f"{figures['tried_share']:.0%} of all pairs of state and action that were tried; at discount "
        f"{truth.discount:g} and without a limit of steps."
    )
    if not truth.model.starts_told:
        guessed = f"Where episodes begin is not told by the environment, but estimated from {RESETS:,} resets."
        return exact, distance, guessed
    return exact, distance
