"""`q-learning`: a table of action values, learned by trying, beside the exact truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from chainrule.errors import OptionError
from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import POSITIVE, check_ranges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chainrule.evaluation.judgement import Judgement

OWN = ("LineWalk-v0", "Maze-v0")  # of this project, which may be named without it
EVALUATIONS = 20  # a run

MACHINE = "1 core of an AMD EPYC (Zen 5)"

EXPECTED: tuple[Band, ...] = (
    Band(
        setting={"dataset": "chainrule/LineWalk-v0"},
        metric="regret",
        mean=0.0,
        standard_deviation=0.0,
        seeds=5,
        machine=MACHINE,
        seconds=0.3,
        command="chainrule train q-learning --seed SEED",
        baseline=("any action, all alike", 1.0),
    ),
    Band(
        setting={"dataset": "FrozenLake-v1"},
        metric="regret",
        mean=0.0,
        standard_deviation=0.0,
        seeds=5,
        machine=MACHINE,
        seconds=0.3,
        command="chainrule train q-learning --environment FrozenLake-v1 --seed SEED",
        baseline=("any action, all alike", 0.9772),
    ),
    Band(
        setting={"dataset": "CliffWalking-v1"},
        metric="regret",
        mean=0.0,
        standard_deviation=0.0,
        seeds=5,
        machine=MACHINE,
        seconds=0.3,
        command="chainrule train q-learning --environment CliffWalking-v1 --seed SEED",
        baseline=("any action, all alike", 86.5445),
    ),
    Band(
        setting={"dataset": "Taxi-v4"},
        metric="regret",
        mean=0.0,
        standard_deviation=0.0,
        seeds=5,
        machine=MACHINE,
        seconds=0.4,
        command="chainrule train q-learning --environment Taxi-v4 --seed SEED",
        baseline=("any action, all alike", 61.8149),
    ),
)


@dataclass(frozen=True, kw_only=True)
class QLearning:
    """A table of what every action is worth in every state, learned by trying; the exact optimum stands beside it."""

    name: ClassVar[str] = "q-learning"
    summary: ClassVar[str] = "tabular Q-learning, SARSA and expected SARSA"
    dataset: ClassVar[str] = "chainrule/LineWalk-v0"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED
    in_numpy: ClassVar[bool] = True
    in_environment: ClassVar[bool] = True

    environment: str = "chainrule/LineWalk-v0"
    """Any environment of Gymnasium with numbered states and actions, by its name: FrozenLake-v1, Taxi-v4 …"""
    method: Literal["q-learning", "sarsa", "expected-sarsa"] = "q-learning"
    """What is taken for the worth of the next state: its best action's, its next action's, or its mean action's."""
    through: Literal["auto", "model", "environment"] = "auto"
    """What is tried: outcomes drawn by the environment's transition `model`, thousands at once, or the `environment`
    itself, step by step; `auto` takes the model where the environment gives one."""
    environments: int | None = None
    """That take an action in each update, ≥ 1; 8,192 of a model and 8 of environments themselves by default."""
    actions: int | None = None
    """To try in all environments together, ≥ 1; 8 million by a model and 400,000 otherwise by default."""
    discount: float = 0.99
    """γ, what a reward a step later counts, in [0, 0.999]."""
    learning_rate: float = 1.0
    """α of a pair of state and action that is tried for the first time, in (0, 1]."""
    learning_rate_schedule: Literal["auto", "visits", "linear", "constant"] = "auto"
    """How α falls: `visits` divides it by 1 + (1 − γ) n when a pair was tried n times, `linear` takes it to 0 with the
    steps; `auto` takes the first for `q-learning`, the second for the others, whose aim moves with ε."""
    exploration: float = 1.0
    """ε at the beginning: the probability of any action instead of the best one, in [0, 1]."""
    exploration_end: float = 0.1
    """ε at the end, in [0, 1]."""
    exploration_share: float = 0.5
    """Share of the steps in which ε goes from the one to the other, in [0, 1]."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        if self.environment in OWN:
            object.__setattr__(self, "environment", f"chainrule/{self.environment}")
        check_ranges(self, environments=(1, 1_000_000), actions=(1, 10**15), discount=(0.0, 0.999))
        check_ranges(self, learning_rate=(POSITIVE[0], 1.0), exploration=(0.0, 1.0), exploration_end=(0.0, 1.0))
        check_ranges(self, exploration_share=(0.0, 1.0))
        if self.exploration == self.exploration_end and self.exploration_share != type(self).exploration_share:
            raise OptionError("--exploration-share is for an exploration that changes; leave it out.")
        if self.exploration_share == 0 and self.exploration not in {self.exploration_end, type(self).exploration}:
            raise OptionError("--exploration-share 0 leaves no step for --exploration; give --exploration-end alone.")
        if self.environments is not None and self.actions is not None and self.actions < self.environments:
            raise OptionError(
                f"--actions {self.actions} are less than one for each of --environments {self.environments}; "
                "take fewer environments."
            )

    def explore(self, step: int, steps: int) -> float:
        """ε of a step: a straight line from the beginning to the end."""
        turning = self.exploration_share * steps
        done = min(1.0, step / turning) if turning > 0 else 1.0
        return self.exploration + done * (self.exploration_end - self.exploration)

    def rate(self, step: int, steps: int, visits: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """α of pairs that were tried so often.

        1 / (1 + (1 − γ) n) is the rescaled linear step size of Wainwright, "Stochastic approximation with
        cone-contractive operators", arXiv 1905.06265.
        """
        import numpy as np

        schedule = self.learning_rate_schedule
        if schedule == "auto":
            schedule = "visits" if self.method == "q-learning" else "linear"
        if schedule == "visits":
            return np.asarray(self.learning_rate / (1 + (1 - self.discount) * visits))
        falling = 1 - step / steps if schedule == "linear" else 1.0
        return np.full(len(visits), self.learning_rate * falling)

    def build(self, setting: Setting) -> Assembly:
        """Opens the environment and makes an empty table."""
        from chainrule.recipes.action_values import build_table

        return build_table(self, setting)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """The regret of the greedy policy by the exact truth; the mean return where the truth is not known."""
        from chainrule.recipes.action_values import judge_table

        return judge_table(self, setting, model_folder, rows)
