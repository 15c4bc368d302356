"""`chainrule/LineWalk-v0`, thousands at once, in tensors."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from torch import Tensor

from chainrule.environments.line_walk import REWARD, check_line
from chainrule.environments.resets import masked
from chainrule.environments.vector_actions import checked


class VectorLineWalk(VectorEnv[Tensor, Tensor, Tensor]):
    """Many lines at once, each equal, step for step, to `LineWalk`.

    Observations are (environments,) int64, rewards float32, flags bool, all on the device, and new ones every time.
    An environment that has ended stands still until it is reset: `reset(options={"reset_mask": ended})`.

    Args:
        num_envs: how many, ≥ 1.
        half_length: as in `LineWalk`.
        max_steps: as in `LineWalk`.
        device: where the tensors live.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - so declared

    def __init__(
        self, num_envs: int = 1, *, half_length: int = 10, max_steps: int = 200, device: str | torch.device = "cpu"
    ) -> None:
        check_line(half_length, max_steps)
        self.num_envs, self.half_length, self.max_steps = num_envs, half_length, max_steps
        self.device = torch.device(device)
        self.single_observation_space: gymnasium.Space[Any] = spaces.Discrete(2 * half_length + 1)
        self.single_action_space: gymnasium.Space[Any] = spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._place = torch.zeros(num_envs, dtype=torch.int16, device=self.device)
        self._steps = torch.zeros(num_envs, dtype=torch.int32, device=self.device)
        self._going = torch.ones(num_envs, dtype=torch.bool, device=self.device)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Tensor, dict[str, Any]]:
        """Those in `options["reset_mask"]`, or all, back to the middle; nothing is drawn."""
        super().reset(seed=seed)
        chosen = torch.from_numpy(masked(options, self.num_envs)).to(self.device)
        self._place[chosen] = 0
        self._steps[chosen] = 0
        self._going[chosen] = True
        return self._states(), {}

    def step(self, actions: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, dict[str, Any]]:
        """One step of each environment; actions are (environments,), an array or a tensor.

        Raises:
            OptionError: there is no such action.
        """
        chosen = checked(torch.as_tensor(actions, device=self.device), 2)
        moves = chosen.to(torch.int16, copy=True).mul_(2).sub_(1)
        self._place += moves.mul_(self._going)
        self._steps += self._going
        terminated = self._place.abs() == self.half_length
        rewards = (terminated & self._going).float().mul_(REWARD).mul_(self._place.sign())
        truncated = (self._steps >= self.max_steps).logical_and_(~terminated)
        self._going = (terminated | truncated).logical_not_()
        return self._states(), rewards, terminated, truncated, {}

    def _states(self) -> Tensor:
        return (self._place + self.half_length).long()

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on; nothing random is in it."""
        return {"places": self._place, "steps": self._steps, "going": self._going}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self._place = state["places"].to(self.device, copy=True)
        self._steps = state["steps"].to(self.device, copy=True)
        self._going = state["going"].to(self.device, copy=True)
