"""Learning from rewards, in a table: Q-learning, SARSA and expected SARSA, one environment or thousands at once."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.environments.simulated import NumberedEnvironments
from chainrule.learners.contract import Fault, Step, Tree
from chainrule.runtime.draws import generator

Method = Literal["q-learning", "sarsa", "expected-sarsa"]
Values = NDArray[np.float64]
Draws = NDArray[np.float32]
FLOPS = 5.0  # of a pair that is tried: γ v, r added, Q taken away, α of that, and added to Q
DENSE = 4  # pairs an environment, up to which all pairs are counted, and not sorted


class TabularLearner:
    """Learns what every action is worth in every state, Q, by trying.

    In each update every environment takes one action, the best by Q or, with probability ε, any; it gets the reward r
    and is in s'. What was tried, Q(s, a), moves towards

        r + γ v(s'),   v(s') = max over a' of Q(s', a')          Q-learning
                               Q(s', a'), a' that is taken next  SARSA
                               Σ over a' of π(a'|s') Q(s', a')   expected SARSA, π the policy that explores

    by the share α. Where the episode terminated there is no s' to go on from, and v is 0; where it was truncated,
    there is. Where m environments try the same pair in one update, it moves m times towards the mean of what they
    found: by 1 − (1 − α)^m.

    Watkins and Dayan, "Q-learning", Machine Learning 8, 1992; Rummery and Niranjan, 1994; van Seijen and others, 2009.

    Args:
        environments: where actions are tried.
        shape: states and actions.
        method: what v is.
        discount: γ.
        exploration: number of the update → ε.
        learning_rate: (number of the update, how often pairs were tried before) → α of each.
        seed: of every draw.
        judge: (Q, how often each pair was tried) → figures.
    """

    def __init__(
        self,
        *,
        environments: NumberedEnvironments,
        shape: tuple[int, int],
        method: Method,
        discount: float,
        exploration: Callable[[int], float],
        learning_rate: Callable[[int, NDArray[np.int64]], Values],
        seed: int,
        judge: Callable[[Values, NDArray[np.int64]], Mapping[str, float]],
    ) -> None:
        self.environments = environments
        self.method = method
        self.discount = discount
        self.exploration = exploration
        self.learning_rate = learning_rate
        self.seed = seed
        self.judge = judge
        self.values = np.zeros(shape)
        """Q, (states, actions)."""
        self.visits = np.zeros(shape, np.int64)
        """How often each pair was tried."""
        self._next = np.zeros(len(environments.states), np.int64)
        """The actions that SARSA has chosen already."""
        self._last = -1

    def step(self, index: int) -> Step:
        """Does update number `index`: one action in each environment."""
        self._last = index
        environments, count = self.environments, len(self._next)
        on_policy = self.method == "sarsa"
        rows = 1 + environments.draws + 2 * on_policy
        exploring, *more = generator(self.seed, "actions", index).random((rows, count), np.float32)
        epsilon = self.exploration(index)
        states = environments.states
        if index == 0 or not on_policy:
            self._next = self._choose(states, exploring, epsilon)
        actions = self._next
        rewards, terminated, truncated = environments.step(actions, more.pop() if environments.draws else None)
        if on_policy:
            self._next = self._choose(environments.states, more[0], epsilon)
            ahead = self.values[environments.states, self._next]
        else:
            ahead = self._worth(environments.states, epsilon)
        errors, rate = self._move(index, states, actions, rewards + self.discount * ahead * ~terminated)
        if (ended := terminated | truncated).any():
            environments.reset(ended)
            if on_policy:
                self._next[ended] = self._choose(environments.states[ended], more[1][ended], epsilon)
        figures = {"temporal_difference": errors, "reward": float(rewards.mean())}
        return Step({**figures, "exploration": epsilon, "learning_rate": rate}, examples=count, flops=FLOPS * count)

    def _choose(self, states: NDArray[np.int64], draws: Draws, epsilon: float) -> NDArray[np.int64]:
        """The best action in each state; where a draw from [0, 1) is below ε, any."""
        actions = self.values.shape[1]
        best = self.values[states].argmax(axis=1) if len(states) < len(self.values) else self._best()[states]
        if epsilon <= 0:
            return np.asarray(best)
        any_one = np.minimum(draws * (actions / epsilon), actions - 1).astype(np.int64)
        return np.where(draws < epsilon, any_one, best)

    def _best(self) -> NDArray[np.int64]:
        return np.asarray(self.values.argmax(axis=1))

    def _worth(self, states: NDArray[np.int64], epsilon: float) -> Values:
        """V of these states, (environments,)."""
        few = len(states) < len(self.values)
        values = self.values[states] if few else self.values
        worth = values.max(axis=1)
        if self.method == "expected-sarsa":
            worth = (1 - epsilon) * worth + epsilon * values.mean(axis=1)
        return np.asarray(worth if few else worth[states])

    def _move(
        self, index: int, states: NDArray[np.int64], actions: NDArray[np.int64], targets: Values
    ) -> tuple[float, float]:
        """Moves what was tried towards what was found; returns the mean of |target − Q| and of α, over the pairs."""
        tried = states * self.values.shape[1] + actions
        if self.values.size <= DENSE * len(tried):
            counts = np.bincount(tried, minlength=self.values.size)
            sums = np.bincount(tried, targets, minlength=self.values.size)
            pairs = np.flatnonzero(counts)
            counts, sums = counts[pairs], sums[pairs]
        else:
            pairs, places, counts = np.unique(tried, return_inverse=True, return_counts=True)
            sums = np.bincount(places, targets)
        values, visits = self.values.reshape(-1), self.visits.reshape(-1)
        rates = self.learning_rate(index, visits[pairs])
        errors = sums / counts - values[pairs]
        values[pairs] += (1 - (1 - rates) ** counts) * errors
        visits[pairs] += counts
        return float(np.abs(errors).mean()), float(rates.mean())

    def fault(self) -> Fault | None:
        """The last update, where a value is infinite or not a number."""
        if np.isfinite(self.values).all():
            return None
        return Fault(self._last, {"largest value": float(np.abs(self.values).max())})

    def evaluate(self) -> Mapping[str, float]:
        """The judge's figures of the table."""
        return self.judge(self.values, self.visits)

    def state_dict(self) -> Tree:
        """The table, how often each pair was tried, where the environments are, and what SARSA does next."""
        return {
            "model": {"values": self.values, "visits": self.visits},
            "next": self._next,
            "environments": self.environments.state_dict(),
        }

    def load_state_dict(self, state: Tree) -> None:
        """Goes back to a state."""
        self.values, self.visits = np.array(state["model"]["values"]), np.array(state["model"]["visits"])
        self._next = np.array(state["next"])
        self.environments.load_state_dict(state["environments"])
