"""What the recipes that learn from labels have in common: from model and batches to a learner."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chainrule.errors import OptionError
from chainrule.learners.schedule import Decay, learning_rate_factor
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.setting_types import flag_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from chainrule.data.dataset import Dataset, Examples
    from chainrule.learners.batches import SplitBatches
    from chainrule.learners.crew import Crew
    from chainrule.learners.objectives import Objective
    from chainrule.learners.supervised import Average, SupervisedLearner
    from chainrule.training.loop import Selection

    Judge = Callable[[NDArray[np.float32], NDArray[Any]], Mapping[str, float]]

LARGEST = 10**9  # beyond it arithmetic overflows here or there, and nobody means it
POSITIVE = (1e-12, LARGEST)
AT_LEAST_0 = (0.0, LARGEST)
COUNT = (1, LARGEST)
SHARE = (0.0, 0.99)


def check_ranges(settings: object, **ranges: tuple[float, float]) -> None:
    """Refuses numbers out of their range.

    Args:
        settings: the dataclass that holds them.
        ranges: field → (lowest, highest), both allowed; None as a value is allowed too.

    Raises:
        OptionError: a value is out of its range.
    """
    for field, (low, high) in ranges.items():
        value = getattr(settings, field)
        if value is not None and not low <= value <= high:
            limits = "greater than 0 and at most" if low == POSITIVE[0] else f"from {low:g} to"
            raise OptionError(f"{flag_of(field)} is {value}; it must be {limits} {high:,}.")


def check_numbers(field: str, values: tuple[int, ...]) -> None:
    """Refuses a size that is out of its range, of several.

    Raises:
        OptionError: one is.
    """
    if wrong := [value for value in values if not COUNT[0] <= value <= COUNT[1]]:
        raise OptionError(f"{flag_of(field)} holds {wrong[0]}; each must be from 1 to {LARGEST:,}.")


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """How a model is fitted to its training split."""

    batch_size: int
    """Examples an update, ≥ 1."""
    epochs: float
    """Times every training example is seen, > 0."""
    learning_rate: float
    """The highest learning rate, > 0."""
    least_steps: int = 1
    """Updates there are at least, so that a small data set is seen often enough, ≥ 1."""
    accumulate: int = 1
    """Parts a batch is cut into to need less memory, ≥ 1; the update stays the same."""
    warmup: float = 0.1
    """Share of the steps in which the learning rate rises, in [0, 0.99]."""
    decay: Decay = "linear"
    """How the learning rate falls afterwards."""
    weight_decay: float = 0.01
    """Pull of the weights towards 0, ≥ 0."""
    clip_norm: float | None = 1.0
    """Largest norm of the gradient, > 0."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, batch_size=COUNT, accumulate=COUNT, least_steps=COUNT, warmup=SHARE, weight_decay=AT_LEAST_0)
        check_ranges(self, epochs=POSITIVE, learning_rate=POSITIVE, clip_norm=POSITIVE)

    def steps(self, per_epoch: int) -> int:
        """Updates in all, where an epoch has `per_epoch`."""
        return max(self.least_steps, round(self.epochs * per_epoch))

    def rates(self, steps: int) -> Callable[[int], float]:
        """The learning rate of each of so many updates, by its number."""

        def learning_rate(step: int) -> float:
            factor = learning_rate_factor(step, steps=steps, warmup=self.warmup, decay=self.decay)
            return self.learning_rate * factor

        return learning_rate


@dataclass(frozen=True, kw_only=True)
class Classifying:
    """What is asked of a classifier."""

    class_weights: Literal["equal", "balanced"] = "equal"
    """`balanced` lets every class count the same in all, however rare."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes, in [0, 0.99]."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, label_smoothing=SHARE)

    def objective(self, train: "Examples", classes: int) -> "Objective":
        """Cross-entropy, with the weights that the training split asks for."""
        return self.objective_for(train.labels(), classes)

    def objective_for(self, labels: "NDArray[np.int64]", classes: int) -> "Objective":
        """Cross-entropy, with the weights that these labels ask for."""
        from chainrule.learners.objectives import cross_entropy

        weights = self.weights_for(labels, classes)
        return cross_entropy(class_weights=weights, label_smoothing=self.label_smoothing)

    def weights_for(self, labels: "NDArray[np.int64]", classes: int) -> list[float] | None:
        """A weight a class, as these labels ask for; None where all are equal."""
        from chainrule.learners.objectives import balanced_class_weights

        return balanced_class_weights(labels, classes) if self.class_weights == "balanced" else None


def placed(setting: Setting, model: "nn.Module") -> "nn.Module":
    """A fresh model on the run's device; one that is to be divided stays on the host, for it may be too large."""
    return model if setting.is_divided else model.to(setting.compute.device)


