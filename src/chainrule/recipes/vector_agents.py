"""From any environment of Gymnasium to an agent that learns in it, and what the finished one earns there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.environments.at_once import at_once
from chainrule.environments.foreign import ForeignEnvironments
from chainrule.environments.opening import action_names, count_actions, full_name, open_environment, summary_of
from chainrule.environments.vectors import Vectors, vector_size
from chainrule.environments.world import World
from chainrule.errors import DataError
from chainrule.evaluation.played import play_in
from chainrule.evaluation.returns import MEAN_RETURN, judge_returns
from chainrule.inference.vectors import TASK, VectorPredictor
from chainrule.models.folder import ModelConfig, build_model, read_model, write_model
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.deep_q import deep_q_learner
from chainrule.recipes.maze_dqn import MazeDqn
from chainrule.runtime.draws import derive_seed, reseed_all
from chainrule.runtime.processes import ALONE
from chainrule.training.loop import Selection

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

FAMILY = "q-vector"
HIDDEN = (128, 128)
REWARD_SCALE = 0.1
EVALUATIONS = 12  # a run
PLAYED, WATCHED = 100, 20  # episodes in the end, and in each evaluation of an environment without a vector form


class Arena:
    """An environment whose observations are made into vectors, and what is known of it.

    Raises:
        UsageError: there is no such environment, or it has no numbered actions or no such observations.
    """

    def __init__(self, recipe: MazeDqn) -> None:
        self.name = full_name(recipe.environment)
        one = open_environment(self.name)
        self.actions = action_names(self.name, count_actions(one, self.name))
        self.values = vector_size(one.observation_space, self.name)
        self.summary = summary_of(one, self.name)
        one.close()

    def alone(self, count: int, *, seed: int, device: str, reward_scale: float = 1.0) -> Vectors:
        """So many of Gymnasium's single ones, each at the beginning of an episode."""
        environments = ForeignEnvironments(lambda: open_environment(self.name), count, seed=seed, name=self.name)
        return Vectors(environments, actions=len(self.actions), device=device, reward_scale=reward_scale)

    def world(self, count: int, *, seed: int, device: str, reward_scale: float = 1.0) -> World:
        """So many of them: in the environment's own vector form where it has one, which is faster."""
        many = at_once(self.name, count, seed=seed, device=device, reward_scale=reward_scale)
        return many or self.alone(count, seed=seed, device=device, reward_scale=reward_scale)

    def watched(self, seed: int, device: str) -> World:
        """Environments to evaluate in: a hundred where they are stepped at once, otherwise fewer."""
        return at_once(self.name, PLAYED, seed=seed, device=device) or self.alone(WATCHED, seed=seed, device=device)


def build_in_vectors(recipe: MazeDqn, setting: Setting) -> Assembly:
    """Opens the environment and makes a network with fresh weights."""
    arena, device = Arena(recipe), setting.compute.device
    config = ModelConfig(
        family=FAMILY,
        arguments={
            "input_size": arena.values,
            "hidden_sizes": list(HIDDEN if recipe.network.hidden_sizes is None else recipe.network.hidden_sizes),
            "actions": len(arena.actions),
            "layer_norm": recipe.network.layer_norm,
            "dueling": recipe.network.dueling,
        },
        task=TASK,
        recipe=recipe.name,
        classes=arena.actions,
    )
    reseed_all(setting.seed, "weights")
    network = build_model(config).to(device)
    steps = recipe.count_steps(setting)
    world = arena.world(
        recipe.side_by_side,
        seed=derive_seed(setting.seed, "environments"),
        device=device,
        reward_scale=recipe.reward_scale or REWARD_SCALE,
    )
    return Assembly(
        learner=deep_q_learner(
            recipe, network, world, steps=steps, judge=watcher(arena, derive_seed(setting.seed, "watched"), device)
        ),
        steps=steps,
        evaluate_every=-(-steps // EVALUATIONS),
        selection=Selection(MEAN_RETURN, higher_is_better=True),
        save_model=lambda folder: write_model(folder, network, config, {}),
        data=arena.summary,
        processes=ALONE,
        rate="environment_steps",
    )


def watcher(arena: Arena, seed: int, device: str) -> Callable[[nn.Module], Mapping[str, float]]:
    """What an evaluation in the training computes of the network."""

    def figures(network: nn.Module) -> Mapping[str, float]:
        return {MEAN_RETURN: float(_played(arena.watched(seed, device), network).mean())}

    return figures


def _played(world: World, network: nn.Module) -> NDArray[np.float64]:
    """What episodes earn in which always the best action is done."""

    @torch.no_grad()
    def best(scenes: Tensor, _: int) -> Tensor:
        actions: Tensor = network(scenes).argmax(dim=2)
        return actions

    return play_in(world, best)


def judge_in_vectors(recipe: MazeDqn, setting: Setting, model_folder: Path) -> "Judgement":
    """Judges a finished network by what it earns in its environment.

    Raises:
        DataError: the environment is no longer the one that the network learned in.
    """
    arena, device = Arena(recipe), setting.compute.device
    if setting.sha256 not in {None, arena.summary["sha256"]}:
        raise DataError(
            f"{arena.name} has changed since the network learned in it (its SHA-256 differs), so it cannot be judged "
            "there; use the version of gymnasium it was trained with."
        )
    predictor = VectorPredictor(model_folder, *read_model(model_folder), setting.compute)
    network = predictor.network
    if (network.input_size, network.actions) != (arena.values, len(arena.actions)):
        raise DataError(
            f"the network takes {network.input_size:,} values and {arena.name} shows {arena.values:,}; "
            "judge it in the environment it learned in."
        )
    seed = derive_seed(setting.seed, "judged")

    def anything(_: Tensor, step: int) -> Tensor:
        reseed_all(seed, "any", step)
        return torch.randint(len(arena.actions), (PLAYED, 1), device=device)

    return judge_returns(
        _played(arena.alone(PLAYED, seed=seed, device=device), network),
        play_in(arena.alone(PLAYED, seed=seed, device=device), anything),
        plain_name="any action, all alike",
        figures={},
        extra={},
    )
