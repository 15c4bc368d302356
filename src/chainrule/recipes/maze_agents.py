"""From mazes to an agent that learns in them, and what the finished one is worth in others."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from chainrule.environments.crowd import Crowd
from chainrule.environments.maze_settings import MazeSettings
from chainrule.environments.opening import ACTIONS, open_environment, summary_of
from chainrule.environments.resets import reset_seeds
from chainrule.environments.walks import Tasks, walk_by_table
from chainrule.errors import DataError, OptionError
from chainrule.evaluation.mazes import judge_walks
from chainrule.inference.mazes import TASK, MazePredictor, maze_values
from chainrule.models.folder import ModelConfig, build_model, read_model, write_model
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.deep_q import deep_q_learner
from chainrule.recipes.maze_dqn import MAZE, MazeDqn
from chainrule.runtime.devices import Compute
from chainrule.runtime.draws import derive_seed, reseed_all
from chainrule.runtime.processes import ALONE
from chainrule.training.loop import Selection

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement
    from chainrule.evaluation.maze_album import MazeAlbum

FAMILY = "q-value-iteration"
HIDDEN = 64
EVALUATIONS = 12  # a run
JUDGED, WATCHED, LARGER_JUDGED = 1000, 200, 200  # mazes in the end, in each evaluation, and of the larger ones
LARGER = 4  # cells more in each direction, of mazes that nothing was learned from
SET_APART = {"test": 4, "validation": 2, "larger": 3}  # the seed of each set of mazes that are not learned from


@dataclass(frozen=True)
class Lessons:
    """The mazes to learn from, and the rules in them."""

    walls: NDArray[np.uint8]
    settings: MazeSettings
    left_out: int
    """Mazes that equal one that is kept for evaluation or test."""


def maze_settings(recipe: MazeDqn, *, more_cells: int = 0, **changes: Any) -> MazeSettings:
    """The environment's settings."""
    own = recipe.mazes
    return MazeSettings(
        rows=own.rows + more_cells,
        columns=own.columns + more_cells,
        generator=own.generator,
        braid=own.braid,
        step_reward=own.step_reward,
        places="random" if own.fixed_maze is None else "corners",
        **changes,
    )


def tasks_of(recipe: MazeDqn, which: str, count: int) -> Tasks:
    """Mazes that nothing is learned from, the same for every seed of a run; of a fixed maze, that alone.

    Args:
        recipe: the settings.
        which: "test", "validation", or "larger".
        count: how many.
    """
    fixed = recipe.mazes.fixed_maze
    settings = maze_settings(
        recipe,
        more_cells=LARGER if which == "larger" else 0,
        mazes=count if fixed is None else 1,
        first_maze=fixed or 0,
        maze_seed=0 if fixed is not None else SET_APART[which],
    )
    walls = settings.pool()
    numbers = np.arange(len(walls))
    start = settings.starts(reset_seeds(SET_APART[which], numbers, numbers))
    return Tasks(walls, start.agents, start.goals)


def lessons(recipe: MazeDqn, seed: int) -> Lessons:
    """The mazes to learn from: other ones for every seed, none of them among those that are set apart.

    Raises:
        OptionError: no maze is left.
    """
    fixed = recipe.mazes.fixed_maze
    if fixed is not None:
        settings = maze_settings(recipe, mazes=1, first_maze=fixed)
        return Lessons(settings.pool(), settings, 0)
    settings = maze_settings(recipe, mazes=recipe.mazes.mazes, maze_seed=derive_seed(seed, "mazes"))
    apart = {
        digest
        for which, count in (("test", JUDGED), ("validation", WATCHED))
        for digest in _digests(recipe, which, count)
    }
    walls = settings.pool()
    kept = np.array([_digest(maze) not in apart for maze in walls])
    if not kept.any():
        raise OptionError(
            f"all {len(walls):,} mazes of {settings.rows} x {settings.columns} cells are among those set apart for the "
            "test; take more --rows and --columns, of which there are more mazes."
        )
    return Lessons(walls[kept], settings, int((~kept).sum()))


def _digest(walls: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.packbits(walls).tobytes()).digest()


@lru_cache(maxsize=4)
def _digests(recipe: MazeDqn, which: str, count: int) -> frozenset[bytes]:
    return frozenset(map(_digest, tasks_of(recipe, which, count).walls))