def crew_of(setting: Setting, model: "nn.Module") -> "Crew":
    """Who learns: this process, or several; a model that they are to divide among them is divided."""
    if setting.is_divided:
        from chainrule.learners.shards import Shards

        return Shards(model, setting.processes, device=setting.compute.device)
    from chainrule.learners.crew import Replicas

    return Replicas(model, setting.processes)


def one_rate(_name: str) -> float:
    """Every parameter learns at the same rate."""
    return 1.0


def assemble(
    setting: Setting,
    fitting: Fitting,
    *,
    dataset: "Dataset",
    model: "nn.Module",
    objective: "Objective",
    batches: "SplitBatches",
    judge: "Judge",
    selection: "Selection",
    save_model: Callable[[Path], None],
    rate_of: Callable[[str], float] = one_rate,
    optimizer: "torch.optim.Optimizer | None" = None,
    average: "Callable[[int], Average | None] | None" = None,
    prepare: Callable[[int], None] | None = None,
) -> Assembly:
    """A recipe built from its parts; the model is where `placed` put it.

    `rate_of` gives for a parameter's name its share of the learning rate; `average` makes from the count of the steps
    what averages the weights; for the rest see `learner_of`.
    """
    per_epoch = batches.order.steps_per_epoch
    steps = setting.steps or fitting.steps(per_epoch)
    learner = learner_of(
        fitting,
        steps=steps,
        model=model,
        objective=objective,
        batches=batches,
        judge=judge,
        autocast=setting.compute.autocast,
        rate_of=rate_of,
        crew=crew_of(setting, model),
        optimizer=optimizer,
        average=average and average(steps),
        prepare=prepare,
    )
    return Assembly(
        learner=learner,
        steps=steps,
        evaluate_every=per_epoch,
        selection=selection,
        save_model=save_model,
        data=dataset.summary(),
        processes=setting.processes,
    )


def learner_of(
    fitting: Fitting,
    *,
    steps: int,
    model: "nn.Module",
    objective: "Objective",
    batches: "SplitBatches",
    judge: "Judge",
    autocast: Callable[[], AbstractContextManager[Any]],
    rate_of: Callable[[str], float] = one_rate,
    crew: "Crew | None" = None,
    optimizer: "torch.optim.Optimizer | None" = None,
    average: "Average | None" = None,
    prepare: Callable[[int], None] | None = None,
) -> "SupervisedLearner":
    """A learner with AdamW (Loshchilov and Hutter, arXiv 1711.05101), or another optimizer, over a model on its device.

    Weight decay is for matrices and kernels alone: biases, normalisations and other vectors keep their size. `rate_of`
    gives for a parameter's name its share of the learning rate.
    """
    from chainrule.learners.supervised import SupervisedLearner

    return SupervisedLearner(
        model=model,
        objective=objective,
        optimizer=optimizer or adamw(model, fitting, rate_of),
        learning_rate=fitting.rates(steps),
        batches=batches,
        judge=judge,
        autocast=autocast,
        clip_norm=fitting.clip_norm,
        parts=fitting.accumulate,
        crew=crew,
        average=average,
        prepare=prepare,
    )


def adamw(model: "nn.Module", fitting: Fitting, rate_of: Callable[[str], float] = one_rate) -> "torch.optim.Optimizer":
    """AdamW over everything that is learned; see `learner_of`."""
    import torch

    groups: dict[tuple[float, bool], list[Any]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            groups.setdefault((rate_of(name), weight.ndim > 1), []).append(weight)
    settings = [
        {"params": weights, "rate": rate, "weight_decay": fitting.weight_decay * is_matrix}
        for (rate, is_matrix), weights in groups.items()
    ]
    return torch.optim.AdamW(settings, lr=fitting.learning_rate, fused=True)
