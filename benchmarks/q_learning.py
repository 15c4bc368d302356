"""Updates a second of `q-learning` beside a plain loop over Gymnasium's environment and a dict.

    python -m benchmarks.q_learning

The plain loop is what tutorials do, such as the one whose program this repairs: one environment, a dict from state to
the values of its actions, an exploring step, an update. Both learn by the same rule with the same discount from the
same environments; ours takes its outcomes from the environment's transition model, 8,192 at once.
"""

import argparse
import itertools
import random
import statistics
from collections import defaultdict
from collections.abc import Callable

import gymnasium

import chainrule.environments  # noqa: F401 - registers LineWalk
from benchmarks.turns import in_turns, print_table
from chainrule.recipes.action_values import SIMULATED
from chainrule.recipes.q_learning import QLearning
from chainrule.recipes.record import setting_of
from chainrule.runtime.devices import resolve_compute
from chainrule.runtime.draws import reseed_all
from chainrule.training.options import RunOptions

ENVIRONMENTS = ("chainrule/LineWalk-v0", "FrozenLake-v1", "CliffWalking-v1", "Taxi-v4")
DISCOUNT, RATE, EPSILON = 0.99, 0.1, 0.1
STEPS, UPDATES = 100, 10_000  # of a turn: of ours, each of 8,192 updates; of the plain loop, each of one


def plain_turn(name: str) -> Callable[[], None]:
    """Updates one after the other."""
    environment = gymnasium.make(name)
    actions = range(int(environment.action_space.n))  # type: ignore[attr-defined]
    table: dict[int, list[float]] = defaultdict(lambda: [0.0 for _ in actions])
    random.seed(0)
    state, _ = environment.reset(seed=0)

    def turn() -> None:
        nonlocal state
        for _ in range(UPDATES):
            row = table[state]
            action = random.choice(actions) if random.random() < EPSILON else row.index(max(row))
            then, reward, terminated, truncated, _ = environment.step(action)
            ahead = 0.0 if terminated else max(table[then])
            row[action] += RATE * (float(reward) + DISCOUNT * ahead - row[action])
            state = environment.reset()[0] if terminated or truncated else then

    return turn


def our_turn(name: str) -> Callable[[], None]:
    """The next steps of the recipe's learner, each seeded as in a run."""
    recipe = QLearning(environment=name)
    learner = recipe.build(setting_of(recipe, RunOptions(), resolve_compute("cpu", "fp32"))).learner
    numbers = itertools.count()

    def turn() -> None:
        for number in itertools.islice(numbers, STEPS):
            reseed_all(0, "step", number)
            learner.step(number)

    return turn


def main() -> None:
    """Prints a table for each environment, and updates a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args([] if __name__ != "__main__" else None)
    for name in ENVIRONMENTS:
        learner = our_turn(name)
        updates = {"chainrule": STEPS * SIMULATED[0], "a plain loop over a dict": UPDATES}
        seconds = in_turns({"chainrule": learner, "a plain loop over a dict": plain_turn(name)}, rounds=given.rounds)
        print(f"\n{name}, a million updates:")
        print_table({who: [1e6 * time / updates[who] for time in times] for who, times in seconds.items()})
        for who, times in seconds.items():
            print(f"{who}: {updates[who] / statistics.median(times):,.0f} updates a second")


if __name__ == "__main__":
    main()
