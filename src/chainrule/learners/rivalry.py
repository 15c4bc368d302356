"""What generator and discriminator minimise, from the scores of real and of made pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

ObjectiveName = Literal["standard", "wasserstein", "relativistic"]
Loss = Callable[[Tensor, Tensor], Tensor]
softplus = nn.functional.softplus  # ln(1 + eˣ)


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The two losses, each a mean over (scores of real pictures, scores of made ones), (batch,) both."""

    discriminator: Loss
    generator: Loss
    generator_sees_real: bool = False
    """Whether the generator's loss depends on the scores of real pictures."""
    largest_weight: float | None = None
    """To which the discriminator's weights are clipped after each update; never where None."""


def standard_discriminator(real: Float[Tensor, " batch"], made: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """−ln σ(real) − ln(1 − σ(made)): telling real from made (Goodfellow et al., arXiv 1406.2661)."""
    return softplus(-real).mean() + softplus(made).mean()


def standard_generator(real: Float[Tensor, " batch"], made: Float[Tensor, " batch"]) -> Float[Tensor, ""]:  # noqa: ARG001
    """−ln σ(made): the form of the same paper whose gradient does not vanish where the discriminator is sure."""
    return softplus(-made).mean()


def wasserstein_discriminator(real: Float[Tensor, " batch"], made: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Made − real: with a bounded slope, minus the earth mover's distance (Arjovsky et al., arXiv 1701.07875)."""
    return made.mean() - real.mean()


def wasserstein_generator(real: Float[Tensor, " batch"], made: Float[Tensor, " batch"]) -> Float[Tensor, ""]:  # noqa: ARG001
    """−made."""
    return -made.mean()


def relativistic_discriminator(real: Float[Tensor, " batch"], made: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """ln(1 + e^(made − real)), each real picture beside a made one (arXiv 1807.00734, 2501.05441)."""
    return softplus(made - real).mean()


def relativistic_generator(real: Float[Tensor, " batch"], made: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """ln(1 + e^(real − made)): there is no gain in leaving a kind of picture out."""
    return softplus(real - made).mean()


def objective_named(name: ObjectiveName, *, largest_weight: float) -> Objective:
    """One of the objectives.

    Args:
        name: of it.
        largest_weight: bound of the critic's weights of `wasserstein`.
    """
    if name == "standard":
        return Objective(discriminator=standard_discriminator, generator=standard_generator)
    if name == "wasserstein":
        return Objective(
            discriminator=wasserstein_discriminator, generator=wasserstein_generator, largest_weight=largest_weight
        )
    return Objective(
        discriminator=relativistic_discriminator, generator=relativistic_generator, generator_sees_real=True
    )


def gradient_penalties(scores: Float[Tensor, " both"], pictures: Tensor) -> tuple[Tensor, Tensor]:
    """R₁ and R₂: the mean of ‖∂score/∂picture‖² over real and over made pictures (arXiv 1801.04406).

    Args:
        scores: of the pictures; the first half of them is real, the other made.
        pictures: (both, channels, height, width), which the scores were computed from with gradients.

    Returns:
        Both, to be differentiated once more.
    """
    (slopes,) = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    squares = slopes.square().sum(dim=(1, 2, 3))  # (both,)
    real, made = squares.chunk(2)
    return real.mean(), made.mean()
