"""Perfect and braided mazes, many at once.

Cells stand in rows and columns; a maze of N by M cells is drawn on 2N + 1 by 2M + 1 squares, cells and the passages
between them free, all else wall. A perfect maze is a spanning tree of the cells: one way between any two. Braiding
opens a wall beside dead ends, and closes loops so.

A maze is a function of the seed and its number, whatever others are made with it.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chainrule.runtime.draws import draws_of_each

MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
"""Row and column of one step up, right, down, left."""
AT_ONCE = 4096  # mazes, so that what is made stays in the processor's cache
NONE = -1


@lru_cache(maxsize=16)
def grid(rows: int, columns: int) -> NDArray[np.int64]:
    """The cell on each side of each cell, (cells, 4); -1 where the grid ends."""
    places = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)[:, None] + MOVES  # (cells, 4, 2)
    inside = ((places >= 0) & (places < (rows, columns))).all(axis=2)
    return np.where(inside, places[..., 0] * columns + places[..., 1], NONE)


def wilson(numbers: NDArray[np.int64], rows: int, columns: int, seed: int) -> NDArray[np.int64]:
    """Spanning trees, each as probable as any other.

    Every cell but the root points to a neighbour. Where the arrows close a cycle, all on it are drawn anew, until
    there is no cycle. It does not matter in what order cycles are popped (Wilson, "Generating random spanning trees
    more quickly than the cover time", STOC 1996), so all are at once.

    Args:
        numbers: (mazes,) their numbers.
        rows: of cells.
        columns: of cells.
        seed: of all mazes.

    Returns:
        (mazes, cells) directions, 0 to 3, from each cell towards the root, which has -1.
    """
    beside, cells = grid(rows, columns), rows * columns
    degrees = (beside != NONE).sum(axis=1)
    choices = np.argsort(beside == NONE, axis=1, kind="stable")  # (cells, 4) directions, those inside first
    directions = np.zeros((len(numbers), cells), np.int64)
    arrows = np.zeros((len(numbers), cells), np.int64)
    going, turn = np.arange(len(numbers)), 0
    popped = np.ones((len(numbers), cells), np.bool_)
    popped[:, 0] = False
    while len(going):
        places, drawn = popped.nonzero()
        mazes = going[places]
        bits = draws_of_each(seed, "wilson", rows, columns, turn, numbers=numbers[mazes] * cells + drawn)
        ways = choices[drawn, (bits % degrees[drawn].astype(np.uint64)).astype(np.int64)]
        directions[mazes, drawn], arrows[mazes, drawn] = ways, beside[drawn, ways]
        popped = _on_cycles(arrows[going])
        left = popped.any(axis=1)
        going, popped, turn = going[left], popped[left], turn + 1
    directions[:, 0] = NONE
    return directions


def _on_cycles(arrows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which cells lie on a cycle of arrows, (mazes, cells), but for the root, cell 0, which points to itself.

    Those alone are still reached after as many arrows as there are cells; each turn doubles how many are followed.
    """
    reached = arrows
    for _ in range(int(arrows.shape[1]).bit_length()):
        reached = np.take_along_axis(reached, reached, axis=1)
    found = np.zeros(arrows.shape, np.bool_)
    np.put_along_axis(found, reached, values=True, axis=1)
    found[:, 0] = False
    return found


def depth_first(numbers: NDArray[np.int64], rows: int, columns: int, seed: int) -> NDArray[np.int64]:
    """Spanning trees with long corridors: a walk to new cells that goes back where there are none.

    Takes and returns what `wilson` does; the root is drawn.
    """
    beside, cells, mazes = grid(rows, columns), rows * columns, np.arange(len(numbers))
    directions = np.full((len(numbers), cells), NONE, np.int64)
    way = np.zeros((len(numbers), cells), np.int64)  # from the root to where the walk is
    depth = np.zeros(len(numbers), np.int64)
    drawn = draws_of_each(seed, "root", rows, columns, numbers=numbers)
    way[:, 0] = (drawn % np.uint64(cells)).astype(np.int64)
    seen = np.zeros((len(numbers), cells), np.bool_)
    seen[mazes, way[:, 0]] = True
    for turn in range(2 * cells - 2):  # there and back again
        here = way[mazes, depth]
        free = (beside[here] != NONE) & ~seen[mazes[:, None], beside[here]]  # (mazes, 4)
        bits = draws_of_each(seed, "depth-first", rows, columns, turn, numbers=numbers)
        moves = free.any(axis=1)
        chosen = _chosen(free[moves], bits[moves])
        new, walking = beside[here[moves], chosen], mazes[moves]
        directions[walking, new] = (chosen + 2) % 4
        seen[walking, new] = True
        depth = np.maximum(depth + np.where(moves, 1, -1), 0)
        way[walking, depth[walking]] = new
    return directions


def _chosen(free: NDArray[np.bool_], bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    """One of the free directions of each row, (rows, 4), by its random bits; each row has at least one."""
    wanted = bits % free.sum(axis=1).astype(np.uint64)
    return np.asarray((free.cumsum(axis=1) > wanted.astype(np.int64)[:, None]).argmax(axis=1))


GENERATORS: dict[str, Callable[[NDArray[np.int64], int, int, int], NDArray[np.int64]]] = {
    "wilson": wilson,
    "depth-first": depth_first,
}


def carved(directions: NDArray[np.int64], rows: int, columns: int) -> NDArray[np.uint8]:
    """The walls of mazes, (mazes, 2 rows + 1, 2 columns + 1), 1 where there is one.

    Args:
        directions: (mazes, cells), the passage that leaves each cell; -1 where none does.
        rows: of cells.
        columns: of cells.
    """
    walls = np.ones((len(directions), 2 * rows + 1, 2 * columns + 1), np.uint8)
    walls[:, 1::2, 1::2] = 0
    mazes, cells = (directions != NONE).nonzero()
    _open(walls, mazes, cells, directions[mazes, cells], columns)
    return walls


def _open(
    walls: NDArray[np.uint8], mazes: NDArray[np.int64], cells: NDArray[np.int64], ways: NDArray[np.int64], columns: int
) -> None:
    """Opens the square on one side of each of these cells."""
    across = np.stack(np.divmod(cells, columns), axis=1) * 2 + 1 + MOVES[ways]
    walls[mazes, across[:, 0], across[:, 1]] = 0


def braided(walls: NDArray[np.uint8], numbers: NDArray[np.int64], share: float, seed: int) -> NDArray[np.uint8]:
    """Opens a wall beside dead ends.

    Args:
        walls: (mazes, height, width) of perfect mazes.
        numbers: (mazes,) their numbers.
        share: the probability with which each dead end is opened, in [0, 1]; 1 leaves none.
        seed: of all mazes.
    """
    _, height, width = walls.shape
    rows, columns = height // 2, width // 2
    inside = grid(rows, columns) != NONE
    down, right = np.arange(1, height, 2)[:, None], np.arange(1, width, 2)
    sides = [walls[:, down + row, right + column] for row, column in MOVES]  # each (mazes, rows, columns)
    closed = np.stack(sides, axis=-1).reshape(len(walls), rows * columns, 4) == 1
    mazes, cells = (closed.sum(axis=2) == 3).nonzero()
    shape = (rows, columns)
    bits = draws_of_each(seed, "dead end", *shape, numbers=numbers[mazes] * rows * columns + cells)
    free = closed[mazes, cells] & inside[cells]
    chosen = (bits.astype(np.float64) < share * 2.0**64) & free.any(axis=1)
    mazes, cells, free = mazes[chosen], cells[chosen], free[chosen]
    bits = draws_of_each(seed, "braid", *shape, numbers=numbers[mazes] * rows * columns + cells)
    result = walls.copy()
    _open(result, mazes, cells, _chosen(free, bits), columns)
    return result


def make_mazes(
    numbers: NDArray[np.int64], *, rows: int, columns: int, generator: str = "wilson", braid: float = 0.0, seed: int = 0
) -> NDArray[np.uint8]:
    """The walls of mazes, (mazes, 2 rows + 1, 2 columns + 1) uint8, 1 where there is one.

    Args:
        numbers: (mazes,) which, ≥ 0.
        rows: of cells, ≥ 1.
        columns: of cells, ≥ 1.
        generator: "wilson" or "depth-first".
        braid: the share of dead ends to open, in [0, 1].
        seed: of all mazes, ≥ 0.
    """
    parts = [numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE)]
    made = [carved(GENERATORS[generator](part, rows, columns, seed), rows, columns) for part in parts]
    if braid:
        made = [braided(walls, part, braid, seed) for walls, part in zip(made, parts, strict=True)]
    return np.concatenate(made)
