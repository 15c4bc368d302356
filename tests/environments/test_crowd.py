"""A crowd's agents go as `Maze-v0` says, and come back from a state on the disk."""

import numpy as np
import pytest
import torch

from chainrule.environments.crowd import Crowd
from chainrule.environments.maze import Maze
from chainrule.environments.maze_settings import MazeSettings
from chainrule.training.state_tree import read_tree, write_tree

RULES = {"rows": 3, "columns": 4, "step_reward": -0.25, "max_steps": 13}


def crowd(*, seed=5, **changes):
    settings = MazeSettings(**{**RULES, "mazes": 7, **changes})
    return Crowd(settings.pool(), settings, groups=3, agents=5, seed=seed)


def test_every_agent_goes_as_in_a_maze_of_its_own():
    world, draw = crowd(), torch.Generator().manual_seed(1)
    alone = [[Maze(**RULES, mazes=7) for _ in range(5)] for _ in range(3)]

    def begin(group, agent):
        maze = alone[group][agent]
        maze.walls = world.scenes()[group, 0].numpy()
        maze.goal = tuple(np.argwhere(world.scenes()[group, 1].numpy())[0])
        maze.agent, maze.steps = divmod(int(world.places()[group, agent]), 9), 0

    waiting = {(group, agent) for group in range(3) for agent in range(5)}
    ends, just_ended = 0, set()
    for _ in range(150):
        for place in waiting:
            begin(*place)
        actions = torch.randint(4, (3, 5), generator=draw)
        ended_before = just_ended
        outcome = world.step(actions)
        just_ended, waiting = set(), set()
        for group in range(3):
            for agent in range(5):
                got = [float(part[group, agent]) for part in outcome]
                if (group, agent) in ended_before:
                    assert got == [0, 0, 0, 0]
                    waiting.add((group, agent))
                    continue
                _, reward, terminated, truncated, _ = alone[group][agent].step(int(actions[group, agent]))
                assert got == [reward, terminated, truncated, 1]
                assert divmod(int(world.places()[group, agent]), 9) == alone[group][agent].agent
                if terminated or truncated:
                    just_ended.add((group, agent))
                    ends += 1
    assert ends > 20


def test_episodes_begin_in_cells_that_are_not_the_goal():
    world, starts = crowd(), set()
    for _ in range(40):
        world.begin()
        rows, columns = world.places() // 9, world.places() % 9
        assert (rows % 2 == 1).all()
        assert (columns % 2 == 1).all()
        goals = world.scenes()[:, 1].flatten(1).argmax(1)
        assert (world.places() != goals[:, None]).all()
        assert (world.scenes()[:, 1].flatten(1).sum(1) == 1).all()
        starts |= set(world.places().flatten().tolist())
    assert len(starts) == 12
    assert (crowd(places="corners").scenes()[:, 1].flatten(1).argmax(1) == 5 * 9 + 7).all()


@pytest.mark.parametrize("begins", [0, 2])
def test_a_state_on_the_disk_goes_on_with_equal_steps(begins, tmp_path):
    draw = torch.Generator().manual_seed(2)
    actions = torch.randint(4, (60, 3, 5), generator=draw)

    def go(world, some):
        return [torch.stack([part.double() for part in (*world.step(chosen), world.places())]) for chosen in some]

    world, other = crowd(), crowd()
    for _ in range(begins):
        world.begin()
    go(world, actions[:29])
    write_tree(tmp_path, world.state_dict())
    wanted = torch.stack(go(world, actions[29:]))
    world.begin()
    go(other, actions[:11])  # what it was before must not matter
    other.load_state_dict(read_tree(tmp_path))
    assert torch.equal(torch.stack(go(other, actions[29:])), wanted)
    other.begin()
    assert torch.equal(other.scenes(), world.scenes())
    assert torch.equal(other.places(), world.places())


def test_the_seed_decides():
    assert torch.equal(crowd().places(), crowd().places())
    assert not torch.equal(crowd().places(), crowd(seed=6).places())
