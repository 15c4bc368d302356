"""The steps of a run, from wherever it is to their end: by one process, or by several of which the first writes."""

import contextlib
import dataclasses
import shlex
from collections.abc import Iterator
from typing import Any

from chainrule.errors import ChainruleError, Interrupted, NotFiniteError
from chainrule.recipes.contract import Assembly, Recipe, Setting
from chainrule.recipes.record import launched
from chainrule.runtime.peak import known_peak
from chainrule.runtime.processes import peer_errors
from chainrule.runtime.progress import say
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.journal import Journal, cut_back
from chainrule.training.loop import Observer, Plan, Position, run_loop
from chainrule.training.options import RunOptions
from chainrule.training.run_folder import RunFolder
from chainrule.training.sending import from_first
from chainrule.training.state_tree import copy_tree
from chainrule.training.stopping import AgreedStop, Stop, StopRequest, stop_requests
from chainrule.training.unwritten import NoCheckpoints, NoJournal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Undertaking:
    """A run that is set up: everything from its first step to its report."""

    folder: RunFolder
    recipe: Recipe
    options: RunOptions
    setting: Setting
    assembly: Assembly
    plan: Plan


def learn(undertaking: Undertaking, *, display: bool) -> Position:
    """Does the steps that are left, and returns where the run then is.

    Raises:
        Interrupted: somebody stopped it; it can go on.
    """
    folder = undertaking.folder
    checkpoints = Checkpoints(folder.checkpoints, keep=undertaking.options.keep_checkpoints)
    position = _taken_up(undertaking, checkpoints)
    # To its last sentence: where a process is lost, torchrun ends the others at once.
    with stop_requests() as request:
        try:
            with peer_errors():
                _drive(undertaking, position, checkpoints, request, display=display)
        except NotFiniteError:  # to go on would lead to the same step
            if steps := checkpoints.steps():
                say(f"the last good checkpoint is of step {steps[-1]:,}, in {checkpoints.folder}.")
            raise
        except ChainruleError:
            if steps := checkpoints.steps():
                say(f"the last checkpoint is of step {steps[-1]:,}; go on from it with: {resume_command(undertaking)}")
            raise
    return position


def _taken_up(undertaking: Undertaking, checkpoints: Checkpoints) -> Position:
    """Brings the learner to the newest checkpoint, which the first process reads and sends to the others."""
    learner, processes = undertaking.assembly.learner, undertaking.setting.processes
    state = checkpoints.read_newest() if processes.is_first else None
    if processes.on_first(lambda: state is not None):
        state = from_first(state, processes)
        say(f"going on from step {state['position']['step']:,} of {undertaking.plan.steps:,}")
    elif processes.count == 1:
        return Position()
    else:  # other processors may have drawn other weights from the same seed
        own = copy_tree({"position": dataclasses.asdict(Position()), "learner": learner.state_dict()})
        state = from_first(own, processes)
    learner.load_state_dict(state["learner"])
    return Position(**state["position"])


def _drive(
    undertaking: Undertaking, position: Position, checkpoints: Checkpoints, request: StopRequest, *, display: bool
) -> None:
    """Runs the loop with everyone who watches it.

    Raises:
        Interrupted: somebody stopped it; a checkpoint is written.
    """
    plan, processes = undertaking.plan, undertaking.setting.processes
    kept = _kept(undertaking, position, checkpoints, display=display) if processes.is_first else _unwritten()
    stop: Stop = request if processes.count == 1 else AgreedStop(request, processes)
    with kept as writers:
        run_loop(undertaking.assembly.learner, plan, position, **writers, stop=stop)
        # A process that ended before the last checkpoint is written would have torchrun end the one that writes it.
        processes.largest(0)
    if not position.finished:
        raise Interrupted(
            f"stopped by {stop.signal_name} after step {position.step:,} of {plan.steps:,}; a checkpoint is written."
        )


@contextlib.contextmanager
def _kept(
    undertaking: Undertaking, position: Position, checkpoints: Checkpoints, *, display: bool
) -> Iterator[dict[str, Any]]:
    """What the loop leaves its lines and checkpoints with, and who watches it."""
    from chainrule.training.display import Display
    from chainrule.training.tensorboard import TensorBoardEvents

    folder, setting = undertaking.folder, undertaking.setting
    for path in (folder.metrics, folder.timings):
        cut_back(path, position.step)
    metrics, timings = Journal(folder.metrics), Journal(folder.timings)
    observers: list[Observer] = [TensorBoardEvents(folder.tensorboard, position.step)]
    if undertaking.assembly.observe is not None:
        observers.append(undertaking.assembly.observe(folder.path))
    if display:
        peak = known_peak(setting.compute)
        observers.append(Display(undertaking.plan, peak and peak * setting.processes.count, position))
    try:
        yield {"checkpoints": checkpoints, "metrics": metrics, "timings": timings, "observers": tuple(observers)}
    finally:
        for observer in observers:
            observer.close()
        metrics.close()
        timings.close()


@contextlib.contextmanager
def _unwritten() -> Iterator[dict[str, Any]]:
    """The same for the other processes, which keep nothing."""
    yield {"checkpoints": NoCheckpoints(), "metrics": NoJournal(), "timings": NoJournal()}


def resume_command(undertaking: Undertaking) -> str:
    """The command that goes on with a run, in as many processes."""
    return launched(f"chainrule resume {shlex.quote(str(undertaking.folder.path))}", undertaking.setting.processes)
