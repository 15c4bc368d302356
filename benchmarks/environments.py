"""Steps a second of the environments' vector forms, beside Gymnasium's `SyncVectorEnv` over the single forms.

    python -m benchmarks.environments

Every contestant takes random actions, drawn before, and resets what has ended; what it does is the same but for how
many environments there are. A turn is as many steps as `STEPS_A_TURN` says, of all environments together.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import chainrule.environments  # registers them
from benchmarks.turns import in_turns, print_table

CONTESTANTS = {
    "chainrule/Maze-v0": ({"rows": 7, "columns": 7}, 4096, 1_048_576),
    "chainrule/LineWalk-v0": ({}, 65_536, 4_194_304),
}
"""By name: settings, environments of the vector form, and steps a turn."""
SINGLE_ENVIRONMENTS, SINGLE_STEPS = 16, 8192
ACTIONS = 64  # kinds of them, used in turns


def vector_turn(name: str, settings: Mapping[str, Any], count: int, steps: int) -> Callable[[], None]:
    """Steps of the vector form."""
    many = gymnasium.make_vec(name, num_envs=count, **settings)
    draw = np.random.default_rng(0)
    choices: int = many.single_action_space.n  # type: ignore[attr-defined]
    actions = [torch.from_numpy(draw.integers(choices, size=count)) for _ in range(ACTIONS)]
    many.reset(seed=0)

    def turn() -> None:
        for number in range(steps // count):
            *_, terminated, truncated, _ = many.step(actions[number % ACTIONS])
            ended = terminated | truncated
            if ended.any():
                many.reset(options={"reset_mask": ended})

    return turn


def single_turn(name: str, settings: Mapping[str, Any], steps: int) -> Callable[[], None]:
    """Steps of Gymnasium's vector of single environments."""
    make = partial(gymnasium.make, name, disable_env_checker=True, **settings)
    many = SyncVectorEnv([make] * SINGLE_ENVIRONMENTS, autoreset_mode=AutoresetMode.DISABLED)
    draw = np.random.default_rng(0)
    choices: int = many.single_action_space.n  # type: ignore[attr-defined]
    actions = [draw.integers(choices, size=SINGLE_ENVIRONMENTS) for _ in range(ACTIONS)]
    many.reset(seed=0)

    def turn() -> None:
        for number in range(steps // SINGLE_ENVIRONMENTS):
            *_, terminated, truncated, _ = many.step(actions[number % ACTIONS])
            ended = terminated | truncated
            if ended.any():
                many.reset(options={"reset_mask": ended})

    return turn


def main() -> None:
    """Prints a table for each environment, and steps a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args([] if __name__ != "__main__" else None)
    assert set(CONTESTANTS) == set(chainrule.environments.PLACES)
    for name, (settings, count, steps) in CONTESTANTS.items():
        turns = {
            f"vector form, {count:,} at once": (vector_turn(name, settings, count, steps), steps),
            f"SyncVectorEnv, {SINGLE_ENVIRONMENTS} at once": (single_turn(name, settings, SINGLE_STEPS), SINGLE_STEPS),
        }
        print(f"\n{name}, {torch.get_num_threads()} threads")
        seconds = in_turns({name: turn for name, (turn, _) in turns.items()}, rounds=given.rounds)
        a_step = {name: [time / turns[name][1] for time in times] for name, times in seconds.items()}
        print("a million steps of one environment:")
        print_table({name: [time * 1e6 for time in times] for name, times in a_step.items()})
        for contestant, times in a_step.items():
            print(f"{contestant}: {1 / statistics.median(times):,.0f} steps a second")


if __name__ == "__main__":
    main()
