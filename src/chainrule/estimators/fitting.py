"""What the estimators have in common: settings, training in memory, answers."""

import copy
import threading
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from chainrule.data.dataset import Positions
from chainrule.errors import NotFiniteError
from chainrule.recipes.settings import make, setting_fields
from chainrule.recipes.supervised import Fitting, learner_of, one_rate
from chainrule.runtime.devices import Compute, resolve_compute
from chainrule.runtime.draws import reseed_all, undisturbed
from chainrule.training.options import RunOptions

if TYPE_CHECKING:
    import torch
    from torch import nn

    from chainrule.learners.batches import Augment, Gather
    from chainrule.learners.objectives import Objective
    from chainrule.learners.supervised import Average

Kind = TypeVar("Kind")
BATCH_SIZE = 256  # where nothing is learned

# Generators, torch's threads and its kernels are the process's: joblib's threads take turns.
_ONE_AT_A_TIME = threading.RLock()


def settings_of(estimator: BaseEstimator, kind: type[Kind], *, without_none: bool = False) -> Kind:
    """An estimator's parameters as the settings of a recipe or a run, checked as theirs are.

    Args:
        estimator: whose they are.
        kind: of the settings.
        without_none: whether what is None is left to the recipe.

    Raises:
        OptionError: a parameter is of another type or out of its range.
    """
    given = estimator.get_params(deep=False)
    names = [name for name in setting_fields(kind) if name in given]
    return make(kind, {name: given[name] for name in names if not (without_none and given[name] is None)})


def compute_of(estimator: BaseEstimator) -> Compute:
    """Where and how an estimator computes; with torch's own number of threads where it names none.

    Raises:
        OptionError: the device is not there, or a parameter is out of its range.
    """
    import torch

    options = settings_of(estimator, RunOptions)
    return resolve_compute(options.device, options.precision, options.threads or torch.get_num_threads())


def classes_and_labels(X: Sized, y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The classes in their order, (classes,), and each example's index among them, (examples,).

    Raises:
        ValueError: X and y differ in length, or y holds no classes.
    """
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    check_classification_targets(y)
    classes, labels = np.unique(y, return_inverse=True)
    return classes, labels.astype(np.int64)


def train(
    estimator: BaseEstimator,
    fitting: Fitting,
    *,
    build: Callable[[], "nn.Module"],
    gather: Callable[["torch.device"], "Gather"],
    targets: NDArray[Any],
    objective: "Objective",
    lengths: Positions | None = None,
    rate_of: Callable[[str], float] = one_rate,
    optimizer: "Callable[[nn.Module], torch.optim.Optimizer] | None" = None,
    average: "Callable[[nn.Module, int], Average | None] | None" = None,
    augment: "Callable[[int], Augment] | None" = None,
) -> "nn.Module":
    """A model trained in memory: no run folder, no validation.

    Args:
        estimator: its `random_state`, `device`, `precision` and `threads` count.
        fitting: how the model is fitted.
        build: makes a model with fresh weights.
        gather: device → where the model's arguments come from.
        targets: class indices or values, (examples,).
        objective: what is minimised.
        lengths: (examples,) where examples differ in length.
        rate_of: a parameter's name → its share of the learning rate.
        optimizer: makes one for the model; AdamW where None.
        average: makes, for the model and the count of steps, what averages the weights.
        augment: makes, from a seed, what training examples go through.

    Returns:
        The model on the CPU, where any process can unpack it, dropout off.

    Raises:
        NotFiniteError: the loss or a gradient was not finite.
    """
    import torch

    from chainrule.data.order import EpochOrder
    from chainrule.learners.batches import Part, SplitBatches

    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    order = EpochOrder(examples=len(targets), batch_size=fitting.batch_size, seed=seed, lengths=lengths)
    steps = fitting.steps(order.steps_per_epoch)
    compute = compute_of(estimator)
    with _ONE_AT_A_TIME, undisturbed(), compute.active() as device:
        reseed_all(seed, "weights")
        model = build().to(device)
        part = Part(gather=gather(device), targets=torch.from_numpy(targets).to(device), lengths=lengths)
        learner = learner_of(
            fitting,
            steps=steps,
            model=model,
            objective=objective,
            batches=SplitBatches(
                train=part,
                held_out=part,
                order=order,
                evaluation_batch_size=BATCH_SIZE,
                augment=augment and augment(seed),
            ),
            judge=lambda outputs, targets: {},  # noqa: ARG005 - scikit-learn judges
            autocast=compute.autocast,
            rate_of=rate_of,
            optimizer=optimizer and optimizer(model),
            average=average and average(model, steps),
        )
        for step in range(steps):
            reseed_all(seed, "step", step)
            learner.step(step)
        if fault := learner.fault():
            seen = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in fault.figures.items())
            raise NotFiniteError(f"step {fault.step} of {steps} was not finite: {seen}; try a lower learning_rate.")
    return model.cpu().eval()


def outputs(
    model: "nn.Module",
    compute: Compute,
    gather: Callable[["torch.device"], "Gather"],
    examples: int,
    lengths: Positions | None = None,
) -> NDArray[np.float32]:
    """What a trained model gives for every example, in their order, (examples, outputs).

    Args:
        model: on the CPU; it stays there.
        compute: where to compute.
        gather: device → where the model's arguments come from.
        examples: how many there are, ≥ 1.
        lengths: (examples,) where they differ in length.
    """
    from chainrule.inference.classes import outputs_of
    from chainrule.learners.batches import in_batches

    with _ONE_AT_A_TIME:
        with compute.active() as device:
            there = model if device.type == "cpu" else copy.deepcopy(model).to(device)
            source = gather(device)
        return outputs_of(there, source, in_batches(examples, BATCH_SIZE, lengths), compute)
