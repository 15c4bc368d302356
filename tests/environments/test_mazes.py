"""Mazes: trees, uniform, braided, a function of their number; and the ways through them."""

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from chainrule.environments.distances import distances
from chainrule.environments.maze_generators import GENERATORS, make_mazes
from chainrule.environments.maze_settings import MazeSettings
from chainrule.errors import OptionError

KINDS = sorted(GENERATORS)


def passages(walls):
    """How many squares between cells are free."""
    return int((walls[1::2, 2:-1:2] == 0).sum() + (walls[2:-1:2, 1::2] == 0).sum())


def ways(walls, goal):
    """A plain breadth-first search with a queue."""
    found, queue = {goal: 0}, deque([goal])
    while queue:
        row, column = queue.popleft()
        for beside in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if walls[beside] == 0 and beside not in found:
                found[beside] = found[row, column] + 1
                queue.append(beside)
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(KINDS), st.integers(0, 2**40), st.integers(0, 1000))
def test_a_perfect_maze_is_a_spanning_tree(rows, columns, kind, number, seed):
    walls = make_mazes(np.array([number]), rows=rows, columns=columns, generator=kind, seed=seed)[0]
    assert walls.shape == (2 * rows + 1, 2 * columns + 1)
    assert walls[[0, -1]].all()
    assert walls[:, [0, -1]].all()
    assert walls[2:-1:2, 2:-1:2].all()
    cells = rows * columns
    assert passages(walls) == cells - 1
    assert len(ways(walls, (1, 1))) == 2 * cells - 1


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from(KINDS), st.floats(0, 1), st.integers(0, 1000))
def test_the_distances_are_those_of_a_plain_search(rows, columns, kind, braid, number):
    walls = make_mazes(np.arange(number, number + 3), rows=rows, columns=columns, generator=kind, braid=braid)
    width = 2 * columns + 1
    goals = [(1, 1), (2 * rows - 1, 1), (2 * rows - 1, 2 * columns - 1)]
    found = distances(walls, np.array([row * width + column for row, column in goals]))
    for maze, goal, own in zip(walls, goals, found, strict=True):
        wanted = np.full(maze.shape, -1, np.int16)
        for square, distance in ways(maze, goal).items():
            wanted[square] = distance
        assert np.array_equal(own, wanted)


def test_a_square_that_no_way_leads_to_has_no_distance():
    walls = np.array([[[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]]], np.uint8)
    assert distances(walls, np.array([6])).tolist() == [[[-1] * 5, [-1, 0, -1, -1, -1], [-1] * 5]]


def spanning_trees(rows, columns):
    """Their number by Kirchhoff's theorem: any cofactor of the Laplacian."""
    cells = rows * columns
    laplacian = np.zeros((cells, cells))
    for cell in range(cells):
        row, column = divmod(cell, columns)
        for beside in ((row, column + 1), (row + 1, column)):
            if beside[0] < rows and beside[1] < columns:
                other = beside[0] * columns + beside[1]
                laplacian[[cell, other], [other, cell]] -= 1
                laplacian[[cell, other], [cell, other]] += 1
    return round(np.linalg.det(laplacian[1:, 1:]))


