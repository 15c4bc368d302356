"""Walks through mazes: by what a table says is best, at random, or along a wall."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.distances import distances
from chainrule.environments.maze_generators import MOVES
from chainrule.runtime.draws import draws_of_each


class Tasks(NamedTuple):
    """Mazes, each with a start and a goal; squares are numbered row by row."""

    walls: NDArray[np.uint8]
    """(mazes, height, width), 1 where there is a wall."""
    starts: NDArray[np.int64]
    """(mazes,)"""
    goals: NDArray[np.int64]
    """(mazes,)"""

    def scenes(self) -> NDArray[np.uint8]:
        """Walls and goal as planes, (mazes, 2, height, width)."""
        planes = np.zeros((len(self.walls), 2, *self.walls.shape[1:]), np.uint8)
        planes[:, 0] = self.walls
        planes[:, 1].reshape(len(planes), -1)[np.arange(len(planes)), self.goals] = 1
        return planes

    def shortest(self) -> NDArray[np.int64]:
        """Steps of a shortest way from each start to its goal, (mazes,); -1 where there is none."""
        away = distances(self.walls, self.goals).reshape(len(self.walls), -1)
        return np.asarray(away[np.arange(len(away)), self.starts], np.int64)


class Walks(NamedTuple):
    """How agents went."""

    solved: NDArray[np.bool_]
    """Whether each reached its goal, (mazes,)."""
    steps: NDArray[np.int64]
    """Until then, or in all, (mazes,)."""
    squares: NDArray[np.int64]
    """Where each was, from its start on, (longest + 1, mazes); at the goal an agent stays."""


def walk_by_table(tasks: Tasks, values: NDArray[np.float32], *, longest: int) -> Walks:
    """Always the best action.

    Args:
        tasks: the mazes.
        values: what each action is worth, (mazes, squares, actions).
        longest: steps after which an agent that has not arrived gives up.
    """
    best = values.argmax(axis=2)
    mazes = np.arange(len(best))
    # Who stands twice at one square goes round for ever.
    longest = min(longest, best.shape[1])
    return _walk(tasks, lambda squares, _: best[mazes, squares], longest)


def walk_at_random(tasks: Tasks, *, longest: int, seed: int) -> Walks:
    """Any action, all alike, drawn for each maze and step."""
    mazes = np.arange(len(tasks.walls))

    def any_action(_: NDArray[np.int64], step: int) -> NDArray[np.int64]:
        bits = draws_of_each(seed, "random walk", step, numbers=mazes)
        return np.asarray(bits % np.uint64(len(MOVES)), np.int64)

    return _walk(tasks, any_action, longest)


def walk_along_the_wall(tasks: Tasks, *, longest: int) -> Walks:
    """Right where one can, else straight on, else left, else back: it finds every goal of a perfect maze."""
    count, _, width = tasks.walls.shape
    steps, flat = MOVES @ (width, 1), tasks.walls.reshape(count, -1)
    mazes, facing = np.arange(count), np.zeros(count, np.int64)

    def right_hand(squares: NDArray[np.int64], _: int) -> NDArray[np.int64]:
        nonlocal facing
        turns = np.array([1, 0, 3, 2])  # in the order of preference
        ways = (facing[:, None] + turns) % 4
        free = flat[mazes[:, None], squares[:, None] + steps[ways]] == 0
        facing = np.asarray(ways[mazes, free.argmax(axis=1)])
        return facing

    return _walk(tasks, right_hand, longest)


def _walk(tasks: Tasks, choose: Callable[[NDArray[np.int64], int], NDArray[np.int64]], longest: int) -> Walks:
    count, _, width = tasks.walls.shape
    moves, flat, mazes = MOVES @ (width, 1), tasks.walls.reshape(count, -1), np.arange(count)
    squares, went = tasks.starts.copy(), [tasks.starts.copy()]
    steps = np.zeros(count, np.int64)
    for number in range(longest):
        going = squares != tasks.goals
        if not going.any():
            break
        ahead = squares + moves[choose(squares, number)]
        squares = np.where(going & (flat[mazes, ahead] == 0), ahead, squares)
        steps += going
        went.append(squares)
    return Walks(squares == tasks.goals, steps, np.stack(went))
