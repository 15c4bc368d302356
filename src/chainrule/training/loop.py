"""The one loop: steps, figures, evaluations, checkpoints and stopping, for every kind of learner."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from chainrule.errors import NotFiniteError
from chainrule.learners.contract import Learner, Step
from chainrule.runtime.draws import reseed_all
from chainrule.training.stopping import Stop


@dataclass(frozen=True)
class Selection:
    """The figure of `evaluate()` by which the best weights are chosen."""

    figure: str
    higher_is_better: bool

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than the best so far."""
        if best is None:
            return True
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
    evaluating: float = 0.0
    """Seconds of these spent in evaluations."""


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


class Journal(Protocol):
    """Where lines of figures go."""

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds one line."""
        ...

    def sync(self) -> None:
        """Makes every line so far durable."""
        ...


class Checkpoints(Protocol):
    """Where checkpoints go."""

    def write(self, step: int, tree: Mapping[str, Any], *, best: int | None) -> None:
        """Copies the state at once; it is written when `wait` returns."""
        ...

    def wait(self) -> None:
        """Until the last checkpoint is written."""
        ...


class _Keeper:
    """Keeps what a run leaves: figures not yet written, lines, checkpoints."""

    def __init__(
        self,
        learner: Learner,
        plan: Plan,
        position: Position,
        *,
        checkpoints: Checkpoints,
        metrics: Journal,
        timings: Journal,
        observers: tuple[Observer, ...],
        clock: Callable[[], float],
    ) -> None:
        self.learner = learner
        self.plan = plan
        self.position = position
        self.checkpoints = checkpoints
        self.metrics, self.timings = metrics, timings
        self.observers = observers
        self.clock = clock
        self.started = clock() - position.seconds
        self.window: list[Mapping[str, Any]] = list(position.window)
        self.flops: list[Any] = []  # like the figures, they may still be on a device
        self.kept = position.step or None  # the step of the last checkpoint, from which the run goes on

    def count(self, update: Step) -> None:
        """Takes note of one update; reads nothing from the device."""
        self.window.append(update.figures)
        self.flops.append(update.flops)
        self.position.step += 1
        self.position.examples += update.examples

    def measure(self) -> None:
        """Brings the position's seconds and operations up to the moment."""
        self.position.seconds = self.clock() - self.started
        self.position.flops += sum(map(float, self.flops))
        self.flops.clear()

    def write_line(self, split: str, figures: Mapping[str, float]) -> None:
        """Writes a line of figures and shows it to the observers."""
        self.measure()
        line = {"step": self.position.step, "split": split, **figures}
        self.metrics.append(line)
        self.timings.append({"step": self.position.step, "split": split, "seconds": round(self.position.seconds, 3)})
        for observer in self.observers:
            observer.figures(self.position, line)

    def write_window(self) -> None:
        """Writes the mean of the figures since the last such line."""
        check_finite(self.learner)
        self.write_line("train", summarise(self.window))
        self.window.clear()

    def evaluate(self) -> None:
        """Evaluates, writes the figures and keeps the best so far."""
        check_finite(self.learner)
        self.measure()
        before = self.position.seconds
        reseed_all(self.plan.seed, "evaluate", self.position.step)
        figures = self.learner.evaluate()
        check_evaluation(self.position.step, figures)
        self.write_line("validation", figures)
        self.position.evaluating += self.position.seconds - before
        note_evaluation(self.plan, self.position, figures)

    def write_checkpoint(self) -> None:
        """Writes a checkpoint of this step, unless there is one."""
        if self.kept == self.position.step:
            return
        check_finite(self.learner)
        self.kept = self.position.step
        self.position.window = [{name: float(value) for name, value in line.items()} for line in self.window]
        self.measure()
        self.metrics.sync()
        state = {"position": asdict(self.position), "learner": self.learner.state_dict()}
        self.checkpoints.write(self.position.step, state, best=self.position.best_step)


def run_loop(
    learner: Learner,
    plan: Plan,
    position: Position,
    *,
    checkpoints: Checkpoints,
    metrics: Journal,
    timings: Journal,
    observers: tuple[Observer, ...] = (),
    stop: Stop,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Drives the learner from `position` to the plan's end, or until somebody asks it to stop.

    Afterwards `position.finished` tells which, and a checkpoint of `position.step` is on the disk. Several processes
    do the same steps, and all but the first are given journals and checkpoints that write nothing.

    Raises:
        NotFiniteError: the loss, a gradient or an evaluation was not finite; the last checkpoint is from before that.
        StorageError: the disk refuses to write; the last checkpoint is whole.
    """
    keeper = _Keeper(
        learner,
        plan,
        position,
        checkpoints=checkpoints,
        metrics=metrics,
        timings=timings,
        observers=observers,
        clock=clock,
    )
    try:
        while not position.finished and not stop:
            reseed_all(plan.seed, "step", position.step)
            keeper.count(learner.step(position.step))
            last = position.step == plan.steps
            if last or position.step % plan.log_every == 0:
                keeper.write_window()
            if last or position.step % plan.evaluate_every == 0:
                keeper.evaluate()
            position.finished |= last
            is_best = position.best_step == position.step
            if position.finished or is_best or position.step % plan.checkpoint_every == 0:
                keeper.write_checkpoint()
            for observer in observers:
                observer.stepped(position)
        if not position.finished:
            keeper.write_checkpoint()
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


def check_evaluation(step: int, figures: Mapping[str, float]) -> None:
    """Stops the run where what it learned gives figures that are not finite.

    Raises:
        NotFiniteError: with the step and the figure.
    """
    for name, value in figures.items():
        if not math.isfinite(value):
            raise NotFiniteError(
                f"the evaluation after step {step} was not finite: {name.replace('_', ' ')} {value:g}; "
                "the last checkpoint is from before it. Try a lower learning rate, or clip the gradient more tightly."
            )


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
