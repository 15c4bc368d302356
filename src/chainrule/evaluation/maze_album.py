"""A maze drawn at every evaluation as the network then sees it, and the walk through it in the end."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.walks import Tasks, walk_by_table
from chainrule.errors import StorageError
from chainrule.evaluation.maze_pictures import value_frame
from chainrule.evaluation.sheets import as_gif, as_png
from chainrule.runtime.files import write_atomically
from chainrule.training.album import Album
from chainrule.training.loop import Position

WALK = "walk.gif"
MOST_FRAMES = 300  # of it, about


class MazeAlbum:
    """Keeps `samples/step-N.png` and `training.gif` as an album does, and `walk.gif`, the agent's walk.

    Args:
        run: the folder of the run.
        task: one maze.
        values: what the network now thinks of it, (1, squares, actions).
    """

    def __init__(self, run: Path, task: Tasks, values: Callable[[], NDArray[np.float32]]) -> None:
        self._run, self._task, self._values = run, task, values
        self._album = Album(
            run, draw=lambda: as_png(self._frame(int(task.starts[0]), values())), animate=as_gif, warn=lambda _: None
        )

    def _frame(self, agent: int, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        return value_frame(self._task.walls[0], values[0], agent, int(self._task.goals[0]))

    def figures(self, position: Position, line: Mapping[str, Any]) -> None:
        """Draws the picture of an evaluation."""
        self._album.figures(position, line)

    def stepped(self, position: Position) -> None:
        """Nothing is drawn between evaluations."""

    def close(self) -> None:
        """Makes the animations: of the pictures there are, and of the walk as the network now would go."""
        self._album.close()
        values = self._values()
        walk = walk_by_table(self._task, values, longest=values.shape[1])
        # A walk that comes back to a square repeats itself from there on.
        squares = list(dict.fromkeys(walk.squares[: walk.steps[0] + 1, 0].tolist()))
        squares = [*squares[: -1 : max(1, len(squares) // MOST_FRAMES)], squares[-1]]
        # A full disk costs the animation, not the run.
        with contextlib.suppress(OSError, StorageError):
            frames = [as_png(self._frame(square, values)) for square in squares]
            write_atomically(self._run / WALK, as_gif(frames))
