"""Environments with numbered states, many at once: by their transition model, or stepped themselves."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.resets import reset_seeds
from chainrule.environments.transition_model import TransitionModel, as_states
from chainrule.runtime.draws import words_of_each

Outcome = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]
"""Rewards, and what was terminated and truncated, each (environments,)."""


@runtime_checkable
class NumberedEnvironments(Protocol):
    """Many environments whose states are numbers."""

    states: NDArray[np.int64]
    """Where each is, (environments,)."""
    draws: bool
    """Whether a step needs draws."""

    def step(self, actions: NDArray[np.int64], draws: NDArray[np.float32] | None) -> Outcome:
        """One action in each; `states` are the new ones, also of what has ended.

        Args:
            actions: (environments,).
            draws: (environments,) uniform in [0, 1), where a step needs them.
        """
        ...

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Begins the next episode of these environments, (environments,)."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        ...


class SimulatedEnvironments:
    """Steps by the transition model, in arrays: as many outcomes are drawn at once as there are environments.

    Args:
        model: of the environment.
        count: environments, ≥ 1.
        seed: an episode begins where hash(seed, environment, episode) draws.
        longest: steps after which an episode is truncated; never where None.
    """

    def __init__(self, model: TransitionModel, count: int, *, seed: int, longest: int | None) -> None:
        self.model, self.seed, self.longest = model, seed, longest
        # All outcomes of a pair of state and action stand together, one pair after the other.
        shape, self._outcomes = (model.states * model.actions, -1), model.then.shape[2]
        self._then, self._rewards = model.then.reshape(-1), model.rewards.reshape(-1)
        self._terminates = model.terminates.reshape(-1)
        # Between one outcome and the next, (outcomes - 1, pairs).
        self._bounds = model.probabilities.reshape(shape).cumsum(axis=1)[:, :-1].T.astype(np.float32).copy()
        self.draws = len(self._bounds) > 0
        self._starts = model.starts.cumsum()[:-1]
        self.states = np.zeros(count, np.int64)
        self._steps = np.zeros(count, np.int64)
        self._episodes = np.full(count, -1, np.int64)
        self.reset(np.ones(count, np.bool_))

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Begins the next episode of these environments, (environments,)."""
        chosen = np.flatnonzero(mask)
        self._episodes[chosen] += 1
        words = words_of_each(reset_seeds(self.seed, chosen, self._episodes[chosen]), 1)[:, 0]
        self.states[chosen] = np.searchsorted(self._starts, (words >> np.uint64(11)) * 2.0**-53, side="right")
        self._steps[chosen] = 0

    def step(self, actions: NDArray[np.int64], draws: NDArray[np.float32] | None) -> Outcome:
        """One action in each environment."""
        pairs = self.states * self.model.actions + actions
        places = pairs * self._outcomes
        for bound in self._bounds:
            places += draws >= bound[pairs]
        self.states = self._then[places]
        self._steps += 1
        terminated = self._terminates[places]
        cut = np.zeros_like(terminated) if self.longest is None else (self._steps >= self.longest) & ~terminated
        return self._rewards[places], terminated, cut

    def state_dict(self) -> dict[str, Any]:
        """Where each environment is, since how many steps, and in which episode."""
        return {"states": self.states, "steps": self._steps, "episodes": self._episodes}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        self.states, self._steps, self._episodes = (np.array(state[name]) for name in ("states", "steps", "episodes"))


class SteppedEnvironments:
    """Gymnasium's environments themselves, stepped one after the other.

    Args:
        environments: whose observations are numbers.
    """

    draws = False

    def __init__(self, environments: ForeignEnvironments) -> None:
        self.environments = environments
        self.states = self._shown()

    def _shown(self) -> NDArray[np.int64]:
        return as_states(self.environments.observations, self.environments.observation_space.n)  # type: ignore[attr-defined]

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Begins the next episode of these environments, (environments,)."""
        self.environments.reset(mask)
        self.states = self._shown()

    def step(self, actions: NDArray[np.int64], draws: NDArray[np.float32] | None) -> Outcome:  # noqa: ARG002
        """One action in each environment, which draws by itself."""
        outcome = self.environments.step(actions)
        self.states = self._shown()
        return outcome

    def state_dict(self) -> dict[str, Any]:
        """What was done to each."""
        return self.environments.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Does it again."""
        self.environments.load_state_dict(state)
        self.states = self._shown()
