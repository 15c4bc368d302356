"""From an environment to a table of action values that learns in it, and what the finished one is worth."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.opening import action_names, count_actions, full_name, open_environment, summary_of
from chainrule.environments.simulated import NumberedEnvironments, SimulatedEnvironments, SteppedEnvironments
from chainrule.environments.transition_model import TransitionModel, transition_model
from chainrule.errors import DataError, OptionError
from chainrule.evaluation.optimality import Truth, judge_optimality
from chainrule.evaluation.returns import MEAN_RETURN, judge_returns, play
from chainrule.evaluation.wording import one_line
from chainrule.learners.tabular import TabularLearner
from chainrule.models.action_table import ActionTable
from chainrule.models.folder import ModelConfig, write_model
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.q_learning import EVALUATIONS, QLearning
from chainrule.runtime.draws import derive_seed, generator
from chainrule.runtime.processes import ALONE

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

FAMILY, TASK = "action-table", "tabular-reinforcement-learning"
SIMULATED, STEPPED = (8192, 8_000_000), (8, 400_000)  # environments at once, and actions in all, by default
LARGEST_TABLE = 10_000_000  # pairs of state and action
PLAYED, WATCHED = 100, 20  # episodes in the end, and in each evaluation


class Arena:
    """An environment with numbered states and actions, and what is known of it.

    Raises:
        UsageError: there is no such environment, or it has no such states and actions.
    """

    def __init__(self, recipe: QLearning) -> None:
        self.name = full_name(recipe.environment)
        self.one = open_environment(self.name)
        self.states = count_states(self.one, self.name)
        self.actions = count_actions(self.one, self.name)
        if self.states * self.actions > LARGEST_TABLE:
            raise OptionError(
                f"{self.name} has {self.states:,} states of {self.actions:,} actions, and a table holds at most "
                f"{LARGEST_TABLE:,} pairs; take maze-dqn, whose network needs no table."
            )
        self.model: TransitionModel | None = None
        try:
            self.model = transition_model(self.one, self.name)
        except OptionError:  # what is tried does not come from it
            if recipe.through != "environment":
                raise
        self.simulated = self.model is not None and recipe.through != "environment"
        if self.model is None and recipe.through == "model":
            raise OptionError(f"{self.name} gives no transition model P; leave out --through model.")
        self.summary = summary_of(self.one, self.name)

    @property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns where the states are the places of a grid, as far as the environment tells."""
        plain = self.one.unwrapped
        for shape in (getattr(plain, "shape", None), np.shape(getattr(plain, "desc", ()))):
            if isinstance(shape, tuple) and len(shape) == 2 and shape[0] * shape[1] == self.states:
                return int(shape[0]), int(shape[1])
        return None

    def several(self, count: int, seed: int) -> NumberedEnvironments:
        """So many of them at the beginning of an episode."""
        if self.model is not None and self.simulated:
            return SimulatedEnvironments(self.model, count, seed=seed, longest=self.summary["longest_episode"])
        return self.stepped(count, seed)

    def stepped(self, count: int, seed: int) -> SteppedEnvironments:
        """So many of Gymnasium's own."""
        return SteppedEnvironments(
            ForeignEnvironments(lambda: open_environment(self.name), count, seed=seed, name=self.name)
        )


def count_states(environment: "gymnasium.Env[Any, Any]", name: str) -> int:
    """How many states there are, numbered from 0.

    Raises:
        OptionError: they are not discrete.
    """
    space = environment.observation_space
    if not isinstance(space, spaces.Discrete) or space.start != 0:
        told = one_line(str(space), 100)
        raise OptionError(
            f"the states of {name} are {told}, and a table needs a row for each, "
            "numbered from 0; take an environment with Discrete states, or maze-dqn, whose network takes any."
        )
    return int(space.n)