@pytest.mark.parametrize(("rows", "columns", "trees"), [(3, 2, 15), (2, 3, 15), (2, 2, 4), (3, 3, 192)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wilson_makes_each_maze_as_often_as_any_other(rows, columns, trees, seed):
    assert spanning_trees(rows, columns) == trees
    count = 200 * trees
    walls = make_mazes(np.arange(count), rows=rows, columns=columns, seed=seed)
    kinds, counts = np.unique(walls.reshape(count, -1), axis=0, return_counts=True)
    assert len(kinds) == trees
    assert chisquare(counts).pvalue > 0.001


def test_depth_first_makes_longer_corridors_and_is_not_uniform():
    count = 3000
    walls = make_mazes(np.arange(count), rows=3, columns=3, generator="depth-first")
    _, counts = np.unique(walls.reshape(count, -1), axis=0, return_counts=True)
    assert chisquare(np.append(counts, np.zeros(192 - len(counts)))).pvalue < 1e-9
    assert dead_ends(walls) < dead_ends(make_mazes(np.arange(count), rows=3, columns=3))


def dead_ends(walls):
    sides = walls[:, 0:-2:2, 1::2] + walls[:, 2::2, 1::2] + walls[:, 1::2, 0:-2:2] + walls[:, 1::2, 2::2]
    return int((sides == 3).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_a_maze_depends_on_its_number_and_not_on_its_neighbours(kind):
    numbers = np.array([3, 1000003, 7, 3])
    together = make_mazes(numbers, rows=5, columns=7, generator=kind, braid=0.5, seed=11)
    for number, maze in zip(numbers, together, strict=True):
        alone = make_mazes(np.array([number]), rows=5, columns=7, generator=kind, braid=0.5, seed=11)
        assert np.array_equal(alone[0], maze)
    other = make_mazes(numbers, rows=5, columns=7, generator=kind, braid=0.5, seed=12)
    assert not np.array_equal(other, together)


@pytest.mark.parametrize("kind", KINDS)
def test_braiding_opens_dead_ends_and_closes_nothing(kind):
    perfect = make_mazes(np.arange(300), rows=5, columns=7, generator=kind)
    half = make_mazes(np.arange(300), rows=5, columns=7, generator=kind, braid=0.5)
    whole = make_mazes(np.arange(300), rows=5, columns=7, generator=kind, braid=1.0)
    assert dead_ends(whole) == 0
    assert (half <= perfect).all()
    assert (whole <= perfect).all()
    left = dead_ends(half) / dead_ends(perfect)
    assert 0.25 < left < 0.5  # opening one dead end may open the one beside it too


def test_what_a_reset_draws_is_uniform():
    chosen = MazeSettings(rows=2, columns=3, mazes=5)
    start = chosen.starts(np.arange(9000))
    pairs = np.unique(np.stack([start.mazes, start.agents, start.goals]), axis=1, return_counts=True)
    assert len(pairs[1]) == 5 * 6 * 5
    assert chisquare(pairs[1]).pvalue > 0.001
    assert (start.agents != start.goals).all()
    corners = MazeSettings(rows=2, columns=3, mazes=5, places="corners").starts(np.arange(7))
    assert corners.agents.tolist() == [8] * 7
    assert corners.goals.tolist() == [26] * 7


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rows": 0}, "rows is 0; it must be from 1 to 10,000."),
        ({"rows": 1, "columns": 1}, "1 x 1 cells are no maze; there must be from 2 to 10,000."),
        ({"braid": math.nan}, "braid is nan; it must be from 0 to 1."),
        ({"mazes": 0}, "mazes is 0; it must be from 1 to 10,000,000."),
        ({"view": 4}, "view is 4; it must be odd and at least 3."),
        ({"generator": "prim"}, "generator is 'prim'; it must be one of: wilson, depth-first."),
        ({"places": "far"}, "places is 'far'; it must be one of: random, corners."),
        ({"rows": 2.5}, "rows is 2.5; it must be a whole number."),
        ({"goal_reward": math.inf}, "goal_reward is inf; it must be finite."),
        (
            {"rows": 100, "columns": 100, "mazes": 10**6},
            (
                "1,000,000 mazes of 100 x 100 cells are 40,401,000,000 squares, and a pool holds at most "
                "4,294,967,296; take fewer or smaller ones."
            ),
        ),
        ({"max_steps": 0}, "max_steps is 0; it must be from 1 to 1,073,741,824."),
    ],
)
def test_settings_out_of_range_are_refused(given, sentence):
    with pytest.raises(OptionError) as caught:
        MazeSettings(**given)
    assert str(caught.value) == sentence


def test_mazes_do_not_depend_on_whose_integers_the_settings_are():
    own = MazeSettings(rows=3, columns=5, mazes=7, maze_seed=2)
    numpys = MazeSettings(rows=np.int64(3), columns=np.int64(5), mazes=np.int64(7), maze_seed=np.int64(2))
    assert all(type(getattr(numpys, name)) is int for name in ("rows", "columns", "mazes", "maze_seed"))
    assert np.array_equal(own.pool(), numpys.pool())
