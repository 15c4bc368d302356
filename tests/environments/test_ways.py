"""Walks by a table, at random and along the wall, on mazes small enough to go through by hand."""

import numpy as np

from chainrule.environments.distances import distances
from chainrule.environments.maze_generators import MOVES, make_mazes
from chainrule.environments.walks import Tasks, walk_along_the_wall, walk_at_random, walk_by_table

CORRIDOR = np.array([[1] * 6, [1, 0, 0, 0, 0, 1], [1] * 6], np.uint8)  # squares 7, 8, 9, 10


def corridor(start, goal):
    return Tasks(CORRIDOR[None], np.array([start]), np.array([goal]))


def many(count, rows=3, columns=4):
    walls = make_mazes(np.arange(count), rows=rows, columns=columns)
    draw, cells = np.random.default_rng(1), np.array([9 * r + c for r in (1, 3, 5) for c in (1, 3, 5, 7)])
    return Tasks(walls, draw.choice(cells, count), draw.choice(cells, count))


def best_table(tasks):
    """Minus the steps to the goal from where each action leads."""
    count, height, width = tasks.walls.shape
    away = distances(tasks.walls, tasks.goals).reshape(count, -1).astype(np.float32)
    away[away < 0] = 1000
    squares = np.arange(height * width)
    return np.stack([-away[:, (squares + row * width + column) % (height * width)] for row, column in MOVES], axis=2)


def test_the_best_table_goes_a_shortest_way():
    tasks = many(23)
    walks = walk_by_table(tasks, best_table(tasks), longest=100)
    assert walks.solved.all()
    assert np.array_equal(walks.steps, tasks.shortest())
    for maze in range(23):
        way = walks.squares[: walks.steps[maze] + 1, maze]
        assert way[0] == tasks.starts[maze]
        assert way[-1] == tasks.goals[maze]
        assert (tasks.walls[maze].ravel()[way] == 0).all()
        assert set(np.abs(np.diff(way))) <= {1, 9}


def test_who_goes_round_for_ever_has_not_solved_it():
    values = np.zeros((1, 18, 4), np.float32)
    values[0, 7, 1] = values[0, 8, 3] = 1  # right, and left again
    walks = walk_by_table(corridor(7, 10), values, longest=1000)
    assert walks.solved.tolist() == [False]
    assert walks.steps.tolist() == [18]
    assert walks.squares[:4, 0].tolist() == [7, 8, 7, 8]


def test_who_gives_up_too_early_has_not_solved_it():
    tasks, right = corridor(7, 10), np.zeros((1, 18, 4), np.float32)
    right[..., 1] = 1
    assert walk_by_table(tasks, right, longest=2).solved.tolist() == [False]
    assert walk_by_table(tasks, right, longest=3).solved.tolist() == [True]
    assert walk_by_table(corridor(9, 9), right, longest=3).steps.tolist() == [0]


def test_along_the_wall_every_perfect_maze_is_solved():
    tasks = many(31)
    walks = walk_along_the_wall(tasks, longest=2 * 63)
    assert walks.solved.all()
    assert (walks.steps >= tasks.shortest()).all()
    assert (walks.steps > tasks.shortest()).any()


def test_along_the_wall_by_hand():
    """From the middle of a corridor, facing up: right to its end, and all the way back."""
    walks = walk_along_the_wall(corridor(8, 7), longest=99)
    assert walks.squares[:, 0].tolist() == [8, 9, 10, 9, 8, 7]


def test_a_random_walk_is_the_same_every_time_and_stays_in_the_maze():
    tasks = many(31)
    one, two = (walk_at_random(tasks, longest=400, seed=3) for _ in range(2))
    assert np.array_equal(one.squares, two.squares)
    assert 0 < one.solved.mean() <= 1
    assert not np.array_equal(one.squares, walk_at_random(tasks, longest=400, seed=4).squares)
    assert all((tasks.walls[maze].ravel()[one.squares[:, maze]] == 0).all() for maze in range(31))


def test_scenes_are_walls_and_goal():
    scenes = corridor(7, 10).scenes()
    assert np.array_equal(scenes[0, 0], CORRIDOR)
    assert np.flatnonzero(scenes[0, 1]).tolist() == [10]
