"""Episodes that are played in a world, to see what they earn."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.environments.world import World
from chainrule.evaluation.returns import LONGEST


def play_in(world: World, choose: Callable[[Tensor, int], Tensor]) -> NDArray[np.float64]:
    """What the present episode of each agent earns until it ends, undiscounted, (agents,).

    Args:
        world: each agent at the beginning of an episode.
        choose: (scenes, number of the step) → actions, (groups, agents).
    """
    returns = torch.zeros(world.groups, world.agents, dtype=torch.float64)
    going = torch.ones(world.groups, world.agents, dtype=torch.bool)
    for step in range(LONGEST):
        outcome = world.step(choose(world.scenes(), step))
        returns += outcome.rewards.cpu() * going
        going &= ~(outcome.terminated | outcome.truncated).cpu()
        if not going.any():
            break
    return np.asarray(returns.view(-1).numpy())
