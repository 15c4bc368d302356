"""Environments of any kind, several at once, whose state is saved by what was done to them."""

import hashlib
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from chainrule.environments.resets import reset_seeds
from chainrule.errors import DataError, ResumeError


class ForeignEnvironments:
    """Single environments one after the other, reset explicitly, each episode by a seed of its own.

    Gymnasium's environments cannot be saved. What is saved here of each is its episode's number, which gives the seed,
    and the actions taken since; loading resets it and takes them again. A hash is kept of all that the episode has
    shown and paid so far, so that one which only happens to be in the same place is refused, too.

    Args:
        make: makes one environment.
        count: how many, ≥ 1.
        seed: of all their episodes, ≥ 0.
        name: for what is said of them.
    """

    def __init__(self, make: "Callable[[], gymnasium.Env[Any, Any]]", count: int, *, seed: int, name: str) -> None:
        self.environments = [make() for _ in range(count)]
        self.seed, self.name = seed, name
        self.observation_space = self.environments[0].observation_space
        self.observations: list[Any] = [None] * count
        """What each environment shows at present."""
        self._episodes = np.full(count, -1, np.int64)
        self._actions: list[list[int]] = [[] for _ in range(count)]
        self._seen = [b""] * count  # a hash of each episode so far
        self.reset(np.ones(count, np.bool_))

    def __len__(self) -> int:
        return len(self.environments)

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Begins the next episode of these environments, (environments,)."""
        chosen = np.flatnonzero(mask)
        self._episodes[chosen] += 1
        for place, seed in zip(chosen.tolist(), self._seeds(chosen), strict=True):
            self._begin(place, seed)

    def _begin(self, place: int, seed: int) -> None:
        self.observations[place] = self.environments[place].reset(seed=seed)[0]
        self._actions[place], self._seen[place] = [], b""
        self._witness(place)

    def _act(self, place: int, action: int) -> tuple[float, bool, bool]:
        self.observations[place], given, terminated, truncated, _ = self.environments[place].step(action)
        self._actions[place].append(action)
        if not isfinite(reward := float(given)):
            raise DataError(f"{self.name} gave a reward of {reward}; it must be a finite number.")
        self._witness(place, reward, float(terminated), float(truncated))
        return reward, bool(terminated), bool(truncated)

    def _witness(self, place: int, *told: float) -> None:
        """Adds what was told and is shown to the hash of the episode."""
        shown = self._bytes(self.observations[place])
        self._seen[place] = hashlib.sha256(self._seen[place] + np.array(told).tobytes() + shown).digest()

    def _seeds(self, chosen: NDArray[np.int64]) -> list[int]:
        seeds: list[int] = reset_seeds(self.seed, chosen, self._episodes[chosen]).tolist()
        return seeds

    def step(
        self, actions: NDArray[np.int64], mask: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """One action in each environment, none of which may have ended.

        Args:
            actions: (environments,).
            mask: which environments, (environments,); all where None.

        Returns:
            Rewards, and what was terminated and truncated, each (environments,); `observations` are the new ones.

        Raises:
            DataError: a reward is not finite.
        """
        count = len(self)
        rewards, terminated, truncated = np.zeros(count), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        taken = actions.tolist()
        for place in range(count) if mask is None else np.flatnonzero(mask).tolist():
            rewards[place], terminated[place], truncated[place] = self._act(place, taken[place])
        return rewards, terminated, truncated & ~terminated

    def state_dict(self) -> dict[str, Any]:
        """Episodes, the actions taken in them one after the other, and a hash of all that was seen."""
        return {
            "episodes": self._episodes,
            "lengths": np.array([len(taken) for taken in self._actions], np.int64),
            "actions": np.array([action for taken in self._actions for action in taken], np.int32),
            "shown": [seen.hex() for seen in self._seen],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the same actions again from the same seeds.

        Raises:
            ResumeError: an environment is not where it was.
        """
        self._episodes = np.array(state["episodes"])
        every = np.arange(len(self))
        ends = np.cumsum(state["lengths"])[:-1]
        taken = np.split(np.asarray(state["actions"]), ends)
        for place, seed, actions in zip(every.tolist(), self._seeds(every), taken, strict=True):
            self._begin(place, seed)
            for action in actions.tolist():
                self._act(place, action)
            if self._seen[place].hex() != state["shown"][place]:
                raise ResumeError(
                    f"{self.name} does not replay: after the same seed and the same {len(actions):,} actions it has "
                    "shown something else than before, so the run cannot go on exactly; start it anew."
                )

    def _bytes(self, shown: Any) -> bytes:
        space = self.observation_space
        plain = isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary)
        array = np.asarray(shown if plain else spaces.flatten(space, shown))
        return array.tobytes()

    def close(self) -> None:
        """Closes them all."""
        for environment in self.environments:
            environment.close()
