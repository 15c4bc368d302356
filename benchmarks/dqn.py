"""`maze-dqn` on CartPole beside stable-baselines3's DQN, to the same mean return.

    pip install --group benchmark-dqn
    python -m benchmarks.dqn

stable-baselines3 has the hyper-parameters that its zoo (rl-baselines3-zoo) tuned for this environment. Both train until
the greedy policy's mean return over 100 episodes is 475 or more, and that is looked at every few thousand steps, by the
same function; the looks are not counted. Where a training ends without, that is said, and its whole time counts. Seeds
take turns. `--replay` adds our own DQN from replay.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.environments.at_once import at_once
from chainrule.evaluation.played import play_in
from chainrule.recipes.maze_dqn import MazeDqn
from chainrule.recipes.record import setting_of
from chainrule.recipes.settings import make
from chainrule.runtime.devices import resolve_compute
from chainrule.runtime.draws import reseed_all
from chainrule.training.options import RunOptions

ENVIRONMENT, WANTED, EPISODES = "CartPole-v1", 475.0, 100
LOOK_EVERY = 2500  # steps of environments, about
ZOO: dict[str, Any] = {
    "learning_rate": 2.3e-3,
    "batch_size": 64,
    "buffer_size": 100_000,
    "learning_starts": 1000,
    "gamma": 0.99,
    "target_update_interval": 10,
    "train_freq": 256,
    "gradient_steps": 128,
    "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04,
    "policy_kwargs": {"net_arch": [256, 256]},
}
ZOO_STEPS = 50_000


class Training(NamedTuple):
    """How a training went."""

    seconds: float
    """To the wanted mean return, or in all; looks are not counted."""
    steps: int
    """Of environments, until then."""
    arrived: bool
    again: float
    """The mean return over further episodes, of the policy that it stopped with."""


Policy = Callable[[NDArray[np.float32]], NDArray[np.int64]]


def mean_return(policy: Policy, seed: int) -> float:
    """Of greedy episodes, in the environment's own vector form."""
    world = at_once(ENVIRONMENT, EPISODES, seed=seed)
    assert world is not None
    return float(play_in(world, lambda scenes, _: torch.from_numpy(policy(scenes.numpy()))[:, None]).mean())


class Clock:
    """Seconds of training, without the looks at what is learned."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self.policy, self.seed = policy, seed
        self.seconds, self.looked, self.arrived = 0.0, 0, False
        self._since = time.perf_counter()

    def look(self, steps: int) -> bool:
        """Looks, if it is time to; whether the wanted mean return is there."""
        if steps - self.looked >= LOOK_EVERY:
            self.seconds += time.perf_counter() - self._since
            self.looked = steps
            self.arrived = mean_return(self.policy, 10**6 + self.seed) >= WANTED
            self._since = time.perf_counter()
        return self.arrived

    def ended(self, steps: int) -> Training:
        """How it went."""
        if not self.arrived:
            self.seconds += time.perf_counter() - self._since
        return Training(self.seconds, steps, self.arrived, mean_return(self.policy, 2 * 10**6 + self.seed))


def ours(seed: int, threads: int, **settings: Any) -> Training:
    """`maze-dqn` with its defaults."""
    recipe = make(MazeDqn, {"environment": ENVIRONMENT, **settings})
    compute = resolve_compute("cpu", "fp32", threads)
    with compute.active():
        begun = time.perf_counter()
        assembly = recipe.build(setting_of(recipe, RunOptions(seed=seed), compute))
        learner: Any = assembly.learner

        @torch.no_grad()
        def policy(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
            return np.asarray(learner.model(torch.from_numpy(vectors))[:, 0].argmax(dim=1).numpy())

        clock = Clock(policy, seed)
        clock.seconds = time.perf_counter() - begun
        done = 0
        for number in range(assembly.steps):
            reseed_all(seed, "step", number)
            done += learner.step(number).examples
            if clock.look(done):
                break
        return clock.ended(done)


def theirs(seed: int, threads: int) -> Training:
    """stable-baselines3's DQN."""
    from stable_baselines3 import DQN
    from stable_baselines3.common.callbacks import BaseCallback

    torch.set_num_threads(threads)
    begun = time.perf_counter()
    model = DQN("MlpPolicy", gymnasium.make(ENVIRONMENT), seed=seed, device="cpu", **ZOO)
    clock = Clock(lambda vectors: np.asarray(model.predict(vectors, deterministic=True)[0]), seed)
    clock.seconds = time.perf_counter() - begun

    class Looks(BaseCallback):
        def _on_rollout_start(self) -> None:
            clock.look(self.num_timesteps)

        def _on_step(self) -> bool:
            return not clock.arrived

    model.learn(ZOO_STEPS, callback=Looks())
    return clock.ended(model.num_timesteps)


def main() -> None:
    """Prints each training, then the median times and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--replay", action="store_true")
    given = parser.parse_args([] if __name__ != "__main__" else None)
    contestants: dict[str, Callable[[int, int], Training]] = {"chainrule maze-dqn": ours}
    if given.replay:
        contestants["chainrule maze-dqn --algorithm dqn"] = lambda *way: ours(*way, algorithm="dqn")
    contestants["stable-baselines3 DQN"] = theirs
    found: dict[str, list[Training]] = {name: [] for name in contestants}
    print(f"\n{ENVIRONMENT} to a mean return of {WANTED:g} over {EPISODES} greedy episodes, {given.threads} thread(s)")
    for seed in range(given.seeds):
        for name, train in contestants.items():
            one = train(seed, given.threads)
            found[name].append(one)
            told = "arrived" if one.arrived else "did not arrive"
            print(
                f"seed {seed}  {name:<34}  {one.seconds:6.2f} s, {one.steps:,} steps, {told}; {one.again:.1f} again",
                flush=True,
            )
    first = [one.seconds for one in next(iter(found.values()))]
    for name, trainings in found.items():
        times = [one.seconds for one in trainings]
        ratio = median(other / own for own, other in zip(first, times, strict=True))
        arrived = sum(one.arrived for one in trainings)
        print(f"{name:<34}  {median(times):6.2f} s   {ratio:5.2f} times the first   {arrived} of {len(times)} arrived")


if __name__ == "__main__":
    main()
