"""Settings of `maze-dqn` that belong together."""

from dataclasses import dataclass, fields
from typing import Literal

from chainrule.errors import OptionError
from chainrule.recipes.setting_types import flag_of
from chainrule.recipes.supervised import COUNT, POSITIVE, check_numbers, check_ranges

PROBABILITY = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Mazes:
    """Which mazes are learned, and the rules in them; without a meaning in other environments."""

    rows: int = 7
    """Of cells, from 2 to 96; the maze has 2 rows + 1 squares from top to bottom."""
    columns: int = 7
    """Of cells, from 2 to 96."""
    generator: Literal["wilson", "depth-first"] = "wilson"
    """`wilson` makes each perfect maze as often as any other, `depth-first` those with long corridors."""
    braid: float = 0.0
    """Share of the dead ends that are opened, in [0, 1]; a perfect maze has 0."""
    mazes: int = 20_000
    """That are learned from, ≥ 1."""
    fixed_maze: int | None = None
    """Number of the one maze to learn and to be judged on, from corner to corner; many mazes where None."""
    agents: int | None = None
    """That walk in each maze, ≥ 1; 32 where it is not given, and 128 in a fixed one."""
    step_reward: float = -0.05
    """For every step; 1 more for the one that reaches the goal."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, rows=(2, 96), columns=(2, 96), braid=PROBABILITY, mazes=(1, 10**6))
        check_ranges(self, fixed_maze=(0, 10**9), agents=(1, 10**4), step_reward=(-10, 10))
        if self.fixed_maze is not None and self.mazes != type(self).mazes:
            raise OptionError("--mazes counts those learned from, and --fixed-maze names the only one; leave one out.")


@dataclass(frozen=True, kw_only=True)
class Exploring:
    """How often an agent does anything instead of what it thinks best."""

    exploration: float = 1.0
    """ε at the beginning, in [0, 1]."""
    exploration_end: float | None = None
    """ε at the end, in [0, 1]; 0.5 in mazes and 0.05 elsewhere where it is not given."""
    exploration_share: float = 0.3
    """Share of the steps in which ε goes from the one to the other, in [0, 1]."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, exploration=PROBABILITY, exploration_end=PROBABILITY, exploration_share=PROBABILITY)

    def end(self, *, mazes: bool) -> float:
        """ε at the end, in mazes or elsewhere."""
        return self.exploration_end if self.exploration_end is not None else (0.5 if mazes else 0.05)

    def refuse_idle(self, *, mazes: bool) -> None:
        """Refuses a share of the steps in which nothing changes."""
        constant = self.exploration == self.end(mazes=mazes)
        if constant and self.exploration_share != type(self).exploration_share:
            raise OptionError("--exploration-share is for an exploration that changes; leave it out.")

    def epsilon(self, step: int, steps: int, *, mazes: bool) -> float:
        """ε of a step: a straight line from the beginning to the end."""
        turning = self.exploration_share * steps
        done = min(1.0, step / turning) if turning > 0 else 1.0
        return self.exploration + done * (self.end(mazes=mazes) - self.exploration)


@dataclass(frozen=True, kw_only=True)
class InParallel:
    """What `pqn` does with what all agents have just lived through."""

    trace: float | None = None
    """λ, how much a return goes by what came later and not by the next state's value, in [0, 1]; 0.65 in mazes and 0.9
    elsewhere where it is not given."""
    cut_traces: bool | None = None
    """Whether a return ends before the next explored action; in mazes, but not elsewhere, if it is not given."""
    passes: int | None = None
    """How often it is learned from, ≥ 1; once in mazes and 4 times elsewhere if it is not given."""
    batches: int | None = None
    """Into which it is cut, ≥ 1; 1 in mazes and 4 elsewhere if it is not given."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, trace=PROBABILITY, passes=COUNT, batches=COUNT)
        if self.trace == 0 and self.cut_traces is not None:
            raise OptionError("--cut-traces is for a --trace above 0; leave it out.")


@dataclass(frozen=True, kw_only=True)
class Replaying:
    """What `dqn` keeps and draws from again."""

    replay: int | None = None
    """Transitions that are kept, ≥ 1,000; 20,000 in mazes, each of all agents of a maze, and 50,000 elsewhere by
    default."""
    prioritised: float = 0.0
    """α, how far transitions with a large error are preferred, in [0, 1]; 0 draws all alike."""
    target_network: bool = True
    """Whether the values that are learned towards come from older weights."""
    target_every: int | None = None
    """Steps from one copy of the weights to the next, ≥ 1; 16 in mazes and 1 elsewhere where it is not given."""
    double: bool = True
    """Whether one network chooses the next action and the other judges it."""
    n_steps: int | None = None
    """Taken as one, ≥ 1; 3 in mazes and 1 elsewhere where it is not given."""
    updates: int | None = None
    """Of the weights a step, ≥ 1; 1 in mazes and 16 elsewhere where it is not given."""
    batch_size: int | None = None
    """Transitions an update, ≥ 1, in mazes each of all agents of a maze; 32 there and 256 elsewhere by default."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, replay=(1000, 10**9), prioritised=PROBABILITY, target_every=COUNT, n_steps=(1, 100))
        check_ranges(self, updates=COUNT, batch_size=COUNT)
        if not self.target_network and self.target_every is not None:
            raise OptionError("--target-every is for a target network; leave it out.")
        if not self.target_network and self.double != type(self).double:
            raise OptionError("--no-double is for a target network, since without there is one network; leave it out.")


@dataclass(frozen=True, kw_only=True)
class Updating:
    """How the network's weights are changed."""

    learning_rate: float | None = None
    """The highest, > 0, from which it falls to 0; 5e-3 in mazes and 1e-3 elsewhere where it is not given."""
    clip_norm: float = 1.0
    """Largest norm of the gradient, > 0."""
    discount: float | None = None
    """γ, what a reward a step later counts, in [0, 0.999]; 0.98 in mazes and 0.99 elsewhere where it is not given."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, learning_rate=POSITIVE, clip_norm=POSITIVE, discount=(0.0, 0.999))

    def gamma(self, *, mazes: bool) -> float:
        """The discount, in mazes or elsewhere."""
        return self.discount if self.discount is not None else (0.98 if mazes else 0.99)


@dataclass(frozen=True, kw_only=True)
class QNetwork:
    """The network that says what actions are worth."""

    layer_norm: bool = True
    """Whether hidden units are normalised."""
    dueling: bool = False
    """Whether a state's value and the actions' advantages are told apart."""
    hidden_sizes: tuple[int, ...] | None = None
    """Units of the hidden layers; one of 64 in mazes, and 128 128 elsewhere where it is not given."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_numbers("hidden_sizes", self.hidden_sizes or ())


def refuse_changed(group: object, reason: str) -> None:
    """Refuses settings of a group that are not the defaults.

    Args:
        group: an instance.
        reason: what they are for, such as "--algorithm dqn".

    Raises:
        OptionError: one is.
    """
    for field in fields(group):  # type: ignore[arg-type]
        if getattr(group, field.name) != field.default:
            raise OptionError(f"{flag_of(field.name)} is for {reason}; leave it out.")
