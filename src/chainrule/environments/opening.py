"""Any environment that Gymnasium knows, by its name."""

import hashlib
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import DeprecatedEnv, Error

from chainrule.environments import PLACES
from chainrule.errors import OptionError, UnknownNameError

EASY = (*PLACES, "CartPole-v1", "CliffWalking-v1", "FrozenLake-v1", "Taxi-v4")
"""Those named where nobody can guess what was meant."""
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "Acrobot-v1": ("torque -1", "torque 0", "torque 1"),
    "CartPole-v1": ("left", "right"),
    "CliffWalking-v1": ("up", "right", "down", "left"),
    "FrozenLake-v1": ("left", "down", "right", "up"),
    "FrozenLake8x8-v1": ("left", "down", "right", "up"),
    "MountainCar-v0": ("left", "nothing", "right"),
    "Taxi-v4": ("down", "up", "right", "left", "pick up", "drop off"),
    "chainrule/LineWalk-v0": ("left", "right"),
    "chainrule/Maze-v0": ("up", "right", "down", "left"),
}
"""What actions are called; Gymnasium knows their numbers alone."""


def full_name(name: str) -> str:
    """An environment's name as Gymnasium knows it; this project's own may be given without `chainrule/`.

    Raises:
        UnknownNameError: it knows none of this name.
        OptionError: the name has a module before it.
    """
    if ":" in name:
        raise OptionError(
            f"--environment {name} names a module to import; give the name alone, of an environment that is registered "
            "with Gymnasium: installed packages register theirs by the entry point gymnasium.envs."
        )
    if name not in gymnasium.registry and f"chainrule/{name}" in gymnasium.registry:
        return f"chainrule/{name}"
    try:
        gymnasium.spec(name)
    except DeprecatedEnv as error:
        raise OptionError(f"--environment {name} cannot be had: {str(error).rstrip('.')}.") from error
    except Error as error:
        known = list(gymnasium.registry)
        raise UnknownNameError("environment", name, known if get_close_matches(name, known, n=1) else EASY) from error
    return name


def open_environment(name: str, **settings: Any) -> "gymnasium.Env[Any, Any]":
    """One environment.

    Args:
        name: as Gymnasium knows it, see `full_name`.
        settings: what it is made with.

    Raises:
        UnknownNameError: Gymnasium knows none of this name.
        OptionError: it cannot be made.
    """
    name = full_name(name)
    try:
        return gymnasium.make(name, disable_env_checker=True, **settings)
    except OptionError:
        raise
    except Exception as error:  # whatever another's constructor raises
        reason = " ".join(str(error).split()).rstrip(".")
        raise OptionError(f"--environment {name} cannot be made: {reason}.") from error


def count_actions(environment: "gymnasium.Env[Any, Any]", name: str) -> int:
    """How many actions there are, numbered from 0.

    Raises:
        OptionError: they are not discrete.
    """
    space = environment.action_space
    if not isinstance(space, spaces.Discrete) or space.start != 0:
        raise OptionError(
            f"the actions of {name} are {space}, and Q-learning chooses among a few that are numbered from 0; "
            "take an environment with Discrete actions."
        )
    return int(space.n)


def action_names(name: str, count: int) -> tuple[str, ...]:
    """What the actions are called: their numbers where nobody gave them names."""
    names = ACTIONS.get(name, ())
    return names if len(names) == count else tuple(map(str, range(count)))


def summary_of(environment: "gymnasium.Env[Any, Any]", name: str) -> dict[str, Any]:
    """What `run.json` keeps of an environment; its hash tells whether it is still the same one.

    Args:
        environment: as `open_environment` made it.
        name: as Gymnasium knows it.
    """
    spec = environment.spec
    settings = {} if spec is None else json.loads(json.dumps(spec.kwargs, default=repr))
    told = {
        "name": name,
        "settings": settings,
        "longest_episode": longest_episode(environment),
        "observations": described(environment.observation_space),
        "actions": described(environment.action_space),
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    if isinstance(model := getattr(environment.unwrapped, "P", None), Mapping):
        digest.update(_numbers(model).tobytes())
    return {**told, "kind": "environment", "sha256": digest.hexdigest()}


def longest_episode(environment: "gymnasium.Env[Any, Any]") -> int | None:
    """Steps after which an episode is truncated: by Gymnasium's wrapper, or by the environment itself."""
    wrapped = None if environment.spec is None else environment.spec.max_episode_steps
    own = getattr(environment.unwrapped, "max_steps", None)
    return wrapped or (own if isinstance(own, int) else None)


def described(space: "gymnasium.Space[Any]") -> str:
    """A space in a line, its bounds by their hash where they are arrays."""
    if isinstance(space, spaces.Box):
        bounds = hashlib.sha256(space.low.tobytes() + space.high.tobytes()).hexdigest()[:16]
        return f"Box {space.shape} {space.dtype} {bounds}"
    return " ".join(str(space).split())[:200]


def _numbers(model: Mapping[int, Mapping[int, Any]]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """All numbers of a transition model, in the order of states and actions; none where it is no whole one."""
    try:
        rows = [
            (state, action, *map(float, transition))
            for state in sorted(model)
            for action, transitions in _numbered(model[state])
            for transition in transitions
        ]
        return np.array(rows, np.float64)
    except (TypeError, ValueError):  # learned by stepping, so it does not matter
        return np.zeros(0)


def _numbered(actions: Any) -> list[tuple[int, Any]]:
    """What each action leads to, given by a mapping or a sequence, in the order of actions."""
    return sorted(actions.items() if isinstance(actions, Mapping) else enumerate(actions))
