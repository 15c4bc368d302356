"""Runs the loop over a folder as a run does, for tests."""

from pathlib import Path

from chainrule.training.checkpoints import Checkpoints
from chainrule.training.journal import Journal, cut_back
from chainrule.training.loop import Plan, Position, Selection, run_loop
from chainrule.training.stopping import StopRequest
from tests.training.toys import NoisyWalk

SCORE = Selection("score", higher_is_better=True)


def plan(**changes) -> Plan:
    settings = {
        "seed": 3,
        "steps": 23,
        "log_every": 5,
        "evaluate_every": 7,
        "checkpoint_every": 3,
        "patience": None,
        "selection": SCORE,
    }
    return Plan(**{**settings, **changes})


class StopAfter:
    """An observer that asks the loop to stop after a step."""

    def __init__(self, request: StopRequest, step: int | None) -> None:
        self.request = request
        self.step = step

    def figures(self, position, line):
        pass

    def stepped(self, position):
        if position.step == self.step:
            self.request.signal_name = "SIGTERM"

    def close(self):
        pass


def drive(folder: Path, the_plan: Plan, learner=None, *, stop_after: int | None = None, keep: int = 2) -> Position:
    """One process's part of a run: from the newest checkpoint to the end or to `stop_after`."""
    folder.mkdir(exist_ok=True)
    learner = learner or NoisyWalk()
    checkpoints = Checkpoints(folder / "checkpoints", keep=keep)
    position = Position()
    if state := checkpoints.read_newest():
        position = Position(**state["position"])
        learner.load_state_dict(state["learner"])
    for name in ("metrics.jsonl", "timings.jsonl"):
        cut_back(folder / name, position.step)
    metrics, timings = Journal(folder / "metrics.jsonl"), Journal(folder / "timings.jsonl")
    stop = StopRequest()
    try:
        run_loop(
            learner,
            the_plan,
            position,
            checkpoints=checkpoints,
            metrics=metrics,
            timings=timings,
            observers=(StopAfter(stop, stop_after),),
            stop=stop,
        )
    finally:
        metrics.close()
        timings.close()
    return position