def summary(recipe: MazeDqn, learned: Lessons) -> dict[str, Any]:
    """What `run.json` keeps of the mazes; the hash is over all of them."""
    told = summary_of(open_environment(MAZE), MAZE)
    digest = hashlib.sha256(np.packbits(learned.walls).tobytes())
    test = tasks_of(recipe, "test", JUDGED)
    for array in test:
        digest.update(np.ascontiguousarray(array).tobytes())
    notes = []
    if learned.left_out:
        count = learned.left_out
        notes.append(
            f"{count:,} of {count + len(learned.walls):,} training mazes were left out: they equal one that is set "
            "apart for evaluation or test."
        )
    sizes = {"rows": recipe.mazes.rows, "columns": recipe.mazes.columns}
    return {
        **told,
        "cells": sizes,
        "mazes": {"train": len(learned.walls), "test": len(test.walls)},
        "sha256": digest.hexdigest(),
        "notes": notes,
    }


def build_in_mazes(recipe: MazeDqn, setting: Setting) -> Assembly:
    """Makes the mazes, and a network with fresh weights."""
    learned = lessons(recipe, setting.seed)
    world = Crowd(
        learned.walls,
        learned.settings,
        groups=recipe.side_by_side,
        agents=recipe.agents,
        seed=derive_seed(setting.seed, "crowd"),
        device=setting.compute.device,
    )
    discount = recipe.updating.gamma(mazes=True)
    config = ModelConfig(
        family=FAMILY,
        arguments={
            "lowest": min(0.0, recipe.mazes.step_reward) / (1 - discount),  # of who never arrives
            "discount": discount,
            "hidden_size": (recipe.network.hidden_sizes or (HIDDEN,))[0],
            "layer_norm": recipe.network.layer_norm,
            "dueling": recipe.network.dueling,
        },
        task=TASK,
        recipe=recipe.name,
        classes=ACTIONS[MAZE],
    )
    reseed_all(setting.seed, "weights")
    network = build_model(config).to(setting.compute.device)
    steps = recipe.count_steps(setting)
    watched = tasks_of(recipe, "validation", WATCHED)
    return Assembly(
        learner=deep_q_learner(
            recipe, network, world, steps=steps, judge=watcher(watched, learned.settings.longest, setting.compute)
        ),
        steps=steps,
        evaluate_every=-(-steps // EVALUATIONS),
        selection=Selection("shortest", higher_is_better=True),
        save_model=lambda folder: write_model(folder, network, config, {}),
        data=summary(recipe, learned),
        processes=ALONE,
        observe=lambda run: album(run, network, watched, setting.compute),
        rate="environment_steps",
    )


def watcher(tasks: Tasks, longest: int, compute: Compute) -> Callable[[nn.Module], Mapping[str, float]]:
    """What an evaluation in the training computes of the network."""
    shortest = tasks.shortest()

    def figures(network: nn.Module) -> Mapping[str, float]:
        walks = walk_by_table(tasks, maze_values(network, tasks.scenes(), compute), longest=longest)
        return {
            "solved": float(walks.solved.mean()),
            "shortest": float((walks.solved & (walks.steps == shortest)).mean()),
        }

    return figures


def album(run: Path, network: nn.Module, tasks: Tasks, compute: Compute) -> "MazeAlbum":
    """Draws what the network thinks of one maze at every evaluation, and its walk through it in the end."""
    from chainrule.evaluation.maze_album import MazeAlbum

    hardest = int(tasks.shortest().argmax())
    one = slice(hardest, hardest + 1)
    shown = Tasks(tasks.walls[one], tasks.starts[one], tasks.goals[one])
    return MazeAlbum(run, shown, lambda: maze_values(network, shown.scenes(), compute))


def judge_in_mazes(recipe: MazeDqn, setting: Setting, model_folder: Path) -> "Judgement":
    """Judges a finished network in the mazes that were set apart.

    Raises:
        DataError: the mazes are no longer those that were set apart.
    """
    if setting.sha256 is not None and summary(recipe, lessons(recipe, setting.seed))["sha256"] != setting.sha256:
        raise DataError(
            "the mazes are not those that the run began with (their SHA-256 differs); use the version of chainrule "
            "that it was trained with."
        )
    predictor = MazePredictor(model_folder, *read_model(model_folder), setting.compute)
    test, larger = tasks_of(recipe, "test", JUDGED), None
    if recipe.mazes.fixed_maze is None:
        larger = tasks_of(recipe, "larger", LARGER_JUDGED)
    return judge_walks(
        test,
        predictor.values(test),
        longest=maze_settings(recipe).longest,
        larger=None if larger is None else (larger, predictor.values(larger)),
        larger_longest=maze_settings(recipe, more_cells=LARGER).longest,
        perfect=recipe.mazes.braid == 0,
    )
