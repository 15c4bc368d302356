"""What is known of an environment whose transition model is given: `P[state][action]`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, OptionError

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
    starts_told: bool = True
    """Whether the environment tells it; otherwise it is the share among `RESETS` resets."""

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

    Wrappers that an environment is registered with may change what `P` says, so it does not count there.

    Args:
        environment: with discrete states and actions, numbered from 0.
        name: for what is said of it.

    Raises:
        OptionError: its `P` is no whole model.
    """
    given = getattr(environment.unwrapped, "P", None)
    wrappers = () if environment.spec is None else environment.spec.additional_wrappers
    if not isinstance(given, Mapping) or wrappers:
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
    exist = ((then >= 0) & (then < states) & (then == np.floor(then))).all()
    if not ((probabilities >= 0).all() and (np.abs(sums - 1) < 1e-6).all() and exist):
        raise OptionError(
            f"{name} has a transition model P whose probabilities do not add up to 1 or whose states do not exist; "
            "learn with --through environment."
        )
    if not np.isfinite(rewards).all():
        raise OptionError(
            f"{name} has a transition model P with a reward that is not finite; learn with --through environment."
        )
    return TransitionModel(
        then=then.astype(np.int64),
        probabilities=probabilities / sums,
        rewards=np.ascontiguousarray(rewards),
        terminates=terminates.astype(np.bool_),
        starts=_starts(environment, states),
        starts_told=_told(environment, states) is not None,
    )


def _starts(environment: "gymnasium.Env[Any, Any]", states: int) -> NDArray[np.float64]:
    weights = _told(environment, states)
    if weights is None:
        first = as_states([environment.reset(seed=seed)[0] for seed in range(RESETS)], states)
        weights = np.bincount(first, minlength=states).astype(np.float64)
    return np.asarray(weights / weights.sum())


def _told(environment: "gymnasium.Env[Any, Any]", states: int) -> NDArray[np.float64] | None:
    """What `initial_state_distrib` says, where it is a distribution."""
    try:
        told = np.asarray(getattr(environment.unwrapped, "initial_state_distrib", None), np.float64)
    except (TypeError, ValueError):
        return None
    whole = told.shape == (states,) and np.isfinite(told).all() and (told >= 0).all() and told.any()
    return told if whole else None


def as_states(shown: Sequence[Any], states: int) -> NDArray[np.int64]:
    """What environments show, as numbers of states, (environments,).

    Raises:
        DataError: something that is none of the states was shown.
    """
    for each in shown:
        if not isinstance(each, int | np.integer | np.ndarray) or np.ndim(each) or not 0 <= int(each) < states:
            told = " ".join(repr(each).split())[:60]
            raise DataError(
                f"an environment showed {told} and its observation_space promised a whole number from 0 to "
                f"{states - 1:,}; mend the environment."
            )
    return np.array(shown, np.int64)
