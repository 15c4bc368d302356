"""Parallel Q-learning: many agents at once, no replay, no target network."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from chainrule.environments.world import World
from chainrule.learners.acting import Actors, explore, values_at
from chainrule.learners.contract import BACKWARD_FORWARD_RATIO, Fault, Step, Tree
from chainrule.learners.fault import FirstFault, fault_of_weights
from chainrule.learners.network_update import descend, load_optimizer_state, optimizer_state, set_rate
from chainrule.learners.returns import lambda_returns


class Lived(NamedTuple):
    """What all agents lived through in a few rows of time, scene by scene."""

    scenes: Tensor
    """(scenes, …)"""
    places: Tensor
    """(scenes, transitions)"""
    actions: Tensor
    """(scenes, transitions)"""
    returns: Tensor
    """(scenes, transitions)"""
    counts: Tensor
    """Whether there was a transition, (scenes, transitions)."""


class ParallelQLearner:
    """PQN: Q-learning from what many agents have just lived through, and then forgotten.

    An update lets all agents act for a few rows of time with the same weights, computes λ-returns from what the network
    said on the way, and moves Q towards them, batch by batch:

        L(θ) = E [(Q_θ(s, a) − G^λ)²]

    Gallici et al., "Simplifying deep temporal difference learning", arXiv 2407.04811. Layer normalisation in the
    network takes the place of a target network, and many agents that of replay.

    Args:
        network: scenes → values, (scenes, squares, actions), with `forward_flops`.
        world: where the agents act.
        optimizer: of the network's weights.
        learning_rate: number of an update → its learning rate.
        epsilon: number of an update → ε.
        judge: the network → figures.
        rows: of time an update, ≥ 1.
        passes: how often an update learns from all it has lived through, ≥ 1.
        batches: into which that is cut, ≥ 1.
        discount: γ.
        trace: λ.
        cut_traces: whether a return looks no further than the next action that is not the best, as in Watkins's Q(λ);
            otherwise what exploring costs counts as if it were the best that can be had.
        clip_norm: largest norm of the gradient.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        world: World,
        optimizer: torch.optim.Optimizer,
        learning_rate: Callable[[int], float],
        epsilon: Callable[[int], float],
        judge: Callable[[nn.Module], Mapping[str, float]],
        rows: int,
        passes: int,
        batches: int,
        discount: float,
        trace: float,
        cut_traces: bool,
        clip_norm: float,
    ) -> None:
        self.model: Any = network  # has more than a plain module
        self.actors = Actors(world)
        self.optimizer = optimizer
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.judge = judge
        self.rows, self.passes, self.batches = rows, passes, batches
        self.discount, self.trace, self.cut_traces = discount, trace, cut_traces
        self.clip_norm = clip_norm
        self._last = -1
        self._fault = FirstFault(next(network.parameters()).device, "loss", "gradient_norm")

    def step(self, index: int) -> Step:
        """Lets the agents act and learns from it, update number `index`."""
        self._last, rate, epsilon = index, self.learning_rate(index), self.epsilon(index)
        set_rate(self.optimizer, rate)
        lived, highest, flops = self._live(epsilon)
        losses, norms = [], []
        for _ in range(self.passes):
            for part in torch.randperm(len(lived.scenes), device=lived.places.device).chunk(self.batches):
                scenes = lived.scenes[part].float()
                values = values_at(self.model(scenes), lived.places[part])
                chosen = values.gather(2, lived.actions[part][..., None])[..., 0]
                counts = lived.counts[part]
                loss = ((chosen - lived.returns[part]).square() * counts).sum() / counts.sum().clamp_min(1)
                norms.append(descend(self.model, self.optimizer, loss, self.clip_norm))
                losses.append(loss.detach())
                flops += (1 + BACKWARD_FORWARD_RATIO) * self.model.forward_flops(scenes)
        loss, norm = torch.stack(losses).mean(), torch.stack(norms).mean()
        self._fault.note(index, loss, norm)
        figures = {
            "loss": loss,
            "mean_return": self.actors.mean_return(),
            "max_q": highest,
            "gradient_norm": norm,
            "epsilon": epsilon,
            "learning_rate": rate,
        }
        return Step(figures, examples=int(lived.counts.sum()), flops=flops)

    @torch.no_grad()
    def _live(self, epsilon: float) -> tuple[Lived, Tensor, float]:
        """Lets all agents act for some rows of time; also gives the mean of the highest values, and the operations."""
        self.actors.begin()
        world = self.actors.world
        table, flops = self._look()
        rows: dict[str, list[Tensor]] = {}
        scenes: list[Tensor] = []
        highest: list[Tensor] = []
        greedy: list[Tensor] = []
        for row in range(self.rows + 1):
            if row and not world.scenes_stay:
                table, operations = self._look()
                flops += operations
            values = values_at(table, world.places())
            highest.append(values.amax(dim=-1))
            if row == self.rows:
                break
            actions = explore(values, epsilon)
            greedy.append(values.gather(2, actions[..., None])[..., 0] == highest[-1])
            if not (scenes and world.scenes_stay):
                scenes.append(world.scenes().clone())
            seen = {"places": world.places().clone(), "actions": actions}
            outcome = self.actors.act(actions)
            for name, value in {**seen, **outcome._asdict()}.items():
                rows.setdefault(name, []).append(value)
        stream = {name: torch.stack(values) for name, values in rows.items()}  # each (time, groups, agents)
        trace = self.trace * torch.stack(greedy).float() if self.cut_traces else self.trace
        stream["returns"] = lambda_returns(
            stream.pop("rewards"),
            stream.pop("terminated"),
            stream.pop("truncated"),
            torch.stack(highest[1:]),
            discount=self.discount,
            trace=trace,
        )
        # Rows of one scene are its transitions side by side; otherwise each row has scenes of its own.
        by_scene = {
            name: value.transpose(0, 1).flatten(1) if world.scenes_stay else value.flatten(0, 1)
            for name, value in stream.items()
        }
        return Lived(scenes=torch.cat(scenes), **by_scene), torch.stack(highest).mean(), flops

    def _look(self) -> tuple[Tensor, float]:
        scenes = self.actors.world.scenes().float()
        return self.model(scenes), self.model.forward_flops(scenes)

    def fault(self) -> Fault | None:
        """The first update that was not finite."""
        return self._fault.read(self.learning_rate) or fault_of_weights(self._last, self.model)

    def evaluate(self) -> Mapping[str, float]:
        """The judge's figures of the greedy policy."""
        return self.judge(self.model)

    def state_dict(self) -> Tree:
        """The weights, the optimizer's moments, and where every agent is."""
        return {
            "model": dict(self.model.state_dict()),
            "optimizer": optimizer_state(self.optimizer),
            "actors": self.actors.state_dict(),
        }

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        self.model.load_state_dict(state["model"])
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.actors.load_state_dict(state["actors"])