def build_table(recipe: QLearning, setting: Setting) -> Assembly:
    """Opens the environment and makes an empty table.

    Raises:
        UsageError: see `Arena`; or the length of the run was given twice.
    """
    if setting.steps is not None and recipe.actions is not None:
        raise OptionError("--steps and --actions both say how long the run is; give one of them.")
    arena = Arena(recipe)
    environments, actions = SIMULATED if arena.simulated else STEPPED
    environments = recipe.environments or min(environments, recipe.actions or environments)
    steps = setting.steps or -(-(recipe.actions or actions) // environments)
    config = ModelConfig(
        family=FAMILY,
        arguments={"states": arena.states, "actions": arena.actions},
        task=TASK,
        recipe=recipe.name,
        classes=action_names(arena.name, arena.actions),
    )
    learner = TabularLearner(
        environments=arena.several(environments, derive_seed(setting.seed, "environments")),
        shape=(arena.states, arena.actions),
        method=recipe.method,
        discount=recipe.discount,
        exploration=lambda step: recipe.explore(step, steps),
        learning_rate=lambda step, visits: recipe.rate(step, steps, visits),
        seed=setting.seed,
        judge=_watcher(recipe, arena, setting.seed),
    )

    def save(folder: Path) -> None:
        table = ActionTable(learner.values.astype(np.float32), learner.visits.astype(np.float32))
        write_model(folder, table, config, {})

    return Assembly(
        learner=learner,
        steps=steps,
        evaluate_every=-(-steps // EVALUATIONS),
        selection=None,
        save_model=save,
        data=arena.summary,
        processes=ALONE,
        rate="updates",
    )


def _watcher(
    recipe: QLearning, arena: Arena, seed: int
) -> Callable[[NDArray[np.float64], NDArray[np.int64]], Mapping[str, float]]:
    """What an evaluation in the training computes of the table."""
    if arena.model is not None:
        return Truth(arena.model, recipe.discount).figures

    def figures(values: NDArray[np.float64], _: NDArray[np.int64]) -> Mapping[str, float]:
        return {MEAN_RETURN: float(_played(arena, WATCHED, derive_seed(seed, "watched"), values).mean())}

    return figures


def _played(arena: Arena, episodes: int, seed: int, values: NDArray[Any] | None) -> NDArray[np.float64]:
    """What episodes earn that are played by the best actions of a table, or by any where there is none."""

    def choose(states: NDArray[np.int64], step: int) -> NDArray[np.int64]:
        if values is None:
            return generator(seed, "any", step).integers(arena.actions, size=len(states))
        return np.asarray(values[states].argmax(axis=1))

    with closing(arena.stepped(episodes, seed).environments) as environments:
        return play(SteppedEnvironments(environments), choose)


def judge_table(recipe: QLearning, setting: Setting, model_folder: Path, rows: ScoredFile | None) -> "Judgement":
    """Judges a finished table.

    Raises:
        OptionError: examples were given, of which it has no use.
        DataError: the environment is no longer the one that the table was learned in.
    """
    from chainrule.inference.actions import ActionPredictor
    from chainrule.models.folder import read_model

    if rows is not None:
        raise OptionError(f"{recipe.name} is judged in its environment, which needs no data; leave out --data.")
    arena = Arena(recipe)
    if setting.sha256 not in {None, arena.summary["sha256"]}:
        raise DataError(
            f"{arena.name} has changed since the table was learned (its SHA-256 differs), so it cannot be judged "
            "there; use the version of gymnasium it was learned with."
        )
    predictor = ActionPredictor(model_folder, *read_model(model_folder), setting.compute)
    if predictor.values.shape != (arena.states, arena.actions):
        raise DataError(
            f"the table has {predictor.values.shape[0]:,} states and {arena.name} has {arena.states:,}; "
            "judge it in the environment it was learned in."
        )
    if arena.model is not None:
        truth = Truth(arena.model, recipe.discount)
        return judge_optimality(truth, predictor.values, predictor.visits, actions=predictor.actions, grid=arena.grid)
    seed = derive_seed(setting.seed, "judged")
    return judge_returns(
        _played(arena, PLAYED, seed, predictor.values),
        _played(arena, PLAYED, seed, None),
        plain_name="any action, all alike",
        figures={"tried_share": float((predictor.visits > 0).mean())},
        extra={"q_error": None},
        notes=(f"{arena.name} gives no transition model, so how good a policy can be is not known.",),
    )
