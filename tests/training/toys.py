"""A learner in NumPy alone, with randomness, state and an evaluation: what the loop must be able to drive."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.learners.contract import Fault, Step


class NoisyWalk:
    """Moves a vector by global random draws; its figures depend on every step before."""

    def __init__(self, *, worse_after: int | None = None, not_finite_at: int | None = None) -> None:
        self.place = np.zeros(7)
        self.speed = np.zeros((3, 2), dtype=np.float32)
        self.worse_after = worse_after
        self.not_finite_at = not_finite_at
        self.seen_fault: int | None = None

    def step(self, index: int) -> Step:
        self.place += np.random.standard_normal(7)  # noqa: NPY002 - the loop must have seeded it
        self.speed += np.float32(np.random.rand())  # noqa: NPY002
        loss = float(np.square(self.place).mean())
        if index == self.not_finite_at:
            self.seen_fault, loss = index, float("nan")
        return Step({"loss": loss, "learning_rate": 0.1}, examples=5, flops=10.0)

    def evaluate(self) -> Mapping[str, float]:
        score = float(self.place.sum() + np.random.rand())  # noqa: NPY002
        if self.worse_after is not None:
            score = -abs(float(self.speed.sum()) - self.worse_after)
        return {"score": score}

    def state_dict(self) -> Mapping[str, Any]:
        return {
            "place": self.place,
            "speed": {"x": self.speed},
            "name": "walk",
            "numbers": [1, 2.5, None, True],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        assert state["name"] == "walk"
        assert state["numbers"] == [1, 2.5, None, True]
        self.place = state["place"].copy()
        self.speed = state["speed"]["x"].copy()

    def fault(self) -> Fault | None:
        if self.seen_fault is None:
            return None
        return Fault(self.seen_fault, {"loss": float("nan"), "learning_rate": 0.1})
