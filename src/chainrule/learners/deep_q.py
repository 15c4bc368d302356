"""Deep Q-learning from replay, with a target network."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chainrule.environments.world import Outcome, World
from chainrule.learners.acting import Actors, explore, values_at
from chainrule.learners.contract import BACKWARD_FORWARD_RATIO, Fault, Step, Tree
from chainrule.learners.fault import FirstFault, fault_of_weights
from chainrule.learners.network_update import descend, load_optimizer_state, optimizer_state, set_rate
from chainrule.learners.replay import Drawn, Replay


def best_next(
    judging: Float[Tensor, "*agents actions"], choosing: Float[Tensor, "*agents actions"]
) -> Float[Tensor, "*agents"]:
    """The value that one network gives to the action that another, or the same, thinks best.

    The maximum of noisy values is too high on average; where one network chooses and another judges it is not, since
    their errors differ. van Hasselt, Guez and Silver, "Deep reinforcement learning with double Q-learning", arXiv
    1509.06461.
    """
    return judging.gather(-1, choosing.argmax(dim=-1, keepdim=True))[..., 0]


class DeepQLearner:
    """DQN: Q-learning from transitions that are kept and drawn again, towards values of older weights.

        L(θ) = E [h(r + γⁿ Q_θ⁻(s', argmax_b Q_θ(s', b)) − Q_θ(s, a))]

    h is Huber's loss, r the return of n steps, s' the state they led to, θ⁻ the weights of the target network, copied
    from θ now and then. Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015.

    Args:
        network: scenes → values, (scenes, squares, actions), with `forward_flops`.
        target: a copy of the network; the network itself where None.
        world: where the agents act.
        replay: what they live through is kept in, and drawn from.
        optimizer: of the network's weights.
        learning_rate: number of a step → learning rate of its updates.
        epsilon: number of a step → ε.
        judge: the network → figures.
        rows: of time a step, ≥ 1.
        updates: of the weights a step, ≥ 1.
        batch_size: transitions an update, ≥ 1; where agents share a scene, transitions of all of them count as one.
        least_rows: of the replay, before which nothing is learned.
        target_every: steps from one copy of the weights to the next, ≥ 1.
        double: whether the network chooses the next action and the target judges it; otherwise the target does both.
        clip_norm: largest norm of the gradient.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        target: nn.Module | None,
        world: World,
        replay: Replay,
        optimizer: torch.optim.Optimizer,
        learning_rate: Callable[[int], float],
        epsilon: Callable[[int], float],
        judge: Callable[[nn.Module], Mapping[str, float]],
        rows: int,
        updates: int,
        batch_size: int,
        least_rows: int,
        target_every: int,
        double: bool,
        clip_norm: float,
    ) -> None:
        self.model: Any = network  # has more than a plain module
        self.target = target
        self.actors = Actors(world)
        self.replay = replay
        self.optimizer = optimizer
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.judge = judge
        self.rows, self.updates, self.batch_size, self.least_rows = rows, updates, batch_size, least_rows
        self.target_every, self.double, self.clip_norm = target_every, double, clip_norm
        self._last = -1
        self._fault = FirstFault(next(network.parameters()).device, "loss", "gradient_norm")

    def step(self, index: int) -> Step:
        """Lets the agents act and learns from the replay, step number `index`."""
        self._last, rate, epsilon = index, self.learning_rate(index), self.epsilon(index)
        set_rate(self.optimizer, rate)
        highest, lived, flops = self._live(epsilon)
        loss, norm = torch.zeros(()), torch.zeros(())
        if self.replay.filled >= self.least_rows:
            for _ in range(self.updates):
                found, length, operations = self._learn()
                loss, norm = loss + found / self.updates, norm + length / self.updates
                flops += operations
        if self.target is not None and (index + 1) % self.target_every == 0:
            self.target.load_state_dict(self.model.state_dict())
        self._fault.note(index, loss, norm)
        figures = {
            "loss": loss,
            "mean_return": self.actors.mean_return(),
            "max_q": highest,
            "gradient_norm": norm,
            "epsilon": epsilon,
            "learning_rate": rate,
        }
        return Step(figures, examples=int(lived), flops=flops)

    @torch.no_grad()
    def _live(self, epsilon: float) -> tuple[Tensor, Tensor, float]:
        """Lets all agents act and keeps what happens.

        Returns:
            The mean of the highest values, how many actions there were, and the operations.
        """
        self.actors.begin()
        world, flops = self.actors.world, 0.0
        highest, counts = [], []
        for row in range(self.rows):
            if row == 0 or not world.scenes_stay:
                scenes = world.scenes().float()
                table = self.model(scenes)
                flops += self.model.forward_flops(scenes)
            values = values_at(table, world.places())
            highest.append(values.amax(dim=-1).mean())
            actions = explore(values, epsilon)
            seen = world.scenes().clone(), world.places().clone()
            outcome = self.actors.act(actions)
            counts.append(outcome.counts.sum())
            if world.scenes_stay and row == self.rows - 1:
                # All episodes begin anew with the next step: they are cut off here, and the state they were in is kept.
                outcome = outcome._replace(truncated=outcome.counts & ~outcome.terminated)
            self.replay.add(*seen, actions, outcome)
        if world.scenes_stay:
            nothing = Outcome(*(torch.zeros_like(part) for part in outcome))
            self.replay.add(world.scenes(), world.places(), torch.zeros_like(actions), nothing)
        return torch.stack(highest).mean(), torch.stack(counts).sum(), flops

    def _learn(self) -> tuple[Tensor, Tensor, float]:
        """One update from the replay: its loss, the gradient's norm and the operations."""
        drawn = self.replay.draw(self.batch_size)
        scenes = drawn.scenes.float()
        table = self.model(scenes)
        chosen = values_at(table, drawn.places).gather(2, drawn.actions[..., None])[..., 0]
        values, flops = self._next_values(drawn, table.detach())
        wanted = drawn.ahead.returns + drawn.ahead.discounts * values
        losses = nn.functional.smooth_l1_loss(chosen, wanted, reduction="none") * drawn.counts
        count = drawn.counts.sum(dim=1).clamp_min(1)
        loss = (drawn.weights * losses.sum(dim=1) / count).mean()
        norm = descend(self.model, self.optimizer, loss, self.clip_norm)
        if self.replay.exponent:
            errors = (chosen.detach() - wanted).abs() * drawn.counts
            self.replay.update(drawn.where, errors.sum(dim=1) / count)
        return loss.detach(), norm, flops + (1 + BACKWARD_FORWARD_RATIO) * self.model.forward_flops(scenes)

    @torch.no_grad()
    def _next_values(self, drawn: Drawn, table: Tensor) -> tuple[Tensor, float]:
        """What the states that the steps led to are worth, (batch, agents), and the operations."""
        scenes = drawn.next_scenes.float()
        own, looks = table, 1
        if not self.actors.world.scenes_stay and (self.double or self.target is None):
            own, looks = self.model(scenes), 2
        judging = own if self.target is None else self.target(scenes)
        choosing = own if self.double else judging
        values = best_next(values_at(judging, drawn.next_places), values_at(choosing, drawn.next_places))
        return values, looks * self.model.forward_flops(scenes)

    def fault(self) -> Fault | None:
        """The first step that was not finite."""
        return self._fault.read(self.learning_rate) or fault_of_weights(self._last, self.model)

    def evaluate(self) -> Mapping[str, float]:
        """The judge's figures of the greedy policy."""
        return self.judge(self.model)

    def state_dict(self) -> Tree:
        """The weights of both networks, the optimizer's moments, the replay, and where every agent is."""
        state = {
            "model": dict(self.model.state_dict()),
            "optimizer": optimizer_state(self.optimizer),
            "replay": self.replay.state_dict(),
            "actors": self.actors.state_dict(),
        }
        return state if self.target is None else {**state, "target": dict(self.target.state_dict())}

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        self.model.load_state_dict(state["model"])
        if self.target is not None:
            self.target.load_state_dict(state["target"])
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.replay.load_state_dict(state["replay"])
        self.actors.load_state_dict(state["actors"])
