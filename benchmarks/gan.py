"""A step of `gan` beside the same in plain torch and float32, and beside the paper's step there.

    python -m benchmarks.gan

Plain is torch's own convolutions, channels first, in float32. The paper (arXiv 2501.05441) has the penalties in every
update; ours has them in every fourth, counted four times, so a turn is a multiple of four steps.
"""

import argparse
import itertools
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from torch import nn

from benchmarks.apart import apart
from benchmarks.turns import in_turns, print_table
from chainrule.data.catalog import open_dataset
from chainrule.models.convolution import Convolution
from chainrule.models.folder import ModelConfig
from chainrule.recipes.adversaries import adversaries
from chainrule.recipes.gan import Gan
from chainrule.recipes.record import setting_of
from chainrule.runtime.devices import Compute, resolve_compute
from chainrule.runtime.draws import reseed_all
from chainrule.runtime.memory import keep_freed_memory
from chainrule.runtime.peak import measure_peak
from chainrule.training.options import RunOptions

DATASET = "fashion-mnist"
STEPS_A_TURN = 16  # four of them with the penalties; so many that how a turn begins counts for little


def learner_of(compute: Compute, **settings: Any) -> Any:
    """A learner with fresh weights."""
    recipe = Gan(**settings)
    train = open_dataset(DATASET).split("train")
    family, arguments = recipe.generator_arguments(train.pictures().shape[1:], 10)
    config = ModelConfig(family=family, arguments=arguments, task="image-generation", recipe=recipe.name, classes=None)
    setting = setting_of(recipe, RunOptions(dataset=DATASET), compute)
    return adversaries(recipe, setting, train, config, steps=10**6, judge=lambda _: {})


def turn_of(compute: Compute, *, plain: bool, **settings: Any) -> Callable[[], None]:
    """The next steps of a learner, in a process of its own; plain: with memory as the C library keeps it, too."""
    learner, numbers = learner_of(compute, **settings), iter(range(10**9))
    if plain:
        for network in (learner.generator, learner.discriminator):
            _make_plain(network)
    else:
        keep_freed_memory()  # as a run does

    def turn() -> None:
        with compute.active():
            for number in itertools.islice(numbers, STEPS_A_TURN):
                reseed_all(0, "step", number)
                learner.step(number)

    return turn


def _make_plain(network: nn.Module) -> None:
    """Puts torch's convolutions, channels first, in the place of ours."""
    for module in network.modules():
        if isinstance(module, Convolution):
            module.__class__ = nn.Conv2d
            module.register_forward_pre_hook(lambda _, given: tuple(x.contiguous() for x in given))


def main() -> None:
    """Prints the table and the share of the peak."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args([] if __name__ != "__main__" else None)
    compute = resolve_compute()
    fp32 = replace(compute, precision="fp32")
    with compute.active():
        peak = measure_peak(compute.device)
        turns = {
            f"chainrule, {compute.precision}": apart(partial(turn_of, compute, plain=False), compute),
            "chainrule, fp32": apart(partial(turn_of, fp32, plain=False), compute),
            "the same in plain torch, fp32": apart(partial(turn_of, fp32, plain=True), compute),
            "the paper's step in plain torch, fp32": apart(
                partial(turn_of, fp32, plain=True, penalty_every=1), compute
            ),
        }
        print(f"\n{STEPS_A_TURN} steps of {Gan().batch_size} pictures, {compute.threads} threads")
        seconds = in_turns(turns, rounds=given.rounds)
        print_table(seconds)
        learner = learner_of(compute)
        flops = sum(float(learner.step(number).flops) for number in range(STEPS_A_TURN))
        peak = max(peak, measure_peak(compute.device))
    median = statistics.median(next(iter(seconds.values())))
    print(f"ours: {flops / 1e9:.1f} GFLOP a turn, {flops / median / peak:.1%} of the peak of {peak / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
