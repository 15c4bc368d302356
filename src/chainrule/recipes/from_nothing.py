"""The same training from fresh weights, beside which a transfer is held."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.recipes.contract import Recipe, Setting
from chainrule.recipes.record import plan_in
from chainrule.runtime.files import atomic_folder
from chainrule.runtime.processes import ALONE
from chainrule.runtime.progress import say
from chainrule.training.loop import Position, run_loop
from chainrule.training.run_folder import RunFolder
from chainrule.training.state_tree import copy_tree
from chainrule.training.stopping import StopRequest
from chainrule.training.unwritten import NoJournal


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


def trained_from_nothing(recipe: Recipe, setting: Setting, folder: Path) -> Path:
    """A model folder with what `recipe` learns by the plan of a run; as it stands where it was trained before.

    Args:
        recipe: without a trunk.
        setting: of the run with one.
        folder: where it is to be, in the folder of that run.
    """
    if folder.is_dir():
        return folder
    say("the same training from nothing, to hold the run against")
    alone = replace(setting, sha256=None, processes=ALONE, shard=False)
    assembly = recipe.build(alone)
    plan = plan_in(RunFolder(folder.parent).read_record())
    kept, nothing = BestInMemory(), NoJournal()
    run_loop(assembly.learner, plan, Position(), checkpoints=kept, metrics=nothing, timings=nothing, stop=StopRequest())
    assembly.learner.load_state_dict(kept.best["learner"])
    with atomic_folder(folder) as made:
        assembly.save_model(made)
    return folder
