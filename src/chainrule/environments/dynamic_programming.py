"""The exact truth where the transition model is known: what is best, and what a policy is worth.

Bellman, "Dynamic Programming", 1957. A value is that of the discounted rewards to come, without a limit of steps: an
episode that is cut off after so many steps is cut off for learning alone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.transition_model import TransitionModel

TOLERANCE = 1e-12  # of the largest value, by which the last sweep may still have changed one
MOST_SOLVED = 1024  # states, up to which a policy's value is solved for, and not swept
MOST_SWEEPS = 1_000_000


def action_values(model: TransitionModel, values: NDArray[np.float64], discount: float) -> NDArray[np.float64]:
    """What an action is worth where all that follows is worth `values`: Σ p (r + γ v(s')), (states, actions)."""
    going_on = np.where(model.terminates, 0.0, values[model.then])
    return np.asarray((model.probabilities * (model.rewards + discount * going_on)).sum(axis=2))


def optimal_action_values(model: TransitionModel, discount: float) -> NDArray[np.float64]:
    """Q*, (states, actions), by value iteration: v(s) ← max over a of Σ p (r + γ v(s')), until nothing changes.

    Args:
        model: of the environment.
        discount: γ, in [0, 1).
    """
    expected = (model.probabilities * model.rewards).sum(axis=2)
    weights = discount * model.probabilities * ~model.terminates
    values = np.zeros(model.states)
    for _ in range(MOST_SWEEPS):
        found = expected + (weights * values[model.then]).sum(axis=2)
        best = found.max(axis=1)
        change, values = np.abs(best - values).max(), best
        if change <= TOLERANCE * (1 - discount) * max(1.0, np.abs(values).max()):
            break
    return np.asarray(expected + (weights * values[model.then]).sum(axis=2))


def policy_values(model: TransitionModel, policy: NDArray[np.float64], discount: float) -> NDArray[np.float64]:
    """What each state is worth to who acts by a policy, (states,): the solution of v = r + γ P v.

    Args:
        model: of the environment.
        policy: (states, actions) the probability of each action.
        discount: γ, in [0, 1).
    """
    weights = policy[..., None] * model.probabilities  # (states, actions, outcomes)
    rewards = (weights * model.rewards).sum(axis=(1, 2))
    weights = discount * weights * ~model.terminates
    states = model.states
    if states <= MOST_SOLVED:
        matrix = np.eye(states)
        rows = np.broadcast_to(np.arange(states)[:, None, None], weights.shape)
        np.subtract.at(matrix, (rows, model.then), weights)
        return np.asarray(np.linalg.solve(matrix, rewards))
    values = np.zeros(states)
    for _ in range(MOST_SWEEPS):
        found = rewards + (weights * values[model.then]).sum(axis=(1, 2))
        change, values = np.abs(found - values).max(), found
        if change <= TOLERANCE * (1 - discount) * max(1.0, np.abs(values).max()):
            break
    return np.asarray(values)


def greedy(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The policy that takes the first of the best actions, (states, actions).

    Args:
        values: (states, actions) what each action is worth.
    """
    return np.asarray(np.eye(values.shape[1])[values.argmax(axis=1)])
