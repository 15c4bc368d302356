"""`chainrule/Maze-v0`: from one cell of a maze to another."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from chainrule.environments.distances import distances
from chainrule.environments.frames import maze_frame
from chainrule.environments.maze_generators import MOVES
from chainrule.environments.maze_settings import MazeSettings
from chainrule.environments.resets import NO_ACTION
from chainrule.errors import OptionError

UP, RIGHT, DOWN, LEFT = range(4)
SIGNS = {0: "  ", 1: "██"}


class Maze(gymnasium.Env[NDArray[np.uint8], np.int64]):
    """A maze drawn from a pool, an agent that walks from square to square, and a goal.

    Actions are 0 up, 1 right, 2 down, 3 left; a step into a wall leaves the agent where it is. An observation is three
    planes of 0 and 1, (3, height, width): walls, agent, goal. With `view` they are the squares around the agent, and
    all beyond the maze is wall.

    The reward of a step is `step_reward`, and `goal_reward` more where it reaches the goal, in float32; the episode
    terminates there. After `max_steps` it is truncated. An episode that has ended stands still, without reward, until
    it is reset.

    A reset draws the maze and, unless `places` is "corners", the agent's cell and the goal's. All are a function of
    the seed that it is given, or of one drawn from the environment's generator.

    Args:
        render_mode: "ansi" for lines of text, "rgb_array" for a picture.
        settings: see `MazeSettings`.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 8}  # noqa: RUF012 - so declared

    def __init__(self, *, render_mode: str | None = None, **settings: Any) -> None:
        self.settings = MazeSettings(**settings)
        self.render_mode, self.max_steps = render_mode, self.settings.longest
        self.observation_space = spaces.Box(0, 1, self.settings.observed, np.uint8)
        self.action_space = spaces.Discrete(4)
        self._pool = self.settings.pool()
        self.maze = 0
        """Place of the present maze in the pool."""
        self.walls = self._pool[0]
        """(height, width), 1 where there is a wall."""
        self.agent, self.goal = (1, 1), (1, 1)
        """Row and column of their squares."""
        self.steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begins an episode with this seed, or with one that is drawn."""
        super().reset(seed=seed, options=options)
        if seed is None:
            seed = int(self.np_random.integers(2**63))
        start = self.settings.starts(np.array([seed]))
        self.maze, self.steps = int(start.mazes[0]), 0
        self.walls = self._pool[self.maze]
        self.agent, self.goal = (divmod(int(square[0]), self.settings.width) for square in start[1:])
        return self._observation(), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """One step up, right, down or left.

        Raises:
            OptionError: there is no such action.
        """
        if action not in range(4):
            raise OptionError(NO_ACTION.format(4))
        reward = np.float32(0)
        if self.agent != self.goal and self.steps < self.settings.longest:
            row, column = self.agent[0] + MOVES[action][0], self.agent[1] + MOVES[action][1]
            if self.walls[row, column] == 0:
                self.agent = int(row), int(column)
            self.steps += 1
            reward = np.float32(self.settings.step_reward)
            if self.agent == self.goal:
                reward += np.float32(self.settings.goal_reward)
        terminated = self.agent == self.goal
        truncated = self.steps >= self.settings.longest and not terminated
        return self._observation(), float(reward), terminated, truncated, {}

    def _observation(self) -> NDArray[np.uint8]:
        planes = np.zeros((3, *self.walls.shape), np.uint8)
        planes[0], planes[1][self.agent], planes[2][self.goal] = self.walls, 1, 1
        if self.settings.view is None:
            return planes
        margin = self.settings.view // 2
        beyond = [(margin, margin), (margin, margin)]
        around = np.stack(
            [np.pad(plane, beyond, constant_values=fill) for plane, fill in zip(planes, (1, 0, 0), strict=True)]
        )
        row, column = self.agent
        return around[:, row : row + self.settings.view, column : column + self.settings.view].copy()

    def distances(self) -> NDArray[np.int16]:
        """Steps of a shortest way from each square to the goal, (height, width); -1 in walls."""
        row, column = self.goal
        found = distances(self.walls[None], np.array([row * self.settings.width + column]))
        return found.reshape(self.walls.shape)

    def steps_to_goal(self) -> int:
        """Steps of a shortest way from where the agent is to the goal."""
        return int(self.distances()[self.agent])

    def render(self) -> str | NDArray[np.uint8] | None:
        """The maze from above, `A` the agent and `G` the goal: as text, or as a picture of (height, width, 3)."""
        if self.render_mode == "ansi":
            squares = [[SIGNS[wall] for wall in row] for row in self.walls.tolist()]
            squares[self.goal[0]][self.goal[1]] = "G "
            squares[self.agent[0]][self.agent[1]] = "A "
            return "".join("".join(row) + "\n" for row in squares)
        if self.render_mode == "rgb_array":
            return maze_frame(self.walls, self.agent, self.goal)
        return None
