"""Many agents in each of many mazes at once: the world that an agent learns mazes in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.environments.maze_generators import MOVES
from chainrule.environments.maze_settings import MazeSettings
from chainrule.environments.resets import reset_seeds
from chainrule.environments.world import Outcome
from chainrule.runtime.draws import draws_of_each, words_of_each


class Crowd:
    """Groups of agents, each group in a maze with a goal that its agents share.

    Each agent is in a `chainrule/Maze-v0` of its own, and they do not see each other. Its episodes begin in a cell
    drawn among all but the goal's. `begin` draws every group's maze and goal anew.

    The scene of a group is two planes of 0 and 1, walls and goal, (2, height, width); places are squares, numbered row
    by row. That all agents of a group can be shown by one scene is what makes a step cheap.

    Args:
        walls: (mazes, height, width) uint8, 1 where there is a wall; what mazes are drawn from.
        settings: the rules: rewards, the longest episode and, with "corners", the goal's place.
        groups: how many, ≥ 1.
        agents: of each group, ≥ 1.
        seed: of all draws.
        device: where the tensors live.
    """

    scenes_stay = True
    reward_scale = 1.0
    actions = len(MOVES)

    def __init__(
        self,
        walls: NDArray[np.uint8],
        settings: MazeSettings,
        *,
        groups: int,
        agents: int,
        seed: int,
        device: str | torch.device = "cpu",
    ) -> None:
        self.settings, self.groups, self.agents = settings, groups, agents
        self._seed, self._device = seed, torch.device(device)
        _, height, width = walls.shape
        self._pool = torch.from_numpy(walls.copy()).to(self._device)
        self._moves = torch.from_numpy(MOVES @ (width, 1)).to(self._device)
        rows, columns = np.divmod(np.arange(settings.rows * settings.columns), settings.columns)
        self._squares_of_cells = torch.from_numpy((2 * rows + 1) * width + 2 * columns + 1).to(self._device)
        self._rewards = torch.tensor([settings.step_reward, settings.goal_reward], device=self._device)
        self._scenes = torch.zeros(groups, 2, height, width, dtype=torch.uint8, device=self._device)
        self._begun = 0  # scenes of each group so far
        self._mazes = np.zeros(groups, np.int64)
        self._goals = np.zeros(groups, np.int64)  # cells
        self._episodes = np.zeros((groups, agents), np.int64)
        self._places = torch.zeros(groups, agents, dtype=torch.int64, device=self._device)
        self._steps = torch.zeros(groups, agents, dtype=torch.int32, device=self._device)
        self._ended = torch.zeros(groups, agents, dtype=torch.bool, device=self._device)
        self.begin()

    def begin(self) -> None:
        """Draws a maze and a goal for every group, and begins all episodes in them."""
        seeds = reset_seeds(self._seed, np.arange(self.groups), np.full(self.groups, self._begun))
        words, cells = words_of_each(seeds, 2), len(self._squares_of_cells)
        self._begun += 1
        self._mazes, self._goals = (
            (words[:, place] % np.uint64(count)).astype(np.int64)
            for place, count in enumerate((len(self._pool), cells))
        )
        if self.settings.places == "corners":
            self._goals = np.full(self.groups, cells - 1)
        self._draw()
        self._start(np.arange(self._episodes.size))

    def _draw(self) -> None:
        """Draws the planes of every group."""
        self._scenes[:, 0] = self._pool[torch.from_numpy(self._mazes).to(self._device)]
        self._scenes[:, 1] = 0
        self._scenes[:, 1].view(self.groups, -1).scatter_(1, self._goal_squares(), 1)

    def _goal_squares(self) -> Tensor:
        return self._squares_of_cells[torch.from_numpy(self._goals).to(self._device)][:, None]  # (groups, 1)

    def _start(self, chosen: NDArray[np.int64]) -> None:
        """Begins the next episode of these agents, numbered group by group."""
        episodes = self._episodes.reshape(-1)
        bits = draws_of_each(self._seed, "start", numbers=(chosen << 32) + episodes[chosen])
        episodes[chosen] += 1
        cells = len(self._squares_of_cells)
        others = (bits % np.uint64(cells - 1)).astype(np.int64)
        starts = (self._goals[chosen // self.agents] + 1 + others) % cells
        where = torch.from_numpy(chosen).to(self._device)
        self._places.view(-1)[where] = self._squares_of_cells[torch.from_numpy(starts).to(self._device)]
        self._steps.view(-1)[where] = 0
        self._ended.view(-1)[where] = False

    def scenes(self) -> Tensor:
        """Walls and goal of each group, (groups, 2, height, width) uint8."""
        return self._scenes

    def places(self) -> Tensor:
        """The square of each agent, (groups, agents)."""
        return self._places

    def step(self, actions: Tensor) -> Outcome:
        """One step up, right, down or left of each agent; those at their end begin a new episode instead."""
        counts = ~self._ended
        ended = self._ended.view(-1).nonzero().view(-1).cpu().numpy()
        ahead = self._places + self._moves[actions]
        free = self._scenes[:, 0].reshape(self.groups, -1).gather(1, ahead) == 0
        self._places = torch.where(free & counts, ahead, self._places)
        self._steps += counts
        terminated = (self._places == self._goal_squares()) & counts
        truncated = (self._steps >= self.settings.longest) & ~terminated & counts
        rewards = counts * self._rewards[0] + terminated * self._rewards[1]
        self._ended = terminated | truncated
        if len(ended):
            self._start(ended)
        return Outcome(rewards, terminated, truncated, counts)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on; the scenes are drawn from it."""
        return {
            "begun": self._begun,
            "mazes": self._mazes,
            "goals": self._goals,
            "episodes": self._episodes,
            "places": self._places,
            "steps": self._steps,
            "ended": self._ended,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state that `state_dict` gave."""
        self._begun = int(state["begun"])
        for name in ("mazes", "goals", "episodes"):
            setattr(self, f"_{name}", np.array(state[name]))
        for name in ("places", "steps", "ended"):
            setattr(self, f"_{name}", state[name].to(self._device, copy=True))
        self._draw()
