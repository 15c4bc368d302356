"""Any environment of Gymnasium by its name, and what is refused."""

import json
import warnings

import gymnasium
import numpy as np
import pytest

from chainrule.environments.opening import (
    action_names,
    count_actions,
    full_name,
    open_environment,
    summary_of,
)
from chainrule.errors import OptionError, UnknownNameError


def test_names_with_and_without_the_project():
    assert full_name("LineWalk-v0") == full_name("chainrule/LineWalk-v0") == "chainrule/LineWalk-v0"
    assert full_name("FrozenLake-v1") == "FrozenLake-v1"


def test_an_unknown_name_is_refused_with_the_nearest_or_with_the_easy_ones():
    with pytest.raises(
        UnknownNameError, match="there is no environment named 'FrozenLak-v1'; did you mean 'FrozenLake"
    ):
        open_environment("FrozenLak-v1")
    with pytest.raises(UnknownNameError) as caught:
        open_environment("Nonsense-v0")
    assert str(caught.value) == (
        "there is no environment named 'Nonsense-v0'; known are: CartPole-v1, CliffWalking-v1, FrozenLake-v1, "
        "Taxi-v4, chainrule/LineWalk-v0, chainrule/Maze-v0."
    )


def test_a_module_is_never_imported_by_a_name():
    with pytest.raises(OptionError, match="os:Nonsense-v0 names a module to import; give the name alone"):
        open_environment("os:Nonsense-v0")


def test_an_outdated_version_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(OptionError, match="Taxi-v3 cannot be had: .*use `Taxi-v4` instead"):
            open_environment("Taxi-v3")


def test_what_an_environment_needs_and_is_not_there_is_told():
    # Whatever it lacks here, a package or a setting, is a sentence and no traceback.
    with pytest.raises(OptionError, match="--environment chainrule/Maze-v0 cannot be made: .*'wings'"):
        open_environment("Maze-v0", wings=2)
    with pytest.raises(OptionError, match="rows is 0"):
        open_environment("Maze-v0", rows=0)


def test_actions_are_counted_and_named():
    assert count_actions(open_environment("CartPole-v1"), "CartPole-v1") == 2
    assert action_names("CartPole-v1", 2) == ("left", "right")
    assert action_names("chainrule/Maze-v0", 4) == ("up", "right", "down", "left")
    assert action_names("Unheard-v0", 3) == ("0", "1", "2")
    with pytest.raises(OptionError, match=r"the actions of Pendulum-v1 are Box.* take an environment with Discrete"):
        count_actions(open_environment("Pendulum-v1"), "Pendulum-v1")


def test_the_names_of_actions_are_what_they_do():
    for name in ("FrozenLake-v1", "CliffWalking-v1", "Taxi-v4"):
        environment = gymnasium.make(name, **({"is_slippery": False} if name == "FrozenLake-v1" else {})).unwrapped
        rows, columns, start = {"FrozenLake-v1": (4, 4, 5), "CliffWalking-v1": (4, 12, 17), "Taxi-v4": (5, 5, None)}[
            name
        ]
        for action, word in enumerate(action_names(name, environment.action_space.n)):
            row, column = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}.get(word, (0, 0))
            if start is None:
                state = environment.encode(1, 3, 0, 1)
                there = list(environment.decode(environment.P[state][action][0][1]))[:2]
                wanted = [1 + row, 3 + column]
            else:
                there = environment.P[start - 1 if name == "FrozenLake-v1" else start][action][0][1]
                begin = start - 1 if name == "FrozenLake-v1" else start
                y, x = divmod(begin, columns)
                wanted = min(max(y + row, 0), rows - 1) * columns + min(max(x + column, 0), columns - 1)
            assert there == wanted, (name, word)


def test_the_hash_tells_environments_apart_and_holds():
    def hashed(name, **settings):
        return summary_of(open_environment(name, **settings), name)["sha256"]

    assert hashed("FrozenLake-v1") == hashed("FrozenLake-v1")
    assert hashed("FrozenLake-v1") != hashed("FrozenLake-v1", is_slippery=False)
    assert hashed("chainrule/LineWalk-v0") != hashed("chainrule/LineWalk-v0", half_length=3)
    told = summary_of(open_environment("CartPole-v1"), "CartPole-v1")
    assert (told["name"], told["kind"], told["longest_episode"]) == ("CartPole-v1", "environment", 500)
    assert json.loads(json.dumps(told)) == told


def test_a_model_that_differs_in_one_probability_has_another_hash():
    one, other = (open_environment("FrozenLake-v1") for _ in range(2))
    other.unwrapped.P[3][2][0] = (0.5, *other.unwrapped.P[3][2][0][1:])
    assert summary_of(one, "F")["sha256"] != summary_of(other, "F")["sha256"]
    assert np.isfinite(one.unwrapped.P[3][2][0][0])
