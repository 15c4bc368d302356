"""`maze-dqn`: deep Q-learning, by default in mazes that the agent has never seen."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from chainrule.errors import OptionError
from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.deep_q_settings import (
    Exploring,
    InParallel,
    Mazes,
    QNetwork,
    Replaying,
    Updating,
    refuse_changed,
)
from chainrule.recipes.supervised import POSITIVE, check_ranges

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

MAZE = "chainrule/Maze-v0"
OWN = ("LineWalk-v0", "Maze-v0")  # of this project, which may be named without it

EXPECTED: tuple[Band, ...] = (
    Band(
        setting={"dataset": "chainrule/Maze-v0"},
        metric="solved",
        mean=0.9963,
        standard_deviation=0.0031,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), fp32, another training on the other core",
        seconds=59,
        command="chainrule train maze-dqn --seed SEED",
        baseline=("random walk", 0.258),
    ),
)


@dataclass(frozen=True, kw_only=True)
class MazeDqn:
    """A network that says what each action is worth, learned by trying; in mazes, or in any other environment."""

    name: ClassVar[str] = "maze-dqn"
    summary: ClassVar[str] = "deep Q-learning that solves mazes it has never seen"
    dataset: ClassVar[str] = MAZE
    expected: ClassVar[tuple[Band, ...]] = EXPECTED
    in_environment: ClassVar[bool] = True
    in_fp32: ClassVar[bool] = True

    environment: str = MAZE
    """Any environment of Gymnasium with numbered actions, by its name: CartPole-v1, Acrobot-v1 …"""
    algorithm: Literal["pqn", "dqn"] = "pqn"
    """`pqn` learns from what many agents have just lived through, `dqn` from a replay, with a target network."""
    environments: int | None = None
    """That are stepped side by side, ≥ 1; 32 mazes, each with several agents, and 64 of other kinds by default."""
    rollout: int | None = None
    """Steps of every agent from one update to the next, ≥ 1; 16 in mazes and 32 elsewhere where it is not given."""
    actions: int | None = None
    """Of all agents in all, ≥ 1; 32 million in mazes and 300,000 elsewhere where it is not given."""
    reward_scale: float | None = None
    """By which rewards are multiplied for the network, > 0, not in mazes; 0.1 where it is not given."""
    mazes: Mazes = Mazes()
    """Which mazes are learned."""
    exploring: Exploring = Exploring()
    """How often an agent does anything."""
    network: QNetwork = QNetwork()
    """What says what actions are worth."""
    updating: Updating = Updating()
    """How its weights are changed."""
    in_parallel: InParallel = InParallel()
    """What `pqn` does."""
    replaying: Replaying = Replaying()
    """What `dqn` does."""

    def __post_init__(self) -> None:
        """Refuses values out of range, and settings that would do nothing."""
        if self.environment in OWN:
            object.__setattr__(self, "environment", f"chainrule/{self.environment}")
        check_ranges(self, environments=(1, 1_000_000), rollout=(1, 100_000), actions=(1, 10**15))
        check_ranges(self, reward_scale=POSITIVE)
        self.exploring.refuse_idle(mazes=self.in_mazes)
        if self.algorithm == "pqn":
            refuse_changed(self.replaying, "--algorithm dqn")
        else:
            refuse_changed(self.in_parallel, "--algorithm pqn")
        if self.in_mazes and self.reward_scale is not None:
            raise OptionError("--reward-scale is for other environments than mazes; leave it out.")
        if not self.in_mazes:
            refuse_changed(self.mazes, f"--environment {MAZE}")
        elif self.network.hidden_sizes is not None and len(self.network.hidden_sizes) != 1:
            raise OptionError("--hidden-sizes must give one size in mazes, whose network has one hidden layer.")

    @property
    def in_mazes(self) -> bool:
        """Whether it learns in mazes."""
        return self.environment == MAZE

    def count_steps(self, setting: Setting) -> int:
        """Updates in all, or, of `dqn`, times that all agents have acted and something was learned.

        Raises:
            OptionError: it is said twice.
        """
        if setting.steps is not None and self.actions is not None:
            raise OptionError("--steps and --actions both say how long the run is; give one of them.")
        usual = 32_000_000 if self.in_mazes else 300_000
        if self.mazes.fixed_maze is not None:
            usual = 5_000_000
        return setting.steps or -(-(self.actions or usual) // self.actions_a_step)

    @property
    def actions_a_step(self) -> int:
        """Of all agents."""
        return self.side_by_side * (self.agents if self.in_mazes else 1) * self.rows

    @property
    def agents(self) -> int:
        """In each maze."""
        return self.mazes.agents or (128 if self.mazes.fixed_maze is not None else 32)

    @property
    def side_by_side(self) -> int:
        """Environments; a maze that is the only one is there once."""
        if self.environments is not None or not self.in_mazes:
            return self.environments or 64
        return 32 if self.mazes.fixed_maze is None else 1

    @property
    def rows(self) -> int:
        """Steps of every agent an update."""
        return self.rollout or (16 if self.in_mazes else 32)

    def build(self, setting: Setting) -> Assembly:
        """Opens the environment and makes a network with fresh weights."""
        if self.in_mazes:
            from chainrule.recipes.maze_agents import build_in_mazes

            return build_in_mazes(self, setting)
        from chainrule.recipes.vector_agents import build_in_vectors

        return build_in_vectors(self, setting)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """The share of held-out mazes that are solved; in other environments the mean return."""
        if rows is not None:
            raise OptionError(f"{self.name} is judged in its environment, which needs no data; leave out --data.")
        if self.in_mazes:
            from chainrule.recipes.maze_agents import judge_in_mazes

            return judge_in_mazes(self, setting, model_folder)
        from chainrule.recipes.vector_agents import judge_in_vectors

        return judge_in_vectors(self, setting, model_folder)
