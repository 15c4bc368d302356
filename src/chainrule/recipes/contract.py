"""What a recipe is: configuration, default data, how to build a learner from them and how to judge the result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from chainrule.runtime.processes import ALONE, Processes

if TYPE_CHECKING:
    from chainrule.evaluation.band import Band
    from chainrule.evaluation.judgement import Judgement, Plot
    from chainrule.learners.contract import Learner
    from chainrule.runtime.devices import Compute
    from chainrule.training.loop import Observer, Selection


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where and on what a recipe is built: everything about a run that is not the recipe's own."""

    seed: int
    steps: int | None
    """Updates in all, or None for as many as the recipe's epochs make."""
    compute: "Compute"
    """Device and precision."""
    dataset: str | None
    data: Path | None
    """Exactly one of the two is given; neither to a recipe that learns in an environment, which its setting names."""
    processes: Processes = ALONE
    """Those that learn together."""
    shard: bool = False
    """Whether the run asks for the model to be divided among several, however many there are now."""
    sha256: str | None = None
    """Of the data when the run began, where it is judged afterwards; None while it begins."""

    @property
    def is_divided(self) -> bool:
        """Whether the model is divided among the processes."""
        return self.shard and self.processes.count > 1


@dataclass(frozen=True, kw_only=True)
class ScoredFile:
    """A file or folder of examples with labels, all of which a finished model is scored on."""

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    """What the user says of its columns, such as `label_column`; for the rest the recipe's own settings hold."""


def no_plots() -> "tuple[Plot, ...]":
    """Nothing to be shown of how a learner came where it is, beside its learning curve."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A recipe built: what the loop drives and what becomes of it."""

    learner: "Learner"
    steps: int
    """Updates in all."""
    evaluate_every: int
    """Steps between two evaluations where the user does not say: an epoch, for most."""
    selection: "Selection | None"
    """Which figure of `evaluate()` tells the best weights; None keeps the last."""
    save_model: Callable[[Path], None]
    """Writes the learner's present weights, whole with preprocessing and names, into an empty folder."""
    data: Mapping[str, Any]
    """What `run.json` keeps of the data, with their hash: `Dataset.summary()`, or `summary_of` an environment."""
    processes: Processes = ALONE
    """Those that the learner shares its work with: the setting's, where it can."""
    observe: Callable[[Path], "Observer"] | None = None
    """From the folder of the run to who draws what is learned while it is; nobody where None."""
    rate: str | None = None
    """What the examples of its steps are, where the report is to say how many there were a second: with "updates" it
    has the key `updates_per_second`."""
    plots: "Callable[[], tuple[Plot, ...]]" = no_plots
    """Pictures of how the learner came where it is, from its present state; asked for once, at the run's end."""


class Recipe(Protocol):
    """A frozen, keyword-only dataclass; its fields are flags of the command line, documented one by one."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """One line: what it is."""
    dataset: ClassVar[str]
    """The named data set it runs on by default; or the environment, see below."""
    expected: ClassVar["tuple[Band, ...]"]
    """The results measured, one band a setting."""
    # A recipe that computes in NumPy alone, in fp32 on the CPU, also has `in_numpy: ClassVar[bool] = True`.
    # One to which small differences matter computes in fp32 everywhere, with `in_fp32: ClassVar[bool] = True`.
    # One that learns in an environment has `in_environment: ClassVar[bool] = True` and a field `environment: str`,
    # whose default is `dataset`; it takes no `--dataset` and no `--data`.

    def build(self, setting: Setting) -> Assembly:
        """Opens the data and builds the learner; equal settings build equal learners."""
        ...

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Scores a finished model folder.

        Args:
            setting: the run's own, whose training data the baseline learns from.
            model_folder: what `save_model` wrote.
            rows: other examples to score, all of them; the run's test split where None.

        Raises:
            DataError: the data cannot be had, or are not those that the model learned from.
        """
        ...
