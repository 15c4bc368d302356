"""Both environments are Gymnasium's, by its own checker, without a warning."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, VectorEnv

import chainrule.environments

CASES = [
    ("chainrule/LineWalk-v0", {}),
    ("chainrule/LineWalk-v0", {"half_length": 3, "max_steps": 5}),
    ("chainrule/Maze-v0", {"mazes": 5}),
    ("chainrule/Maze-v0", {"mazes": 5, "rows": 2, "columns": 5, "generator": "depth-first", "braid": 0.5}),
    ("chainrule/Maze-v0", {"mazes": 5, "rows": 3, "view": 5}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
def test_the_checker_has_nothing_to_say(name, settings, render_mode):
    # Warnings are errors in these tests.
    check_env(gymnasium.make(name, render_mode=render_mode, **settings).unwrapped)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_the_vector_forms_are_found_by_name(name, settings):
    many = gymnasium.make_vec(name, num_envs=7, **settings)
    one = gymnasium.make(name, **settings)
    assert isinstance(many, VectorEnv)
    assert many.num_envs == 7
    assert many.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    assert many.single_observation_space == one.observation_space
    assert many.single_action_space == one.action_space
    states, _ = many.reset(seed=5)
    assert np.asarray(states) in many.observation_space


def test_registering_twice_changes_nothing():
    before = gymnasium.spec("chainrule/Maze-v0")
    chainrule.environments.register()
    assert gymnasium.spec("chainrule/Maze-v0") is before


def test_the_single_forms_load_no_torch():
    program = (
        "import sys, gymnasium, chainrule.environments\n"
        "for name in ('LineWalk', 'Maze'):\n"
        "    gymnasium.make(f'chainrule/{name}-v0').reset(seed=1)\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
