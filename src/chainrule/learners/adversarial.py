"""Learning from an adversary: a generator makes pictures, a discriminator tells them from real ones."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.learners.contract import Fault, Step, Tree
from chainrule.learners.fault import FirstFault, fault_of_weights
from chainrule.learners.network_update import load_optimizer_state, optimizer_state, set_rate
from chainrule.learners.rivalry import Objective, gradient_penalties
from chainrule.models.convolution import differentiated_twice

Pictures = tuple[Tensor, Tensor | None]
"""Pixels in [-1, 1], (batch, channels, height, width), and classes where they count."""


class AdversarialLearner:
    """Two networks that learn against each other, in turns.

    One update is `discriminator_updates` of the discriminator, each on pictures of its own, and one of the generator
    on the last of these. What is shown and kept is an average of the generator's weights over the updates:

        θ' ← θ' + (1 − β) (θ − θ')

    Args:
        generator: (latents, classes) → pictures, with `latent_size` and `forward_flops`.
        discriminator: (pictures, classes) → scores, with `forward_flops`.
        average: a copy of the generator.
        objective: what both minimise.
        optimizers: of the generator and of the discriminator.
        learning_rate: step number → learning rate of both.
        penalty: γ, the weight of R₁ and R₂; no penalty where None.
        penalty_every: updates of the discriminator from one with the penalty to the next; it counts as often more.
        averaging: step number → β.
        real: number of an update of the discriminator → real pictures.
        judge: the averaged generator → figures.
        autocast: gives the context of every forward pass.
        discriminator_updates: how many an update of the generator.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        average: nn.Module,
        objective: Objective,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        learning_rate: Callable[[int], float],
        penalty: float | None,
        averaging: Callable[[int], float],
        real: Callable[[int], Pictures],
        judge: Callable[[nn.Module], Mapping[str, float]],
        autocast: Callable[[], AbstractContextManager[Any]],
        penalty_every: int = 1,
        discriminator_updates: int = 1,
    ) -> None:
        self.generator: Any = generator  # has more than a plain module
        self.discriminator: Any = discriminator
        self.average = average.requires_grad_(requires_grad=False)
        self.objective = objective
        self.optimizers = optimizers
        self.learning_rate = learning_rate
        self.penalty = penalty
        self.penalty_every = penalty_every
        self.averaging = averaging
        self.real = real
        self.judge = judge
        self.autocast = autocast
        self.discriminator_updates = discriminator_updates
        device = next(generator.parameters()).device
        self._fault = FirstFault(
            device, "discriminator_loss", "generator_loss", "discriminator_gradient_norm", "generator_gradient_norm"
        )
        self._last = -1

    def step(self, index: int) -> Step:
        """Does update number `index`."""
        self._last = index
        rate = self.learning_rate(index)
        for optimizer in self.optimizers:
            set_rate(optimizer, rate)
        examples, flops = 0, 0.0
        figures: dict[str, Any] = {}  # of the discriminator, the mean over its updates
        for turn in range(self.discriminator_updates):
            number = index * self.discriminator_updates + turn
            pictures, classes = self.real(number)
            found, operations = self._teach_discriminator(pictures, classes, number)
            for name, value in found.items():
                figures[name] = figures.get(name, 0.0) + value / self.discriminator_updates
            examples, flops = examples + len(pictures), flops + operations
        more, operations = self._teach_generator(pictures, classes)
        figures |= more
        with torch.no_grad():
            averages: list[Tensor] = list(self.average.parameters())
            newest: list[Tensor] = list(self.generator.parameters())
            torch._foreach_lerp_(averages, newest, 1 - self.averaging(index))
        self._fault.note(index, *(figures[name] for name in self._fault.names))
        return Step({**figures, "learning_rate": rate}, examples=examples, flops=flops + operations)

    def _made(self, pictures: Tensor, classes: Tensor | None) -> tuple[Tensor, float]:
        """As many made pictures as real ones, of the same classes, and the operations that took."""
        latents = torch.randn(len(pictures), self.generator.latent_size, device=pictures.device)
        return self.generator(latents, classes), self.generator.forward_flops(latents)

    def _teach_discriminator(
        self, pictures: Tensor, classes: Tensor | None, number: int
    ) -> tuple[dict[str, Any], float]:
        penalised = self.penalty is not None and number % self.penalty_every == 0
        with self.autocast():
            with torch.no_grad():
                made, making = self._made(pictures, classes)
            both = torch.cat([pictures, made]).requires_grad_(penalised)  # (2 batch, channels, height, width)
            with differentiated_twice(wanted=penalised):
                scores = self.discriminator(both, None if classes is None else classes.repeat(2))  # (2 batch,)
        real_scores, made_scores = scores.chunk(2)
        loss = self.objective.discriminator(real_scores, made_scores)
        penalties = torch.zeros(2, device=both.device)
        total = loss
        if penalised and self.penalty is not None:
            penalties = torch.stack(gradient_penalties(scores, both)) * self.penalty_every
            total = loss + self.penalty / 2 * penalties.sum()
        norm = self._update(1, total)
        if (bound := self.objective.largest_weight) is not None:
            with torch.no_grad():
                for weight in self.discriminator.parameters():
                    weight.clamp_(-bound, bound)
        figures = {
            "discriminator_loss": loss.detach(),
            "score_real": real_scores.detach().mean(),
            "score_made": made_scores.detach().mean(),
            "penalty_real": penalties[0].detach(),
            "penalty_made": penalties[1].detach(),
            "discriminator_gradient_norm": norm,
        }
        # Forward and backward are 3; the slopes are one pass back to the pictures, and differentiating them is two.
        passes = 3 + 3 * penalised
        return figures, making + passes * self.discriminator.forward_flops(both)

    def _teach_generator(self, pictures: Tensor, classes: Tensor | None) -> tuple[dict[str, Any], float]:
        with self._untaught(self.discriminator), self.autocast():
            made, making = self._made(pictures, classes)
            made_scores = self.discriminator(made, classes)
            with torch.no_grad():
                seen = self.objective.generator_sees_real
                real_scores = self.discriminator(pictures, classes) if seen else made_scores
        loss = self.objective.generator(real_scores, made_scores)
        norm = self._update(0, loss)
        judging: float = self.discriminator.forward_flops(made) * (2 + seen)
        return {"generator_loss": loss.detach(), "generator_gradient_norm": norm}, 3 * making + judging

    @contextmanager
    def _untaught(self, network: nn.Module) -> Iterator[None]:
        """Spares the gradients of a network's weights in a pass that goes through it."""
        network.requires_grad_(requires_grad=False)
        try:
            yield
        finally:
            network.requires_grad_(requires_grad=True)

    def _update(self, which: int, loss: Tensor) -> Tensor:
        """One step of an optimizer; returns the norm of the gradient."""
        optimizer = self.optimizers[which]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        norm = nn.utils.get_total_norm([weight.grad for weight in weights])
        optimizer.step()
        return norm

    def fault(self) -> Fault | None:
        """The first update that was not finite."""
        networks = self.generator, self.discriminator
        return self._fault.read(self.learning_rate) or fault_of_weights(self._last, *networks)

    def evaluate(self) -> Mapping[str, float]:
        """The judge's figures of what the averaged generator makes."""
        return self.judge(self.average)

    def state_dict(self) -> Tree:
        """The weights of both networks, the averaged generator's, and both optimizers' moments."""
        return {
            "generator": dict(self.generator.state_dict()),
            "discriminator": dict(self.discriminator.state_dict()),
            "average": dict(self.average.state_dict()),
            "optimizers": [optimizer_state(optimizer) for optimizer in self.optimizers],
        }

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        for name in ("generator", "discriminator", "average"):
            getattr(self, name).load_state_dict(state[name])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            load_optimizer_state(optimizer, kept)
