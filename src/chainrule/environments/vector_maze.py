"""`chainrule/Maze-v0`, thousands at once, in tensors."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

from chainrule.environments.distances import distances
from chainrule.environments.maze_generators import MOVES
from chainrule.environments.maze_settings import MazeSettings
from chainrule.environments.resets import masked, reset_seeds
from chainrule.environments.vector_actions import checked
from chainrule.errors import OptionError

NEVER = -1  # the episode of an environment that was not reset yet


class VectorMaze(VectorEnv[Tensor, Tensor, Tensor]):
    """Many mazes at once, each equal, step for step, to `Maze`.

    Observations are (environments, 3, height, width) uint8, rewards float32, flags bool, all on the device. An
    environment that has ended stands still until it is reset: `reset(options={"reset_mask": ended})`.

    Environment i begins its episode number e like a `Maze` that is reset with `reset_seeds(seed, i, e)`: seed is what
    `reset` was given first, and an environment's episodes are counted from 0 by its resets.

    The planes of all environments are kept, and a step changes the two squares of each where the agent was and is.

    Args:
        num_envs: how many, ≥ 1.
        device: where the tensors live.
        copy: whether every observation is a new tensor; where not, `step` and `reset` give the same one, changed.
        settings: see `MazeSettings`.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - so declared

    def __init__(
        self, num_envs: int = 1, *, device: str | torch.device = "cpu", copy: bool = True, **settings: Any
    ) -> None:
        self.settings = MazeSettings(**settings)
        self.num_envs, self.device, self.copy = num_envs, torch.device(device), copy
        self.single_observation_space: gymnasium.Space[Any] = spaces.Box(0, 1, self.settings.observed, np.uint8)
        self.single_action_space: gymnasium.Space[Any] = spaces.Discrete(4)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        # With a view the planes have a margin of walls, so that every window lies within them.
        margin = 0 if self.settings.view is None else self.settings.view // 2
        pool = torch.from_numpy(np.pad(self.settings.pool(), ((0, 0), (margin,) * 2, (margin,) * 2), constant_values=1))
        self._pool = pool.to(self.device)  # (mazes, height, width)
        height, width = pool.shape[1:]
        self._margin, self._width, self._squares = margin, width, height * width
        across = torch.arange(-margin, margin + 1, device=self.device)
        planes = torch.arange(3, device=self.device)[:, None] * self._squares
        self._window = planes + (across[:, None] * width + across).reshape(-1)  # (3, view²), from the agent's place
        self._moves = torch.from_numpy(MOVES @ (width, 1)).to(self.device)
        # A place is an index into the planes of all environments as one row; places in walls' planes stand for squares.
        self._planes = torch.zeros(num_envs, 3, height, width, dtype=torch.uint8, device=self.device)
        self._first = torch.arange(num_envs, device=self.device) * 3 * self._squares
        self._agents, self._goals = self._first.clone(), self._first.clone()
        self._mazes = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self._steps = torch.zeros(num_envs, dtype=torch.int32, device=self.device)
        self._going = torch.zeros(num_envs, dtype=torch.bool, device=self.device)
        self._seed = 0
        self._episodes = np.full(num_envs, NEVER, np.int64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Tensor, dict[str, Any]]:
        """Begins the next episode of those in `options["reset_mask"]`, or of all.

        With a seed all begin their episode number 0; without any, the first reset draws one.

        Raises:
            OptionError: a seed and a mask are given together.
        """
        super().reset(seed=seed)
        chosen = masked(options, self.num_envs)
        if seed is not None and len(chosen) < self.num_envs:
            raise OptionError("a seed begins every environment anew; give it without reset_mask.")
        if seed is not None or (self._episodes == NEVER).all():
            self._seed = int(self.np_random.integers(2**63)) if seed is None else seed
            self._episodes[:] = NEVER
        self._episodes[chosen] += 1
        start = self.settings.starts(reset_seeds(self._seed, chosen, self._episodes[chosen]))
        where = torch.from_numpy(chosen).to(self.device)
        self._mazes[where] = torch.from_numpy(start.mazes).to(self.device)
        self._agents[where] = self._places(where, start.agents)
        self._goals[where] = self._places(where, start.goals)
        self._steps[where] = 0
        self._going[where] = True
        self._draw(where)
        return self._observations(), {}

    def _places(self, where: Tensor, squares: NDArray[np.int64]) -> Tensor:
        """The places of squares of these environments, in their walls' planes."""
        rows, columns = np.divmod(squares, self.settings.width)
        places = (rows + self._margin) * self._width + columns + self._margin
        return self._first[where] + torch.from_numpy(places).to(self.device)

    def _draw(self, where: Tensor) -> None:
        """Draws the planes of these environments anew."""
        self._planes[where] = 0
        self._planes[where, 0] = self._pool[self._mazes[where]]
        flat = self._planes.view(-1)
        flat[self._agents[where] + self._squares] = 1
        flat[self._goals[where] + 2 * self._squares] = 1

    def step(self, actions: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, dict[str, Any]]:
        """One step of each environment; actions are (environments,), an array or a tensor.

        Raises:
            OptionError: there is no such action.
        """
        flat = self._planes.view(-1)
        ahead = self._agents + self._moves[checked(torch.as_tensor(actions, device=self.device), 4).long()]
        moves = self._going & (flat[ahead] == 0)
        flat.scatter_(0, self._agents + self._squares, 0)
        self._agents = torch.where(moves, ahead, self._agents)
        flat.scatter_(0, self._agents + self._squares, 1)
        self._steps += self._going
        terminated = self._agents == self._goals
        rewards = self._going * torch.tensor(self.settings.step_reward, dtype=torch.float32)
        rewards += (terminated & self._going) * torch.tensor(self.settings.goal_reward, dtype=torch.float32)
        truncated = (self._steps >= self.settings.longest) & ~terminated
        self._going = ~(terminated | truncated)
        return self._observations(), rewards, terminated, truncated, {}

    def _observations(self) -> Tensor:
        if (view := self.settings.view) is None:
            return self._planes.clone() if self.copy else self._planes
        places = self._agents[:, None, None] + self._window  # (environments, 3, view²)
        return self._planes.view(-1)[places].view(self.num_envs, 3, view, view)

    def distances(self) -> NDArray[np.int16]:
        """Steps of a shortest way from each square to the goal, (environments, height, width); -1 in walls."""
        rows, columns = self._rows_and_columns(self._goals)
        return distances(self.settings.pool()[self._mazes.cpu().numpy()], rows * self.settings.width + columns)

    def steps_to_goal(self) -> NDArray[np.int16]:
        """Steps of a shortest way from where each agent is to its goal, (environments,)."""
        rows, columns = self._rows_and_columns(self._agents)
        return self.distances()[np.arange(self.num_envs), rows, columns]

    def _rows_and_columns(self, places: Tensor) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows, columns = np.divmod((places - self._first).cpu().numpy(), self._width)
        return rows - self._margin, columns - self._margin

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on; the planes are drawn from it."""
        return {
            "seed": self._seed,
            "episodes": self._episodes,
            "mazes": self._mazes,
            "agents": self._agents,
            "goals": self._goals,
            "steps": self._steps,
            "going": self._going,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self._seed, self._episodes = int(state["seed"]), np.array(state["episodes"])
        for name in ("mazes", "agents", "goals", "steps", "going"):
            setattr(self, f"_{name}", state[name].to(self.device, copy=True))
        self._draw(torch.arange(self.num_envs, device=self.device))
