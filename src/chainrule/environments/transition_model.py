"""What is known of an environment whose transition model is given: `P[state][action]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import OptionError

if TYPE_CHECKING:
    import gymnasium

RESETS = 1000  # from which the first states are estimated where the environment does not tell them


@dataclass(frozen=True, kw_only=True)
class TransitionModel:
    """The outcomes of every action in every state; all arrays but `starts` are (states, actions, outcomes)."""

    then: NDArray[np.int64]
    """The next state."""
    probabilities: NDArray[np.float64]
    """Of each outcome; they add up to 1."""
    rewards: NDArray[np.float64]
    terminates: NDArray[np.bool_]
    """Whether the episode ends there."""
    starts: NDArray[np.float64]
    """(states,) the probability that an episode begins there."""

    @property
    def states(self) -> int:
        """How many there are."""
        return len(self.then)

    @property
    def actions(self) -> int:
        """How many there are in each state."""
        return int(self.then.shape[1])


def transition_model(environment: "gymnasium.Env[Any, Any]", name: str) -> TransitionModel | None:
    """The model that an environment gives as `P`, in arrays; None where it gives none.

    Args:
        environment: with discrete states and actions, numbered from 0.
        name: for what is said of it.

    Raises:
        OptionError: its `P` is no whole model.
    """
    given = getattr(environment.unwrapped, "P", None)
    if not isinstance(given, Mapping):
        return None
    states, actions = (int(space.n) for space in (environment.observation_space, environment.action_space))  # type: ignore[attr-defined]
    try:
        most = max(len(given[state][action]) for state in range(states) for action in range(actions))
        outcomes = np.zeros((states, actions, most, 4))
        for state in range(states):
            for action in range(actions):
                for place, outcome in enumerate(given[state][action]):
                    outcomes[state, action, place] = outcome
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise OptionError(
            f"{name} has a transition model P that is not whole ({error!r}); learn with --through environment."
        ) from error
    probabilities, then, rewards, terminates = np.moveaxis(outcomes, 3, 0)
    sums = probabilities.sum(axis=2, keepdims=True)
    if not (np.abs(sums - 1) < 1e-6).all() or not ((then >= 0) & (then < states)).all():
        raise OptionError(
            f"{name} has a transition model P whose probabilities do not add up to 1 or whose states do not exist; "
            "learn with --through environment."
        )
    return TransitionModel(
        then=then.astype(np.int64),
        probabilities=probabilities / sums,
        rewards=np.ascontiguousarray(rewards),
        terminates=terminates.astype(np.bool_),
        starts=_starts(environment, states),
    )


def _starts(environment: "gymnasium.Env[Any, Any]", states: int) -> NDArray[np.float64]:
    told = getattr(environment.unwrapped, "initial_state_distrib", None)
    if told is not None and np.shape(told) == (states,):
        weights = np.asarray(told, np.float64)
    else:
        first = [int(environment.reset(seed=seed)[0]) for seed in range(RESETS)]
        weights = np.bincount(first, minlength=states).astype(np.float64)
    return np.asarray(weights / weights.sum())
