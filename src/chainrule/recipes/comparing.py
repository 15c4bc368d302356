"""A recipe's network on our autograd and in torch, in step on one of its real batches."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import chainrule.autograd as ag
from chainrule.errors import UsageError
from chainrule.learners import array_objectives
from chainrule.learners.lockstep import Difference, Row, first_fault, in_lockstep
from chainrule.learners.objectives import squared_error
from chainrule.models.twins import converted, torch_twin, twin
from chainrule.recipes import BUILT_IN
from chainrule.recipes.contract import Recipe, Setting
from chainrule.recipes.settings import make, setting_fields, settings_of

if TYPE_CHECKING:
    from chainrule.recipes.supervised import Classifying

Precision = Literal["fp32", "fp64"]
TOLERANCES: dict[str, float] = {"fp32": 1e-4, "fp64": 1e-10}
TYPES = {"fp32": (np.float32, torch.float32), "fp64": (np.float64, torch.float64)}
COMPARED = (
    "backprop-classifier",
    "backprop-regression",
    "image-cnn",
    "mlp-classification",
    "mlp-regression",
    "sequence-lstm",
)
"""The recipes of this package whose networks have a twin."""
RANDOM = ("dropout", "noise")  # settings of what draws, and so differs between two networks
GRAIN = 0.1  # of a picture's deviation


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A network on our autograd, its twin in torch, and what they compute on."""

    own: ag.Module
    other: nn.Module
    inputs: Sequence[NDArray[Any]]
    own_loss: Callable[[Any], ag.Tensor]
    other_loss: Callable[[Any], torch.Tensor]


def compare(recipe: Recipe, setting: Setting, precision: Precision) -> dict[str, Any]:
    """Builds a recipe and compares its network with its twin, layer by layer.

    Args:
        recipe: its dropout and noise are turned off.
        setting: the seed draws the weights and chooses the batch, that of update 0.
        precision: what both networks compute in.

    Returns:
        What `api.compare_gradients` does.

    Raises:
        UsageError: the recipe's network has no twin.
    """
    if recipe.name in BUILT_IN and recipe.name not in COMPARED:
        raise UsageError(
            f"{recipe.name} has no twin on our autograd; the recipes that have one are {', '.join(COMPARED)}."
        )
    fields = setting_fields(type(recipe))
    settings = {**settings_of(recipe), **{name: 0.0 for name in RANDOM if name in fields}}
    pair = pair_of(make(type(recipe), settings), setting, precision)
    tolerance = TOLERANCES[precision]
    rows = in_lockstep(pair.own, pair.other, pair.inputs, pair.own_loss, pair.other_loss, tolerance=tolerance)
    fault = first_fault(rows)
    return {
        "recipe": recipe.name,
        "data": setting.dataset or str(setting.data),
        "seed": setting.seed,
        "examples": len(pair.inputs[0]),
        "precision": precision,
        "tolerance": tolerance,
        "layers": [described(row) for row in rows],
        "agrees": fault is None,
        "fault": None if fault is None else dataclasses.asdict(fault),
    }


def pair_of(recipe: Recipe, setting: Setting, precision: Precision) -> Pair:
    """The network that a recipe trains, in the mode for training, and its twin.

    Raises:
        UsageError: there is no twin.
    """
    learner: Any = recipe.build(setting).learner
    network, (own_type, other_type) = getattr(learner, "model", None), TYPES[precision]
    own: ag.Module
    other: nn.Module
    try:
        if isinstance(network, ag.Sequential):
            own, other = network, torch_twin(network)
        elif isinstance(network, nn.Module):
            own, other = twin(network), network
        else:
            raise UsageError(f"{type(network).__name__} has no twin.")  # noqa: TRY301 - as the others do
    except UsageError as error:
        raise UsageError(f"{recipe.name} cannot be compared: {error}") from error
    batch = learner.batches.training(0, 1)[0]
    inputs = batch.inputs if isinstance(batch.inputs, tuple) else (batch.inputs,)
    targets = np.asarray(batch.targets)
    own_loss, other_loss = losses_of(recipe, np.asarray(learner.batches.train.targets), targets)
    return Pair(
        own=converted(own, own_type),
        other=other.train().to(other_type),
        inputs=[without_ties(np.ascontiguousarray(x)) for x in inputs],
        own_loss=own_loss,
        other_loss=other_loss,
    )


def without_ties(inputs: NDArray[Any]) -> NDArray[Any]:
    """Pictures, (batch, channels, height, width), with a grain; anything else as it is.

    On an even ground all places have the same values, and which of them is the maximum, that gets the whole gradient,
    only rounding would decide.
    """
    if inputs.ndim != 4:
        return inputs
    grain = np.random.default_rng(0).standard_normal(inputs.shape)
    return (inputs + GRAIN * grain).astype(inputs.dtype)


def losses_of(
    recipe: Recipe, labels: NDArray[Any], targets: NDArray[Any]
) -> tuple[Callable[[Any], ag.Tensor], Callable[[Any], torch.Tensor]]:
    """What the recipe minimises, in both: the mean over a batch with these targets.

    Args:
        recipe: it classifies where it has `classifying`.
        labels: the targets of the whole training split.
        targets: those of the batch.
    """
    asked: Classifying | None = getattr(recipe, "classifying", None)
    given = torch.from_numpy(targets)
    if asked is None:
        return (
            lambda outputs: array_objectives.squared_error(outputs, targets).mean(),
            lambda outputs: squared_error(outputs, given.to(outputs.dtype)).mean(),
        )
    classes = int(labels.max()) + 1
    objective = asked.objective_for(labels, classes)
    own_objective = array_objectives.cross_entropy(
        class_weights=asked.weights_for(labels, classes), label_smoothing=asked.label_smoothing
    )
    return lambda scores: own_objective(scores, targets).mean(), lambda scores: objective(scores, given).mean()


def described(row: Row) -> dict[str, Any]:
    """A row as JSON holds it."""
    return {
        "layer": row.layer,
        "kind": row.kind,
        "shape": list(row.shape),
        "value": figures(row.value),
        "gradient": figures(row.gradient),
        "passed_back": figures(row.passed_back),
        "parameters": {name: figures(found) for name, found in row.parameters.items()},
    }


def figures(found: Difference | None) -> dict[str, Any] | None:
    """A difference as JSON holds it, which has no infinity."""
    if found is None:
        return None
    known = math.isfinite(found.absolute)
    sizes = {"absolute": found.absolute, "relative": found.relative} if known else {"absolute": None, "relative": None}
    return {**sizes, "agrees": found.agrees}
