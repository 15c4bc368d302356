"""Gymnasium's environments as a world of vectors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.world import Outcome
from chainrule.errors import OptionError

if TYPE_CHECKING:
    import gymnasium

LARGEST = 1_000_000  # values of a vector


def vector_size(space: "gymnasium.Space[Any]", name: str) -> int:
    """Values of the vector that an observation is made into.

    Raises:
        OptionError: the space has no vectors of one length, or far too long ones.
    """
    size = spaces.flatdim(space) if space.is_np_flattenable else None
    if size is None or not 1 <= size <= LARGEST:
        raise OptionError(
            f"the observations of {name} are {' '.join(str(space).split())[:120]}, and the network takes vectors of "
            f"one length, of at most {LARGEST:,} values; take another environment."
        )
    return int(size)


def as_vectors(space: "gymnasium.Space[Any]", observations: list[Any]) -> NDArray[np.float32]:
    """Observations as vectors, (observations, values); what is one of a few is 1 at its place and 0 elsewhere."""
    if isinstance(space, spaces.Box):
        return np.asarray(observations, np.float32).reshape(len(observations), -1)
    return np.stack([np.asarray(spaces.flatten(space, each), np.float32).reshape(-1) for each in observations])


class Vectors:
    """Single environments side by side; each observation is a scene of one place.

    Args:
        environments: which; their state is what was done to them.
        actions: how many there are.
        device: where the tensors live.
        reward_scale: by which rewards are multiplied.
    """

    scenes_stay = False
    agents = 1

    def __init__(
        self,
        environments: ForeignEnvironments,
        *,
        actions: int,
        device: str | torch.device = "cpu",
        reward_scale: float = 1.0,
    ) -> None:
        self.environments, self.actions, self.reward_scale = environments, actions, reward_scale
        self.groups, self._device = len(environments), torch.device(device)
        self._ended = np.zeros(self.groups, np.bool_)
        self._places = torch.zeros(self.groups, 1, dtype=torch.int64, device=self._device)
        self._scenes = self._seen()

    def _seen(self) -> Tensor:
        vectors = as_vectors(self.environments.observation_space, self.environments.observations)
        return torch.from_numpy(vectors).to(self._device)

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
        counts = ~self._ended
        arrays = self.environments.step(actions[:, 0].cpu().numpy(), counts)
        if self._ended.any():
            self.environments.reset(self._ended)
        self._scenes = self._seen()
        self._ended = arrays[1] | arrays[2]
        outcome = [torch.from_numpy(array[:, None]).to(self._device) for array in (*arrays, counts)]
        return Outcome(outcome[0].float() * self.reward_scale, *outcome[1:])

    def state_dict(self) -> dict[str, Any]:
        """Of the environments, and which of them have ended."""
        return {"environments": self.environments.state_dict(), "ended": self._ended}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state.

        Raises:
            ResumeError: an environment does not repeat itself.
        """
        self.environments.load_state_dict(state["environments"])
        self._ended = np.array(state["ended"])
        self._scenes = self._seen()
