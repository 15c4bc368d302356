"""The same training from fresh weights, beside which a transfer is held."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.evaluation.baselines import Baseline
from chainrule.evaluation.judgement import Judgement
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.record import plan_in
from chainrule.runtime.files import atomic_folder
from chainrule.runtime.processes import ALONE
from chainrule.runtime.progress import say
from chainrule.training.loop import Position, run_loop
from chainrule.training.run_folder import RunFolder
from chainrule.training.state_tree import copy_tree
from chainrule.training.stopping import StopRequest
from chainrule.training.unwritten import NoJournal

NAME = "the same training from nothing"


class BestInMemory:
    """Checkpoints of which the best alone is kept, in memory."""

    def __init__(self) -> None:
        self.best: Any = None

    def write(self, step: int, tree: Mapping[str, Any], *, best: int | None) -> None:
        """Keeps the state where it is the best so far, or the first."""
        if self.best is None or best == step:
            self.best = copy_tree(tree)

    def wait(self) -> None:
        """Nothing is under way."""


def baseline(probabilities: NDArray[np.float64]) -> Baseline:
    """What training from nothing comes to, as a baseline, from its probabilities, (examples, classes)."""
    return Baseline(name=NAME, outputs=probabilities)


def figures(judgement: Judgement) -> dict[str, Any]:
    """What the report says of that baseline; nothing where it is not in the judgement."""
    scores = [score for score in judgement.baselines if score.name == NAME]
    if not scores:
        return {}
    return {"from_nothing": {"value": scores[0].value, "interval": list(scores[0].interval or ())}}


def trained_from_nothing(build: Callable[[Setting], Assembly], setting: Setting, folder: Path) -> Path:
    """A model folder with what is learned from fresh weights by the plan of a run; as it stands where it was before.

    Args:
        build: builds the recipe without what it would take over.
        setting: of the run with one.
        folder: where it is to be, in the folder of that run.
    """
    if folder.is_dir():
        return folder
    say("the same training from nothing, to hold the run against")
    alone = replace(setting, sha256=None, processes=ALONE)
    assembly = build(alone)
    plan = plan_in(RunFolder(folder.parent).read_record())
    kept, nothing = BestInMemory(), NoJournal()
    run_loop(assembly.learner, plan, Position(), checkpoints=kept, metrics=nothing, timings=nothing, stop=StopRequest())
    assembly.learner.load_state_dict(kept.best["learner"])
    with atomic_folder(folder) as made:
        assembly.save_model(made)
    return folder
