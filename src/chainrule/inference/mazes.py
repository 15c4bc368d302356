"""Ways through mazes that are given as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from chainrule.environments.walks import Tasks, walk_by_table
from chainrule.errors import DataError, ModelFolderError, NotFiniteError
from chainrule.inference.inputs import listed
from chainrule.inference.maze_texts import read_maze, read_mazes
from chainrule.models.folder import ModelConfig
from chainrule.models.value_iteration import ValueIteration
from chainrule.runtime.devices import Compute

TASK = "maze-reinforcement-learning"
AT_ONCE = 250_000  # squares
LETTERS = np.array(["U", "R", "D", "L"])


def maze_values(
    network: nn.Module, scenes: UInt8[np.ndarray, "mazes 2 height width"], compute: Compute
) -> Float[np.ndarray, "mazes squares actions"]:
    """What a network says each action is worth, at every square.

    Args:
        network: on the device of `compute`.
        scenes: walls and goals as planes of 0 and 1.
        compute: where; always in float32, since small differences decide the way.

    Raises:
        NotFiniteError: a value is infinite or not a number.
    """
    many = max(1, AT_ONCE // (scenes.shape[2] * scenes.shape[3]))
    found = []
    with torch.no_grad():
        for start in range(0, len(scenes), many):
            part = torch.from_numpy(scenes[start : start + many]).to(compute.device)
            found.append(network(part.float()).cpu().numpy())
    values = np.concatenate(found)
    if not np.isfinite(values).all():
        raise NotFiniteError("the network gives values that are not finite: its weights are damaged; train it again.")
    return values


class MazePredictor:
    """Goes through mazes by what the network thinks best at each square."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        if not isinstance(model, ValueIteration):
            raise ModelFolderError(f"{folder} holds a {config.family!r}, which is no network for mazes.")
        if model.actions != len(LETTERS):
            raise ModelFolderError(f"{folder} holds a network for {model.actions} actions, and mazes have four.")
        self.config = config
        self.network = model.to(compute.device)
        self._compute = compute

    def values(self, tasks: Tasks) -> Float[np.ndarray, "mazes squares actions"]:
        """What each action is worth, at every square."""
        with self._compute.active():
            return maze_values(self.network, tasks.scenes(), self._compute)

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """The way through each maze.

        Args:
            inputs: mazes as text, or paths of files that hold one; see `read_maze`.

        Returns:
            For each `path`, a letter a step: U up, R right, D down, L left; `solved`, whether it leads to the goal;
            `steps`, how many they are; and `shortest`, the steps of a shortest way, None where there is no way.
        """
        return [self._answer(self._understood(number, given)) for number, given in enumerate(listed(inputs), 1)]

    def _understood(self, number: int, given: Any) -> Tasks:
        if isinstance(given, Path) or (isinstance(given, str) and "\n" not in given.strip("\n")):
            mazes = list(read_mazes(Path(given)))
            if len(mazes) != 1:
                raise DataError(f"{given} holds {len(mazes)} mazes; give it as --data, or a file with one.")
            return read_maze(mazes[0], str(given))
        if not isinstance(given, str):
            raise DataError(
                f"input {number} is {type(given).__name__}; this model takes mazes as text, or their files."
            )
        return read_maze(given, f"input {number}")

    def _answer(self, task: Tasks) -> dict[str, Any]:
        values, shortest = self.values(task), int(task.shortest()[0])
        walks = walk_by_table(task, values, longest=values.shape[1])
        squares = walks.squares[: walks.steps[0], 0]  # where each step began
        path = "".join(LETTERS[values[0, squares].argmax(axis=1)])
        solved = bool(walks.solved[0])
        return {
            "path": path,
            "solved": solved,
            "steps": len(path),
            "shortest": None if shortest < 0 else shortest,
        }

    def example(self) -> str:
        """A small maze."""
        return "#####\n#A..#\n###.#\n#G..#\n#####"

    def read_inputs(self, path: Path) -> Iterator[str]:
        """The mazes in a file, with an empty line between one and the next."""
        return read_mazes(path)
