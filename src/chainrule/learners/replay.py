"""Replay: a stream of transitions kept, and drawn from again and again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from chainrule.environments.world import Outcome
from chainrule.learners.returns import Ahead, n_step_returns

LEAST = 1e-6  # priority, so that nothing is never drawn again


class Drawn(NamedTuple):
    """Transitions out of the replay, each of one group of agents at one time."""

    scenes: Tensor
    """(batch, …)"""
    places: Tensor
    """(batch, agents)"""
    actions: Tensor
    """(batch, agents)"""
    ahead: Ahead
    """n steps as one; each (batch, agents)."""
    next_scenes: Tensor
    """(batch, …); while an episode goes on the scene of several agents stays."""
    next_places: Tensor
    """(batch, agents)"""
    counts: Tensor
    """Which agents did the step, (batch, agents)."""
    where: Tensor
    """(batch,) in the replay, for `update`."""
    weights: Tensor
    """(batch,) by which the losses count, the largest 1."""


class Replay:
    """The last rows of a stream, drawn uniformly or by priority.

    A priority is the error that was found when a transition was last learned from, and its probability

        P(i) = p_i^α / Σ_j p_j^α,   made up for by the weight   w_i = (N P(i))^−β / max_j w_j

    of its loss. New transitions have the largest priority of all. Schaul et al., "Prioritized experience replay", arXiv
    1511.05952; they keep a tree of sums, and here the sums are made anew for each batch, all at once: for as many
    transitions as fit into memory that takes less time than the tree would in Python.

    With one scene for several agents a transition is that of the whole group, drawn as one.

    Args:
        rows: kept of the stream, ≥ 2.
        scenes: those of the world's groups, whose shape and type are kept, (groups, …).
        agents: of each group.
        steps: n, taken as one.
        discount: γ.
        exponent: α in [0, 1]; 0 draws uniformly.
        correction: β in [0, 1].
    """

    def __init__(
        self,
        *,
        rows: int,
        scenes: Tensor,
        agents: int,
        steps: int = 1,
        discount: float = 0.99,
        exponent: float = 0.0,
        correction: float = 0.4,
    ) -> None:
        groups, device = len(scenes), scenes.device
        self.rows, self.steps, self.discount = rows, steps, discount
        self.exponent, self.correction = exponent, correction
        self.filled = 0  # rows there are
        self.next = 0  # row that is written next

        def empty(dtype: torch.dtype) -> Tensor:
            return torch.zeros(rows, groups, agents, dtype=dtype, device=device)

        self._kept = {
            "scenes": torch.zeros(rows, *scenes.shape, dtype=scenes.dtype, device=device),
            "places": empty(torch.int64),
            "actions": empty(torch.int64),
            "rewards": empty(torch.float32),
            "terminated": empty(torch.bool),
            "truncated": empty(torch.bool),
            "counts": empty(torch.bool),
            "priorities": torch.zeros(rows, groups, dtype=torch.float64, device=device),
        }
        self._largest = torch.ones((), dtype=torch.float64, device=device)

    def add(self, scenes: Tensor, places: Tensor, actions: Tensor, outcome: Outcome) -> None:
        """Keeps one row in place of the oldest: what was seen, what was done, and what came of it."""
        row = {"scenes": scenes, "places": places, "actions": actions, **outcome._asdict()}
        for name, value in row.items():
            self._kept[name][self.next] = value
        self._kept["priorities"][self.next] = self._largest * outcome.counts.any(dim=1)
        self.next = (self.next + 1) % self.rows
        self.filled = min(self.filled + 1, self.rows)

    def probabilities(self) -> Float[Tensor, " transitions"]:
        """P of each transition, row by row; 0 where there is none, or where the steps after it are not known yet."""
        known = self._kept["priorities"].clone()
        newest = (self.next - 1 - torch.arange(self.steps, device=known.device)) % self.rows
        known[newest] = 0
        weighed = torch.where(known > 0, known**self.exponent, 0.0).view(-1)
        return weighed / weighed.sum().clamp_min(LEAST)

    def draw(self, batch_size: int) -> Drawn:
        """Transitions by their probabilities, with replacement."""
        probabilities = self.probabilities()
        sums = probabilities.cumsum(0)
        wanted = torch.rand(batch_size, dtype=torch.float64, device=sums.device) * sums[-1]
        where = torch.searchsorted(sums, wanted, right=True).clamp_max(len(sums) - 1)
        rarity = (probabilities[where] * (probabilities > 0).sum()) ** -self.correction
        weights = rarity / rarity.max() if self.exponent else torch.ones_like(rarity)
        return self._gathered(where, weights.float())

    def _gathered(self, where: Int[Tensor, " batch"], weights: Float[Tensor, " batch"]) -> Drawn:
        kept, (_, groups, agents) = self._kept, self._kept["places"].shape
        row, group = where // groups, where % groups
        following = (row + torch.arange(self.steps, device=where.device)[:, None]) % self.rows  # (n, batch)
        ahead = n_step_returns(
            *(kept[name][following, group] for name in ("rewards", "terminated", "truncated")), discount=self.discount
        )
        then = (row[:, None] + ahead.steps) % self.rows  # (batch, agents): they differ where episodes ended
        each = torch.arange(agents, device=where.device)
        return Drawn(
            scenes=kept["scenes"][row, group],
            places=kept["places"][row, group],
            actions=kept["actions"][row, group],
            ahead=ahead,
            next_scenes=kept["scenes"][then[:, 0], group] if agents == 1 else kept["scenes"][row, group],
            next_places=kept["places"][then, group[:, None], each],
            counts=kept["counts"][row, group],
            where=where,
            weights=weights,
        )

    def update(self, where: Int[Tensor, " batch"], errors: Float[Tensor, " batch"]) -> None:
        """Gives transitions that were learned from their new priorities."""
        priorities = errors.double() + LEAST
        self._kept["priorities"].view(-1)[where] = priorities
        self._largest = torch.maximum(self._largest, priorities.max())

    def state_dict(self) -> dict[str, Any]:
        """Everything kept."""
        return {"kept": dict(self._kept), "filled": self.filled, "next": self.next, "largest": self._largest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        for name, value in state["kept"].items():
            self._kept[name].copy_(value)
        self.filled, self.next = int(state["filled"]), int(state["next"])
        self._largest = state["largest"].to(self._largest.device, copy=True)
