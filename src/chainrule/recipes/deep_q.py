"""From the settings of `maze-dqn`, a network and a world to the learner."""

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from chainrule.environments.world import World
from chainrule.learners.deep_q import DeepQLearner
from chainrule.learners.parallel_q import ParallelQLearner
from chainrule.learners.replay import Replay

if TYPE_CHECKING:
    from chainrule.recipes.maze_dqn import MazeDqn

CORRECTION = 0.4  # β, as the paper on prioritised replay begins with
LEAST_FILLED = 50  # one part in so many of the replay must be there before anything is learned


def deep_q_learner(
    recipe: "MazeDqn",
    network: nn.Module,
    world: World,
    *,
    steps: int,
    judge: Callable[[nn.Module], Mapping[str, float]],
) -> ParallelQLearner | DeepQLearner:
    """The learner that the settings ask for.

    Args:
        recipe: the settings.
        network: with fresh weights, on its device.
        world: where the agents act.
        steps: in all.
        judge: the network → figures.
    """
    mazes, updating = recipe.in_mazes, recipe.updating
    highest = updating.learning_rate or (5e-3 if mazes else 1e-3)
    discount = updating.gamma(mazes=mazes)

    def learning_rate(step: int) -> float:
        return highest * (1 - step / steps)

    def epsilon(step: int) -> float:
        return recipe.exploring.epsilon(step, steps, mazes=mazes)

    optimizer = torch.optim.Adam(network.parameters(), lr=highest, fused=True)
    if recipe.algorithm == "pqn":
        own = recipe.in_parallel
        return ParallelQLearner(
            network=network,
            world=world,
            optimizer=optimizer,
            learning_rate=learning_rate,
            epsilon=epsilon,
            judge=judge,
            rows=recipe.rows,
            passes=own.passes or (1 if mazes else 4),
            batches=own.batches or (1 if mazes else 4),
            discount=discount,
            trace=own.trace if own.trace is not None else (0.65 if mazes else 0.9),
            cut_traces=mazes if own.cut_traces is None else own.cut_traces,
            clip_norm=updating.clip_norm,
        )
    replaying = recipe.replaying
    as_one = replaying.n_steps or (3 if mazes else 1)
    kept = max(recipe.rows + as_one + 2, (replaying.replay or (20_000 if mazes else 50_000)) // recipe.side_by_side)
    return DeepQLearner(
        network=network,
        target=copy.deepcopy(network).requires_grad_(requires_grad=False) if replaying.target_network else None,
        world=world,
        replay=Replay(
            rows=kept,
            scenes=world.scenes(),
            agents=world.agents,
            steps=as_one,
            discount=discount,
            exponent=replaying.prioritised,
            correction=CORRECTION,
        ),
        optimizer=optimizer,
        learning_rate=learning_rate,
        epsilon=epsilon,
        judge=judge,
        rows=recipe.rows,
        updates=replaying.updates or (1 if mazes else 16),
        batch_size=replaying.batch_size or (32 if mazes else 256),
        least_rows=min(kept // LEAST_FILLED + as_one + 1, kept),
        target_every=replaying.target_every or (16 if mazes else 1),
        double=replaying.double,
        clip_norm=updating.clip_norm,
    )
