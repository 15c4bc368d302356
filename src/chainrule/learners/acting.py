"""Agents that explore: ε-greedy actions in a world, and what came of them."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from chainrule.environments.world import Outcome, World


def values_at(
    table: Float[Tensor, "scenes squares actions"], places: Int[Tensor, "scenes agents"]
) -> Float[Tensor, "scenes agents actions"]:
    """What each action is worth where each agent is."""
    return table.gather(1, places[..., None].expand(-1, -1, table.shape[-1]))


def explore(values: Float[Tensor, "*agents actions"], epsilon: float) -> Int[Tensor, "*agents"]:
    """The best action, or with probability ε any: Watkins, "Learning from delayed rewards", 1989."""
    best = values.argmax(dim=-1)
    drawn = torch.rand(best.shape, device=best.device) < epsilon
    anything = torch.randint(values.shape[-1], best.shape, device=best.device)
    return torch.where(drawn, anything, best)


class Actors:
    """The agents of a world, and the returns of their episodes.

    Args:
        world: where they act.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        device = world.places().device
        self._so_far = torch.zeros(world.groups, world.agents, device=device)  # return of each present episode
        self._ended = torch.zeros(2, device=device)  # since the last `mean_return`: sum of the returns, and their count
        self._mean = torch.zeros((), device=device)

    def begin(self) -> None:
        """Begins all episodes anew where the world's scenes stay."""
        if self.world.scenes_stay:
            self.world.begin()
            self._so_far.zero_()

    def act(self, actions: Int[Tensor, "groups agents"]) -> Outcome:
        """One step of every agent."""
        outcome = self.world.step(actions)
        self._so_far += outcome.rewards
        ends = outcome.terminated | outcome.truncated
        self._ended += torch.stack([(self._so_far * ends).sum(), ends.sum()])
        self._so_far *= ~ends
        return outcome

    def mean_return(self) -> Tensor:
        """Of the episodes that ended since this was asked last, unscaled; the same as then where none did."""
        total, count = self._ended
        total = total / self.world.reward_scale
        self._mean = torch.where(count > 0, total / count.clamp_min(1), self._mean)
        self._ended = torch.zeros_like(self._ended)
        return self._mean

    def state_dict(self) -> dict[str, Any]:
        """The world's state, and the returns."""
        return {"world": self.world.state_dict(), "so_far": self._so_far, "ended": self._ended, "mean": self._mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        self.world.load_state_dict(state["world"])
        for name in ("so_far", "ended", "mean"):
            setattr(self, f"_{name}", state[name].to(self._mean.device, copy=True))
