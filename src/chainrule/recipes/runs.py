"""The runs below a folder, beside one another: how good each is, and in which settings they differ."""

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError, ResumeError
from chainrule.runtime.progress import say
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.run_folder import RunFolder
from chainrule.training.state_tree import SKELETON

RESOLVED = ("device", "precision", "threads")  # what `auto` meant is what counts
NOT_COMPARED = ("dataset", "output")  # one is told for every run, the other is where the run is

Run = dict[str, Any]


def list_runs(folder: Path) -> list[Run]:
    """The runs below a folder, by recipe, data set and metric, the best first and unfinished ones last.

    Args:
        folder: searched with all folders in it; links to folders are not followed.

    Returns:
        For each `run`, its folder; `recipe`; `dataset`; `metric`, `value` and `interval`, None where it is not
        finished; `steps` and `seconds`, up to the newest checkpoint where it is not; `finished`; and `settings`,
        those in which the runs of its recipe differ. A run that cannot be read is left out, with a sentence.

    Raises:
        OptionError: there is no such folder.
    """
    if not folder.is_dir():
        raise OptionError(f"there is no folder {folder}; give the one below which your runs lie.")
    ranked: list[tuple[Any, Run]] = []
    for path in _run_folders(folder):
        try:
            ranked.append(_described(RunFolder(path)))
        except ResumeError as error:
            say(f"left out of the list: {error}")
    runs = [run for _, run in sorted(ranked, key=lambda one: one[0])]
    for recipe in {run["recipe"] for run in runs}:
        of_recipe = [run for run in runs if run["recipe"] == recipe]
        for run, kept in zip(of_recipe, differences([run["settings"] for run in of_recipe]), strict=True):
            run["settings"] = kept
    return runs


def _run_folders(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder, onerror=_say_unreadable):
        path = Path(place)
        if RunFolder(path).record.name in files:
            names.clear()
            yield path
        names[:] = sorted(name for name in names if not name.startswith("."))


def _say_unreadable(error: OSError) -> None:
    say(f"left out of the list: {error.filename} cannot be read: {error.strerror}.")


def _described(folder: RunFolder) -> tuple[Any, Run]:
    """A run with all its settings, and its place among the others.

    Raises:
        ResumeError: it is damaged.
    """
    record = folder.read_record()
    finished = folder.report.exists()
    outcome = _outcome(folder) if finished else _progress(folder)
    higher_is_better = outcome.pop("higher_is_better", True)
    recipe, dataset = recipe_and_data(folder, record)
    run = {"run": str(folder.path), "recipe": recipe, "dataset": dataset, **outcome, "finished": finished}
    run["settings"] = settings_in(folder, record)
    worth = 0.0 if run["value"] is None else run["value"] * (-1 if higher_is_better else 1)
    return (recipe, dataset, not finished, run["metric"] or "", worth, run["run"]), run


def recipe_and_data(folder: RunFolder, record: Mapping[str, Any]) -> tuple[str, str]:
    """The names of a run's recipe and of its data set or environment.

    Raises:
        ResumeError: the record does not say them.
    """
    recipe, dataset = record.get("recipe"), record["data"].get("name")
    if not isinstance(recipe, str) or not isinstance(dataset, str):
        raise ResumeError(f"{folder.record} is damaged: it does not say the recipe or the data; start the run anew.")
    return recipe, dataset


def settings_in(folder: RunFolder, record: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a run that may be compared, `auto` resolved.

    Raises:
        ResumeError: one is infinite or not a number.
    """
    resolved = {name: record["compute"][name] for name in RESOLVED if name in record["compute"]}
    settings = {**record["options"], **record["configuration"], **resolved}
    try:
        json.dumps(settings, allow_nan=False)
    except ValueError as error:
        raise ResumeError(f"{folder.record} is damaged: a setting is no number; start the run anew.") from error
    return {name: value for name, value in settings.items() if name not in NOT_COMPARED}


def _outcome(folder: RunFolder) -> Run:
    report = folder.read_report()
    found = {name: report.get(name) for name in ("metric", "higher_is_better", "value", "interval", "steps", "seconds")}
    interval = found["interval"]
    numbers = [found["value"], found["seconds"], *(interval if isinstance(interval, list) else [])]
    wrong = [
        name for name, kind in (("metric", str), ("steps", int), ("interval", list)) if type(found[name]) is not kind
    ]
    if (
        wrong
        or len(numbers) != 4
        or not all(map(is_finite, numbers))
        or not isinstance(found["higher_is_better"], bool)
    ):
        raise ResumeError(f"{folder.report} is damaged: it does not hold a result; remove it and resume the run.")
    return found


def is_finite(value: Any) -> bool:
    """Whether a value from a file is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more than 300 digits
        return False


def _progress(folder: RunFolder) -> Run:
    """How far an unfinished run has come: to its newest checkpoint that can be read."""
    unknown: Run = {"metric": None, "value": None, "interval": None}
    for step in reversed(Checkpoints(folder.checkpoints, keep=1).steps()):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            state = json.loads((folder.checkpoints / f"step-{step}" / SKELETON).read_text(encoding="utf-8"))
            done, seconds = state["position"]["step"], state["position"]["seconds"]
            if isinstance(done, int) and is_finite(seconds):
                return {**unknown, "steps": done, "seconds": seconds}
    return {**unknown, "steps": 0, "seconds": 0.0}


def differences(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of the settings of several runs those that are not the same in all; None where a run does not know one."""
    names = dict.fromkeys(name for of_run in settings for name in of_run)
    given = {name: {json.dumps(of_run.get(name), sort_keys=True) for of_run in settings} for name in names}
    return [{name: of_run.get(name) for name in names if len(given[name]) > 1} for of_run in settings]
