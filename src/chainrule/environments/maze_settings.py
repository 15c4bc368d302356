"""What both forms of `chainrule/Maze-v0` share: the settings, the mazes, and what a reset draws."""

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from operator import index
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.maze_generators import GENERATORS, make_mazes
from chainrule.errors import OptionError
from chainrule.runtime.draws import words_of_each

PLANES = ("walls", "agent", "goal")
MOST_CELLS, MOST_MAZES = 10_000, 10_000_000
MOST_SQUARES = 2**32  # of a pool, a byte each


class Start(NamedTuple):
    """How episodes begin; all are (resets,)."""

    mazes: NDArray[np.int64]
    """Places in the pool, from 0."""
    agents: NDArray[np.int64]
    """Squares, row · width + column."""
    goals: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class MazeSettings:
    """A set of mazes and the rules in them.

    Raises:
        OptionError: a value is out of its range.
    """

    rows: int = 7
    """Of cells, ≥ 1; the maze has 2 rows + 1 squares from top to bottom."""
    columns: int = 7
    """Of cells, ≥ 1; 2 columns + 1 squares from left to right."""
    generator: Literal["wilson", "depth-first"] = "wilson"
    """`wilson` makes each perfect maze as often as any other, `depth-first` those with long corridors."""
    braid: float = 0.0
    """Share of the dead ends that are opened, in [0, 1]; a perfect maze has 0."""
    mazes: int = 1000
    """In the pool, ≥ 1; all are made once, when the environment is."""
    first_maze: int = 0
    """Number of the pool's first, ≥ 0. A maze is a function of its number, of `maze_seed` and of the four above."""
    maze_seed: int = 0
    """≥ 0."""
    places: Literal["random", "corners"] = "random"
    """Where an episode begins and where the goal is: in two cells drawn, or top left and bottom right."""
    view: int | None = None
    """Squares a side that the agent sees, itself in the middle, odd, ≥ 3; the whole maze where None."""
    max_steps: int | None = None
    """After which an episode is truncated, ≥ 1; twice the squares of the maze where None."""
    goal_reward: float = 1.0
    """For the step that reaches the goal."""
    step_reward: float = 0.0
    """For every step, that to the goal too."""

    def __post_init__(self) -> None:
        """Refuses values out of range, and what is no number."""
        self._check_numbers()
        if self.generator not in GENERATORS:
            raise OptionError(f"generator is {self.generator!r}; it must be one of: {', '.join(GENERATORS)}.")
        if self.places not in {"random", "corners"}:
            raise OptionError(f"places is {self.places!r}; it must be one of: random, corners.")
        ranges = {"rows": (1, MOST_CELLS), "columns": (1, MOST_CELLS), "braid": (0, 1), "mazes": (1, MOST_MAZES)}
        ranges |= {"first_maze": (0, 2**40), "maze_seed": (0, 2**63 - 1), "max_steps": (1, 2**30)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise OptionError(f"{name} is {value}; it must be from {low:,} to {high:,}.")
        if not 2 <= self.rows * self.columns <= MOST_CELLS:
            raise OptionError(
                f"{self.rows} x {self.columns} cells are no maze; there must be from 2 to {MOST_CELLS:,}."
            )
        if self.view is not None and (self.view < 3 or self.view % 2 == 0):
            raise OptionError(f"view is {self.view}; it must be odd and at least 3.")
        self._check_size()

    def _check_size(self) -> None:
        if (squares := self.mazes * self.height * self.width) > MOST_SQUARES:
            raise OptionError(
                f"{self.mazes:,} mazes of {self.rows} x {self.columns} cells are {squares:,} squares, and a pool holds "
                f"at most {MOST_SQUARES:,}; take fewer or smaller ones."
            )

    def _check_numbers(self) -> None:
        for name in ("rows", "columns", "mazes", "first_maze", "maze_seed", "view", "max_steps"):
            if (value := getattr(self, name)) is not None:
                try:  # mazes depend on the numbers, and not on whose integers they are
                    object.__setattr__(self, name, index(value))
                except TypeError as error:
                    raise OptionError(f"{name} is {value!r}; it must be a whole number.") from error
        for name in ("goal_reward", "step_reward"):
            if not isfinite(value := getattr(self, name)):
                raise OptionError(f"{name} is {value}; it must be finite.")

    @property
    def height(self) -> int:
        """Squares from top to bottom."""
        return 2 * self.rows + 1

    @property
    def width(self) -> int:
        """Squares from left to right."""
        return 2 * self.columns + 1

    @property
    def longest(self) -> int:
        """Steps after which an episode is truncated."""
        return self.max_steps or 2 * self.height * self.width

    @property
    def observed(self) -> tuple[int, int, int]:
        """Shape of an observation: planes, height, width."""
        return (len(PLANES), *((self.height, self.width) if self.view is None else (self.view, self.view)))

    def pool(self) -> NDArray[np.uint8]:
        """The walls of all mazes, (mazes, height, width), 1 where there is one; made once a process."""
        return _pool(
            self.first_maze,
            self.mazes,
            size=(self.rows, self.columns),
            kind=self.generator,
            braid=float(self.braid),
            seed=self.maze_seed,
        )

    def starts(self, seeds: NDArray[np.int64]) -> Start:
        """What resets draw: the maze, the agent's cell, and the goal's among the others.

        Args:
            seeds: (resets,) one of each, ≥ 0.
        """
        cells = self.rows * self.columns
        words = words_of_each(seeds, 3)
        mazes, agents, further = (
            (words[:, n] % np.uint64(m)).astype(np.int64) for n, m in enumerate((self.mazes, cells, cells - 1))
        )
        goals = (agents + 1 + further) % cells
        if self.places == "corners":
            agents, goals = np.zeros_like(agents), np.full_like(goals, cells - 1)
        return Start(mazes, self._square(agents), self._square(goals))

    def _square(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        rows, columns = np.divmod(cells, self.columns)
        return np.asarray((2 * rows + 1) * self.width + 2 * columns + 1)


@lru_cache(maxsize=8)
def _pool(first: int, count: int, *, size: tuple[int, int], kind: str, braid: float, seed: int) -> NDArray[np.uint8]:
    numbers = np.arange(first, first + count)
    walls = make_mazes(numbers, rows=size[0], columns=size[1], generator=kind, braid=braid, seed=seed)
    walls.flags.writeable = False
    return walls
