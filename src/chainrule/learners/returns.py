"""What an action turned out to be worth: λ-returns and n-step returns over streams of transitions.

A stream is what many agents live through side by side, one row a step. The row after an episode's last step holds what
was seen at its end; there the agent begins anew, and nothing is learned from that row. So the row after any step always
holds the state that the step led to.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def lambda_returns(
    rewards: Float[Tensor, "time ..."],
    terminated: Bool[Tensor, "time ..."],
    truncated: Bool[Tensor, "time ..."],
    next_values: Float[Tensor, "time ..."],
    *,
    discount: float,
    trace: Float[Tensor, "time ..."] | float,
) -> Float[Tensor, "time ..."]:
    """λ-returns, from the last step back.

        G_t = r_t                                               where the episode terminated with step t
        G_t = r_t + γ V_{t+1}                                   where it was truncated, or the stream ends
        G_t = r_t + γ [λ_{t+1} G_{t+1} + (1 − λ_{t+1}) V_{t+1}]  otherwise

    A terminated episode is worth nothing more; a truncated one would have gone on, so its last state's value counts.
    Gallici et al., arXiv 2407.04811, equation 17, and Daley and Amato, arXiv 1810.09967.

    Args:
        rewards: r_t.
        terminated: whether the episode ended with step t, by the environment's own rules.
        truncated: whether it was cut off after step t.
        next_values: V_{t+1}, the value of the state that step t led to.
        discount: γ, in [0, 1].
        trace: λ_t in [0, 1] of the action taken in row t; its first row is not used.
    """
    factors = torch.as_tensor(trace, dtype=rewards.dtype, device=rewards.device).expand_as(rewards)
    returns = torch.empty_like(rewards)
    returns[-1] = rewards[-1] + discount * torch.where(terminated[-1], 0.0, next_values[-1])
    for step in range(len(rewards) - 2, -1, -1):
        share = torch.where(truncated[step], 0.0, factors[step + 1])
        then = torch.lerp(next_values[step], returns[step + 1], share)
        returns[step] = rewards[step] + discount * torch.where(terminated[step], 0.0, then)
    return returns


class Ahead(NamedTuple):
    """What n steps brought, and where they led."""

    returns: Tensor
    """Σ γ^i r_{t+i} over the k steps that were done."""
    steps: Tensor
    """k, from 1 to n; fewer than n where the episode ended before."""
    discounts: Tensor
    """γ^k, by which the value of the state k steps ahead counts; 0 where the episode terminated on the way."""


def n_step_returns(
    rewards: Float[Tensor, "n ..."],
    terminated: Bool[Tensor, "n ..."],
    truncated: Bool[Tensor, "n ..."],
    *,
    discount: float,
) -> Ahead:
    """The next n steps as one.

    Sutton, "Learning to predict by the methods of temporal differences", Machine Learning 3, 1988; in deep Q-learning,
    Hessel et al., arXiv 1710.02298.

    Args:
        rewards: of n steps that follow each other in a stream.
        terminated: whether the episode ended with the step by the environment's own rules.
        truncated: whether it was cut off after it.
        discount: γ, in [0, 1].
    """
    returns = torch.zeros_like(rewards[0])
    discounts = torch.ones_like(returns)
    steps = torch.zeros_like(returns, dtype=torch.int64)
    going = torch.ones_like(terminated[0])
    for reward, ends, is_cut in zip(rewards, terminated, truncated, strict=True):
        returns = returns + torch.where(going, discounts * reward, 0.0)
        discounts = torch.where(going, discounts * discount, discounts)
        steps = steps + going
        discounts = torch.where(going & ends, 0.0, discounts)
        going = going & ~ends & ~is_cut
    return Ahead(returns, steps, discounts)
