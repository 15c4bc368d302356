"""`chainrule/LineWalk-v0`: a line with a good end and a bad one."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from chainrule.environments.frames import line_frame
from chainrule.environments.resets import NO_ACTION
from chainrule.errors import OptionError

LEFT, RIGHT = 0, 1
REWARD = 100.0  # at the right end; its negative at the left one

Transition = tuple[float, int, float, bool]
"""Probability, next state, reward, and whether the episode terminates there."""


def check_line(half_length: int, max_steps: int) -> None:
    """Refuses lines that are no lines.

    Raises:
        OptionError: a number is out of its range.
    """
    if not 1 <= half_length <= 10_000:
        raise OptionError(f"half_length is {half_length}; it must be from 1 to 10,000.")
    if not 1 <= max_steps <= 2**30:
        raise OptionError(f"max_steps is {max_steps}; it must be from 1 to {2**30:,}.")


class LineWalk(gymnasium.Env[np.int64, np.int64]):
    """Steps on a line from -L to L, from its middle to either end.

    The state is the place, numbered from the left: place x is state x + L. Actions are 0, one step left, and 1, one
    step right. At the right end the reward is 100, at the left one -100, and the episode terminates; every other
    reward is 0. After `max_steps` it is truncated. An episode that has ended stands still, without reward, until it is
    reset. Nothing is drawn: every reset is the same.

    `P[state][action]` is a list of (probability, next state, reward, terminated), as in Gymnasium's own environments.

    Args:
        half_length: L, the steps from the middle to an end, in [1, 10,000].
        max_steps: after which an episode is truncated, in [1, 2³⁰].
        render_mode: "ansi" for a line of text, "rgb_array" for a picture.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}  # noqa: RUF012 - so declared

    def __init__(self, *, half_length: int = 10, max_steps: int = 200, render_mode: str | None = None) -> None:
        check_line(half_length, max_steps)
        self.half_length, self.max_steps, self.render_mode = half_length, max_steps, render_mode
        self.observation_space = spaces.Discrete(2 * half_length + 1)
        self.action_space = spaces.Discrete(2)
        self.place, self.steps = 0, 0
        self.shape = (1, 2 * half_length + 1)
        self.initial_state_distrib = np.eye(2 * half_length + 1)[half_length]
        self.P = {
            state: {action: [self._transition(state, action)] for action in (LEFT, RIGHT)}
            for state in range(2 * half_length + 1)
        }

    def _transition(self, state: int, action: int) -> Transition:
        end = 2 * self.half_length
        if state in {0, end}:
            return 1.0, state, 0.0, True
        then = state + (1 if action == RIGHT else -1)
        return 1.0, then, REWARD * ((then == end) - (then == 0)), then in {0, end}

    def _at_an_end(self) -> bool:
        return abs(self.place) == self.half_length

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        """Back to the middle."""
        super().reset(seed=seed, options=options)
        self.place, self.steps = 0, 0
        return self._state(), {}

    def step(self, action: np.int64) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        """One step left or right.

        Raises:
            OptionError: there is no such action.
        """
        if action not in {LEFT, RIGHT}:
            raise OptionError(NO_ACTION.format(2))
        reward = 0.0
        if not self._at_an_end() and self.steps < self.max_steps:
            self.place += 1 if action == RIGHT else -1
            self.steps += 1
            if self._at_an_end():
                reward = REWARD if self.place > 0 else -REWARD
        terminated = self._at_an_end()
        return self._state(), reward, terminated, self.steps >= self.max_steps and not terminated, {}

    def _state(self) -> np.int64:
        return np.int64(self.place + self.half_length)

    def render(self) -> str | NDArray[np.uint8] | None:
        """The line, `A` the agent: as text, or as a picture of (height, width, 3)."""
        if self.render_mode == "ansi":
            line = ["·"] * (2 * self.half_length + 1)
            line[0], line[-1] = "-", "+"
            line[self.place + self.half_length] = "A"
            return "".join(line) + "\n"
        if self.render_mode == "rgb_array":
            return line_frame(2 * self.half_length + 1, self.place + self.half_length)
        return None
