"""Runs to be compared by their figures on validation: what each was, and what it came to at which step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError, ResumeError
from chainrule.recipes.record import NOT_A_SETTING
from chainrule.recipes.runs import is_finite, recipe_and_data, settings_in
from chainrule.training.journal import read_each
from chainrule.training.options import HIGHEST
from chainrule.training.run_folder import RunFolder

# A band leaves device and sharding out too, but whoever draws runs beside each other wants to see them. The file with
# the data may have been moved: its SHA-256 tells what it is.
WITHOUT_CURVES = (NOT_A_SETTING - {"device", "shard"}) | {"data"}
"""Settings that make no curve of their own; a list of runs shows them, and leaves out `runs.NOT_COMPARED` alone."""
DIGITS = 12  # of a SHA-256, that tell apart what has lain at one place
WHERE = {"step", "split"}  # of a line: where it stands, and no figure
LARGEST = 1e300  # of a figure: beyond that no axis reaches


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What a run was, and its figures on validation."""

    folder: Path
    recipe: str
    dataset: str
    content: str | None
    """The SHA-256 of its data; None in an environment, where the seed has a part in it."""
    seed: Any
    settings: dict[str, Any]
    begun_from: str | None
    """The SHA-256 of the weights it began with; None where it began with none."""
    selected_by: str | None
    figures: dict[str, dict[int, float]]
    """Each figure by its name, its values by their step."""


def read_runs(folders: Sequence[Path]) -> list[Evaluated]:
    """What all these folders hold.

    Raises:
        OptionError: none is given, one twice, one without an evaluation, or two that cannot be compared.
        ResumeError: one holds no run, or one that is damaged.
    """
    if not folders:
        raise OptionError("curves needs at least one run; give the folders that `chainrule train` printed.")
    places: set[Path] = set()
    for folder in folders:
        if folder.resolve() in places:
            raise OptionError(f"the run {folder} was given twice; give it once.")
        places.add(folder.resolve())
    runs = [evaluated(RunFolder(folder)) for folder in folders]
    first = runs[0]
    for run in runs:
        if (run.recipe, run.dataset) != (first.recipe, first.dataset):
            raise OptionError(
                f"{first.folder} is {first.recipe} on {first.dataset} and {run.folder} {run.recipe} on {run.dataset}; "
                "give runs of one recipe and one data set."
            )
        if run.content != first.content:
            raise OptionError(
                f"{first.folder} and {run.folder} learned from different data that are both named {run.dataset}; "
                "give runs of one data set."
            )
    return with_beginnings_named(runs)


def with_beginnings_named(runs: Sequence[Evaluated]) -> list[Evaluated]:
    """The runs, their setting `from_` alike where their weights were: the path at which the first run found them.

    Where other weights lay at that path too, the first digits of the SHA-256 stand behind it.
    """
    places: dict[str, str] = {}
    for run in runs:
        if run.begun_from is not None:
            places.setdefault(run.begun_from, str(run.settings.get("from_")))
    taken = [*places.values(), *{str(run.settings.get("from_")) for run in runs if run.begun_from is None}]
    names = {
        weights: place if taken.count(place) == 1 else f"{place}@{weights[:DIGITS]}"
        for weights, place in places.items()
    }
    return [
        run if run.begun_from is None else replace(run, settings={**run.settings, "from_": names[run.begun_from]})
        for run in runs
    ]


def evaluated(folder: RunFolder) -> Evaluated:
    """Reads a run, finished or not.

    Raises:
        OptionError: it was not evaluated yet.
        ResumeError: it is none, or damaged.
    """
    record = folder.read_record()
    recipe, dataset = recipe_and_data(folder, record)
    figures = figures_on_validation(folder)
    if not figures:
        raise OptionError(f"{folder.path} has not been evaluated on validation so far; leave it out, or wait.")
    plan, data = record.get("plan"), record["data"]
    beginning = data.get("from")
    weights = beginning.get("sha256") if isinstance(beginning, dict) else None
    selection = plan.get("selection") if isinstance(plan, dict) else None
    selected_by = selection.get("figure") if isinstance(selection, dict) else None
    settings = settings_in(folder, record)
    return Evaluated(
        folder=folder.path,
        recipe=recipe,
        dataset=dataset,
        content=None if data.get("kind") == "environment" else str(data.get("sha256")),
        seed=settings.get("seed"),
        settings={name: value for name, value in settings.items() if name not in WITHOUT_CURVES},
        begun_from=weights if isinstance(weights, str) else None,
        selected_by=selected_by if isinstance(selected_by, str) else None,
        figures=figures,
    )


def figures_on_validation(folder: RunFolder) -> dict[str, dict[int, float]]:
    """Every figure that a run was evaluated by, its values by their step.

    Raises:
        ResumeError: the file cannot be read, or holds what no run writes.
    """
    found: dict[str, dict[int, float]] = {}
    step = 0
    try:
        for number, line in enumerate(read_each(folder.metrics), 1):
            if line is not None and line.get("split") == "train":
                continue
            if line is None or not _is_evaluation(line, after=step):
                raise ResumeError(
                    f"{folder.metrics} is damaged: line {number} is no evaluation at a later step with numbers for "
                    "figures; start the run anew, or leave it out."
                )
            step = line["step"]
            for name, value in _figures(line).items():
                found.setdefault(name, {})[step] = float(value)
    except OSError as error:
        raise ResumeError(f"{folder.metrics} cannot be read ({error.strerror}); leave this run out.") from error
    return found


def _figures(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in WHERE}


def _is_evaluation(line: Mapping[str, Any], *, after: int) -> bool:
    step = line.get("step")
    is_later = type(step) is int and after < step <= HIGHEST["steps"]
    is_drawable = all(is_finite(value) and abs(value) <= LARGEST for value in _figures(line).values())
    return line.get("split") == "validation" and is_later and is_drawable
