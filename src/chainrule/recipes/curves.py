"""Learning curves of several runs: those that differ in nothing but the seed are one curve with a band."""

import json
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError
from chainrule.evaluation.curves import MOST_CURVES, Curve, draw_curves
from chainrule.evaluation.plots import render_png
from chainrule.evaluation.wording import one_line
from chainrule.recipes.evaluated_runs import Evaluated, read_runs
from chainrule.recipes.runs import differences
from chainrule.recipes.setting_types import flag_of, switch_of
from chainrule.runtime.files import storage_errors, write_atomically

LONGEST_VALUE = 300  # characters of a setting's value


def write_curves(runs: Sequence[Path], output: Path, figure: str | None) -> dict[str, Any]:
    """Draws the learning curves of runs into a PNG.

    Args:
        runs: their folders, of one recipe and one data set.
        output: the file, which may be there already.
        figure: one of those on validation; None for the one that the runs are selected by.

    Returns:
        What `api.curves` does.

    Raises:
        OptionError: the runs have no common picture, or the file is none.
        ResumeError: one of the folders holds no run, or one that is damaged.
        StorageError: the file cannot be written.
    """
    require_png(output)
    found = read_runs(runs)
    figure = figure_in(found, figure)
    curves = grouped(found, figure)
    recipe, dataset = found[0].recipe, found[0].dataset
    picture = render_png(partial(draw_curves, curves, figure=figure, recipe=recipe, dataset=dataset))
    with storage_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, picture, then="draw it again")
    groups = [described(curve) for curve in curves]
    return {"recipe": recipe, "dataset": dataset, "figure": figure, "output": str(output), "groups": groups}


def described(curve: Curve) -> dict[str, Any]:
    """A curve as JSON holds it."""
    lists = {name: list(getattr(curve, name)) for name in ("runs", "steps", "mean", "lowest", "highest")}
    return {"name": curve.name, **lists}


def require_png(output: Path) -> None:
    """Refuses a place where no PNG can be.

    Raises:
        OptionError: its name is another, or something else is there.
    """
    if output.suffix.lower() != ".png":
        raise OptionError(f"--output {output} is not the name of a PNG; give a file that ends in .png.")
    with storage_errors(output):
        if output.is_dir():
            raise OptionError(f"--output {output} is a folder; give the name of a file in it.")
        if output.exists() and not output.is_file():
            raise OptionError(f"--output {output} is no file that could be replaced; give another name.")


def figure_in(runs: Sequence[Evaluated], asked: str | None) -> str:
    """The figure to draw.

    Raises:
        OptionError: not all runs have it, or none is asked for and they are selected by none or by different ones.
    """
    known = [name for name in runs[0].figures if all(name in run.figures for run in runs)]
    there_are = f"on validation there are: {', '.join(map(_in_words, known)) or 'none that all runs have'}."
    if asked is not None:
        if asked not in known:
            raise OptionError(f"--figure {asked} is not a figure of all these runs; {there_are}")
        return asked
    chosen = {run.selected_by for run in runs}
    if len(chosen) > 1 or not chosen <= set(known):
        raise OptionError(f"these runs are not all selected by one figure; choose one with --figure: {there_are}")
    return str(runs[0].selected_by)


def _in_words(name: str) -> str:
    return one_line(name, LONGEST_VALUE)


def grouped(runs: Sequence[Evaluated], figure: str) -> list[Curve]:
    """Runs that differ in nothing but the seed as one curve, in the order in which their first runs are given.

    Raises:
        OptionError: there are too many settings to be told apart, two runs are equal, or the runs of one setting were
            never evaluated at the same step.
    """
    groups: dict[str, list[Evaluated]] = {}
    flags: dict[str, tuple[str, ...]] = {}
    for run, settings in zip(runs, differences([run.settings for run in runs]), strict=True):
        key = json.dumps(settings, sort_keys=True)
        groups.setdefault(key, []).append(run)
        flags[key] = tuple(flag_and_value(name, value) for name, value in settings.items())
    if len(groups) > MOST_CURVES:
        raise OptionError(
            f"these runs are of {len(groups)} settings, and {MOST_CURVES} curves can be told apart; give fewer."
        )
    return [over_seeds(flags[key], group, figure) for key, group in groups.items()]


def flag_and_value(name: str, value: Any) -> str:
    """A setting as it is given to `train`; one that is left to the program is `default`."""
    if isinstance(value, bool):
        return switch_of(name, on=value)
    items = value if isinstance(value, list) else ["default" if value is None else value]
    return " ".join((flag_of(name), *(one_line(str(item), LONGEST_VALUE) for item in items)))


def over_seeds(settings: tuple[str, ...], runs: Sequence[Evaluated], figure: str) -> Curve:
    """The curve of runs of one setting: at each step that all were evaluated at, their mean, lowest and highest."""
    seeds: dict[str, Evaluated] = {}
    for run in runs:
        other = seeds.setdefault(json.dumps(run.seed, sort_keys=True), run)
        if other is not run:
            raise OptionError(
                f"{other.folder} and {run.folder} are of one setting and of one seed, {run.seed}; give one of them."
            )
    steps = sorted(set.intersection(*(set(run.figures[figure]) for run in runs)))
    if not steps:
        raise OptionError(
            f"{', '.join(str(run.folder) for run in runs)} are of one setting and were never evaluated at the same "
            "step; leave out the shortest."
        )
    values = [[run.figures[figure][step] for run in runs] for step in steps]
    return Curve(
        settings=settings,
        runs=tuple(str(run.folder) for run in runs),
        steps=tuple(steps),
        mean=tuple(map(statistics.mean, values)),
        lowest=tuple(map(min, values)),
        highest=tuple(map(max, values)),
    )
