"""Environments that Gymnasium itself steps many at once, as a world of vectors."""

import hashlib
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from torch import Tensor

from chainrule.environments.world import Outcome
from chainrule.errors import ResumeError

LOG = 1024  # steps that the log of actions first has room for


class AtOnce:
    """An environment in its own vector form, which begins ended episodes anew by itself.

    It cannot be saved, nor one of its episodes begun by a seed. What is saved is the seed of its first reset and every
    action since; loading resets it and takes them all again. One that is somewhere else afterwards is refused.

    Args:
        environments: with `AutoresetMode.NEXT_STEP`.
        seed: of all their episodes, ≥ 0.
        name: for what is said of them.
        device: where the tensors live.
        reward_scale: by which rewards are multiplied.
    """

    scenes_stay = False
    agents = 1

    def __init__(
        self,
        environments: "gymnasium.vector.VectorEnv[Any, Any, Any]",
        *,
        seed: int,
        name: str,
        device: str | torch.device = "cpu",
        reward_scale: float = 1.0,
    ) -> None:
        self._environments, self.name, self.reward_scale = environments, name, reward_scale
        self.groups, self._device = environments.num_envs, torch.device(device)
        self.actions = int(environments.single_action_space.n)  # type: ignore[attr-defined]
        self._seed = seed % 2**32
        self._places = torch.zeros(self.groups, 1, dtype=torch.int64, device=self._device)
        self._log = np.zeros((LOG, self.groups), np.int32)
        self._begin()

    def _begin(self) -> None:
        self._steps = 0
        self._ended = np.zeros(self.groups, np.bool_)
        self._show(self._environments.reset(seed=self._seed)[0])

    def _show(self, observations: Any) -> None:
        vectors = np.asarray(observations, np.float32).reshape(self.groups, -1)
        self._scenes = torch.from_numpy(vectors).to(self._device)

    def begin(self) -> None:
        """Nothing: episodes go on."""

    def scenes(self) -> Tensor:
        """The observation of each environment, (environments, values)."""
        return self._scenes

    def places(self) -> Tensor:
        """All 0, (environments, 1)."""
        return self._places

    def step(self, actions: Tensor) -> Outcome:
        """One action in each environment; those that have ended begin a new episode instead."""
        taken = actions[:, 0].cpu().numpy()
        if self._steps == len(self._log):
            self._log = np.concatenate([self._log, np.zeros_like(self._log)])
        self._log[self._steps] = taken
        self._steps += 1
        counts = ~self._ended
        rewards, terminated, truncated = self._taken(taken)
        outcome = (rewards, terminated & counts, truncated & ~terminated & counts, counts)
        return Outcome(*(torch.from_numpy(part[:, None]).to(self._device) for part in outcome))

    def _taken(self, actions: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        seen, rewards, terminated, truncated, _ = self._environments.step(actions)
        self._show(seen)
        self._ended = terminated | truncated
        return np.asarray(rewards, np.float32) * np.float32(self.reward_scale), terminated, truncated

    def state_dict(self) -> dict[str, Any]:
        """The seed, every action since the reset, and a hash of what the environments show."""
        return {"seed": self._seed, "actions": self._log[: self._steps], "shown": self._hash()}

    def _hash(self) -> str:
        return hashlib.sha256(self._scenes.cpu().numpy().tobytes() + self._ended.tobytes()).hexdigest()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the same actions again from the same seed.

        Raises:
            ResumeError: the environments are not where they were.
        """
        self._seed, taken = int(state["seed"]), np.array(state["actions"], np.int32)
        self._begin()
        for actions in taken.astype(np.int64):
            self._taken(actions)
        if self._hash() != state["shown"]:
            raise ResumeError(
                f"{self.name} does not replay: after the same seed and the same {len(taken):,} steps it is in another "
                "state than before, so the run cannot go on exactly; start it anew."
            )
        self._steps = len(taken)
        self._log = np.concatenate([taken, np.zeros((max(LOG, len(taken)), self.groups), np.int32)])


def at_once(
    name: str, count: int, *, seed: int, device: str | torch.device = "cpu", reward_scale: float = 1.0
) -> AtOnce | None:
    """So many of an environment in its own vector form; None where none begins ended episodes anew by itself."""
    if gymnasium.spec(name).vector_entry_point is None:
        return None
    try:
        made = gymnasium.make_vec(name, count, vectorization_mode="vector_entry_point")
    except (gymnasium.error.Error, ImportError, TypeError):
        return None
    plain = isinstance(made.single_observation_space, spaces.Box)
    if made.metadata.get("autoreset_mode") is not AutoresetMode.NEXT_STEP or not plain:
        return None
    return AtOnce(made, seed=seed, name=name, device=device, reward_scale=reward_scale)
