"""The animation of a walk has an end."""

import numpy as np
from PIL import Image

from chainrule.environments.walks import Tasks
from chainrule.evaluation import maze_album
from chainrule.evaluation.maze_album import MazeAlbum

FREE = 13  # squares of one corridor


def frames(tmp_path, goal, actions):
    """How many pictures the walk from the left has, with these actions at the squares of the corridor."""
    walls = np.ones((1, 3, FREE + 2), np.uint8)
    walls[0, 1, 1 : 1 + FREE] = 0
    first = FREE + 3
    values = np.zeros((1, walls.size, 4), np.float32)
    values[0, np.arange(first, first + FREE), actions] = 1
    task = Tasks(walls, np.array([first]), np.array([first + goal]))
    MazeAlbum(tmp_path, task, lambda: values).close()
    with Image.open(tmp_path / "walk.gif") as animation:
        return animation.n_frames


def test_a_walk_that_arrives_is_shown_to_its_end(tmp_path, monkeypatch):
    assert frames(tmp_path, FREE - 1, np.full(FREE, 1)) == FREE
    monkeypatch.setattr(maze_album, "MOST_FRAMES", 5)
    assert frames(tmp_path, FREE - 1, np.full(FREE, 1)) == 7  # every second square, and the last


def test_a_walk_that_goes_round_is_shown_once(tmp_path):
    turning = np.full(FREE, 1)
    turning[3] = 3  # back to square 2, and so on for ever
    assert frames(tmp_path, FREE - 1, turning) == 4
