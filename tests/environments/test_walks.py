"""Walks worked out by hand."""

import gymnasium
import numpy as np
import pytest

from chainrule.environments.line_walk import LEFT, RIGHT, LineWalk
from chainrule.environments.maze import Maze
from chainrule.errors import OptionError

STEPS = {0: (-1, 0), 1: (0, 1), 2: (1, 0), 3: (0, -1)}


def test_ten_steps_to_the_right_earn_a_hundred(line):
    assert line.reset(seed=0) == (10, {})
    for place in range(11, 20):
        assert line.step(RIGHT) == (place, 0.0, False, False, {})
    assert line.step(RIGHT) == (20, 100.0, True, False, {})
    assert line.step(LEFT) == (20, 0.0, True, False, {})  # it has ended


def test_ten_steps_to_the_left_cost_a_hundred(line):
    line.reset()
    for _ in range(9):
        line.step(LEFT)
    assert line.step(LEFT) == (0, -100.0, True, False, {})


def test_going_to_and_fro_is_truncated():
    line = LineWalk(half_length=2, max_steps=3)
    line.reset()
    assert [line.step(action)[2:4] for action in (LEFT, RIGHT, LEFT)] == [(False, False), (False, False), (False, True)]
    # An end that is reached with the last step is an end.
    line.reset()
    line = LineWalk(half_length=3, max_steps=3)
    assert [line.step(RIGHT)[1:4] for _ in range(3)][-1] == (100.0, True, False)


def test_the_transition_model_is_what_steps_do(line):
    for state in range(1, 20):
        for action in (LEFT, RIGHT):
            line.reset()
            line.place = state - 10
            [(probability, then, reward, terminated)] = line.P[state][action]
            assert probability == 1
            assert line.step(action)[:3] == (then, reward, terminated)
    assert line.P[0][RIGHT] == [(1.0, 0, 0.0, True)]
    assert line.initial_state_distrib.tolist() == [float(state == 10) for state in range(21)]


def test_the_line_as_text_and_as_a_picture():
    line = LineWalk(half_length=3, render_mode="ansi")
    line.reset()
    line.step(RIGHT)
    assert line.render() == "-···A·+\n"
    picture = LineWalk(half_length=3, render_mode="rgb_array")
    picture.reset()
    assert picture.render().shape == (16, 7 * 16, 3)
    assert picture.render()[8, 3 * 16 + 8].tolist() == [36, 113, 181]
    assert LineWalk().render() is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"half_length": 0}, "half_length is 0; it must be from 1 to 10,000."),
        ({"max_steps": 0}, "max_steps is 0; it must be from 1 to 1,073,741,824."),
    ],
)
def test_a_line_out_of_range_is_refused(given, sentence):
    with pytest.raises(OptionError) as caught:
        LineWalk(**given)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("settings", [{}, {"rows": 3, "columns": 5, "braid": 1.0, "generator": "depth-first"}])
def test_a_shortest_way_ends_at_the_goal_in_as_many_steps(settings):
    maze = Maze(mazes=3, **settings)
    for seed in range(7):
        maze.reset(seed=seed)
        wanted, distances = maze.steps_to_goal(), maze.distances()
        assert wanted > 0
        for step in range(wanted):
            row, column = maze.agent
            down = next(
                a for a, (y, x) in STEPS.items() if distances[row + y, column + x] == distances[row, column] - 1
            )
            _, reward, terminated, truncated, _ = maze.step(np.int64(down))
            assert (terminated, truncated) == (step == wanted - 1, False)
            assert reward == float(terminated)


def test_a_wall_stops_the_agent_and_costs_the_step():
    maze = Maze(rows=1, columns=2, mazes=1, places="corners", max_steps=3, step_reward=-0.5, goal_reward=2.0)
    before, _ = maze.reset(seed=1)
    after, reward, terminated, truncated, _ = maze.step(np.int64(0))
    assert np.array_equal(before, after)
    assert (reward, terminated, truncated) == (-0.5, False, False)
    maze.step(np.int64(1))
    assert maze.step(np.int64(1))[1:4] == (1.5, True, False)
    assert maze.step(np.int64(1))[1:4] == (0.0, True, False)


def test_planes_and_text_of_a_maze_of_two_cells():
    maze = Maze(rows=1, columns=2, mazes=1, places="corners", render_mode="ansi")
    planes, _ = maze.reset(seed=1)
    assert planes[0].tolist() == [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]
    assert np.argwhere(planes[1]).tolist() == [[1, 1]]
    assert np.argwhere(planes[2]).tolist() == [[1, 3]]
    assert maze.render() == "██████████\n██A   G ██\n██████████\n"
    picture = Maze(rows=1, columns=2, mazes=1, places="corners", render_mode="rgb_array")
    picture.reset(seed=1)
    colours = picture.render()[8::16, 8::16]
    assert colours.shape == (3, 5, 3)
    assert colours[1, 1].tolist() == [36, 113, 181]
    assert colours[1, 3].tolist() == [46, 160, 67]
    assert Maze(mazes=1).render() is None


def test_a_view_has_the_agent_in_its_middle_and_walls_beyond_the_maze():
    maze = Maze(rows=1, columns=2, mazes=1, places="corners", view=5)
    planes, _ = maze.reset(seed=1)
    assert planes.shape == (3, 5, 5)
    assert planes[0].tolist() == [[1] * 5, [1] * 5, [1, 1, 0, 0, 0], [1] * 5, [1] * 5]
    assert np.argwhere(planes[1]).tolist() == [[2, 2]]
    assert np.argwhere(planes[2]).tolist() == [[2, 4]]


def test_equal_seeds_begin_equal_episodes():
    one, other = (gymnasium.make("chainrule/Maze-v0", mazes=50) for _ in range(2))
    assert np.array_equal(one.reset(seed=3)[0], other.reset(seed=3)[0])
    assert np.array_equal(one.reset()[0], other.reset()[0])
    assert not np.array_equal(one.reset(seed=4)[0], other.reset(seed=3)[0])
