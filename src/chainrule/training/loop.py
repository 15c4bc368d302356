"""The one loop: steps, figures, evaluations, checkpoints and stopping, for every kind of learner."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from chainrule.errors import NotFiniteError
from chainrule.learners.contract import Learner, Step
from chainrule.runtime.draws import reseed_all
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.journal import Journal
from chainrule.training.stopping import StopRequest


@dataclass(frozen=True)
class Selection:
    """The figure of `evaluate()` by which the best weights are chosen."""

    figure: str
    higher_is_better: bool

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than the best so far; NaN never is."""
        if best is None:
            return value == value  # noqa: PLR0124 - false for NaN alone
        return value > best if self.higher_is_better else value < best


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When the loop does what; all counts are steps."""

    seed: int
    steps: int
    log_every: int
    evaluate_every: int
    checkpoint_every: int
    patience: int | None
    selection: Selection | None


@dataclass
class Position:
    """How far a run has come; a checkpoint holds it beside the learner's state."""

    step: int = 0
    finished: bool = False
    best_step: int | None = None
    best_value: float | None = None
    evaluations_since_best: int = 0
    window: list[dict[str, float]] = field(default_factory=list)
    """The figures of the steps since the last line."""
    examples: int = 0
    flops: float = 0.0
    seconds: float = 0.0
    """Spent in the loop, evaluations included."""


class Observer(Protocol):
    """Whoever watches a run: the terminal, TensorBoard, a test. Nothing an observer does changes the run."""

    def figures(self, position: Position, line: Mapping[str, Any]) -> None:
        """A line of figures was written."""
        ...

    def stepped(self, position: Position) -> None:
        """A step was done."""
        ...

    def close(self) -> None:
        """The run has ended, one way or another."""
        ...


def run_loop(
    learner: Learner,
    plan: Plan,
    position: Position,
    *,
    checkpoints: Checkpoints,
    metrics: Journal,
    timings: Journal,
    observers: tuple[Observer, ...] = (),
    stop: StopRequest,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Drives the learner from `position` to the plan's end, or until somebody asks it to stop.

    Afterwards `position.finished` tells which, and a checkpoint of `position.step` is on the disk.

    Raises:
        NotFiniteError: the loss or a gradient was not finite; the last checkpoint is from before that.
        StorageError: the disk refuses to write; the last checkpoint is whole.
    """
    started = clock() - position.seconds
    window: list[Mapping[str, Any]] = list(position.window)

    def write_line(split: str, figures: Mapping[str, float]) -> None:
        line = {"step": position.step, "split": split, **figures}
        position.seconds = clock() - started
        metrics.append(line)
        timings.append({"step": position.step, "split": split, "seconds": round(position.seconds, 3)})
        for observer in observers:
            observer.figures(position, line)

    def write_checkpoint() -> None:
        check_finite(learner)
        position.window = [{name: float(value) for name, value in figures.items()} for figures in window]
        position.seconds = clock() - started
        metrics.sync()
        state = {"position": asdict(position), "learner": learner.state_dict()}
        checkpoints.write(position.step, state, best=position.best_step)

    try:
        while not position.finished and not stop:
            reseed_all(plan.seed, "step", position.step)
            update: Step = learner.step(position.step)
            window.append(update.figures)
            position.step += 1
            position.examples += update.examples
            position.flops += update.flops
            last = position.step == plan.steps
            if last or position.step % plan.log_every == 0:
                check_finite(learner)
                write_line("train", summarise(window))
                window.clear()
            evaluated = last or position.step % plan.evaluate_every == 0
            if evaluated:
                check_finite(learner)
                reseed_all(plan.seed, "evaluate", position.step)
                figures = learner.evaluate()
                write_line("validation", figures)
                note_evaluation(plan, position, figures)
            position.finished |= last
            if position.finished or position.step % plan.checkpoint_every == 0 or position.best_step == position.step:
                write_checkpoint()
            for observer in observers:
                observer.stepped(position)
        if not position.finished:
            write_checkpoint()
    finally:
        checkpoints.wait()


def summarise(window: list[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of each figure over the steps of a window; read from the device here, all at once."""
    return {name: sum(float(figures[name]) for figures in window) / len(window) for name in window[-1]}


def note_evaluation(plan: Plan, position: Position, figures: Mapping[str, float]) -> None:
    """Keeps the best so far and ends the run where it has not improved for the plan's patience."""
    if plan.selection is None:
        return
    value = figures[plan.selection.figure]
    if plan.selection.is_better(value, position.best_value):
        position.best_step, position.best_value = position.step, value
        position.evaluations_since_best = 0
    else:
        position.evaluations_since_best += 1
        position.finished |= plan.patience is not None and position.evaluations_since_best >= plan.patience


def check_finite(learner: Learner) -> None:
    """Stops the run where an update was not finite.

    Raises:
        NotFiniteError: with the step and what was seen there.
    """
    if fault := learner.fault():
        seen = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in fault.figures.items())
        raise NotFiniteError(
            f"step {fault.step} was not finite: {seen}; every checkpoint is from before it. "
            "Try a lower learning rate, or clip the gradient more tightly."
        )
