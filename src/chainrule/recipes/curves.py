"""Learning curves of several runs: those that differ in nothing but the seed are one curve with a band."""

import json
import shlex
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError
from chainrule.evaluation.curves import LONGEST_SETTING, MOST_CURVES, Curve, draw_curves
from chainrule.evaluation.plots import render_png
from chainrule.evaluation.wording import one_line
from chainrule.recipes.evaluated_runs import Evaluated, read_runs
from chainrule.recipes.runs import differences
from chainrule.recipes.setting_types import words_of
from chainrule.runtime.files import storage_errors, write_atomically

LONGEST_NAME = 300  # characters of a figure's or a recipe's name
AGAIN = "draw it again"  # once a full disk has room
NOT_SET = "(not set)"  # which no value becomes: brackets would be quoted


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
    drawn = [curve for _, curve in curves]
    picture = render_png(partial(draw_curves, drawn, figure=figure, recipe=recipe, dataset=dataset))
    with storage_errors(output, then=AGAIN):
        output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, picture, then=AGAIN)
    groups = [described(curve, settings) for settings, curve in curves]
    return {"recipe": recipe, "dataset": dataset, "figure": figure, "output": str(output), "groups": groups}


def described(curve: Curve, settings: dict[str, Any]) -> dict[str, Any]:
    """A curve as JSON holds it."""
    lists = {name: list(getattr(curve, name)) for name in ("runs", "steps", "mean", "lowest", "highest")}
    return {"name": curve.name, "settings": settings, **lists}


def require_png(output: Path) -> None:
    """Refuses a place where no PNG can be.

    Raises:
        OptionError: its name is another, or something else is there.
    """
    if output.suffix.lower() != ".png":
        raise OptionError(f"--output {output} is not the name of a PNG; give a file that ends in .png.")
    with storage_errors(output, then=AGAIN):
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
    if not known:
        raise OptionError("on validation there is no figure that all these runs have; give fewer of them.")
    there_are = f"on validation there are: {', '.join(map(_in_words, known))}."
    if asked is not None:
        if asked not in known:
            raise OptionError(f"--figure {asked} is not a figure of all these runs; {there_are}")
        return asked
    first = runs[0].selected_by
    if any(run.selected_by != first for run in runs):
        why = "these runs are not all selected by one figure"
    elif first is None:
        recipe = _in_words(runs[0].recipe)
        told = f"this run of {recipe} is" if len(runs) == 1 else f"these runs of {recipe} are"
        why = f"{told} selected by no figure"
    elif first not in known:
        without = next(run.folder for run in runs if first not in run.figures)
        why = f"{without} was never evaluated by {_in_words(first)}, by which these runs are selected"
    else:
        return first
    raise OptionError(f"{why}; choose one with --figure: {there_are}")


def _in_words(name: str) -> str:
    return one_line(name, LONGEST_NAME)


def grouped(runs: Sequence[Evaluated], figure: str) -> list[tuple[dict[str, Any], Curve]]:
    """Runs that differ in nothing but the seed as one curve, in the order in which their first runs are given.

    Returns:
        Each curve, and before it the settings in which the curves differ.

    Raises:
        OptionError: there are too many settings to be told apart, or two that would have one name; two runs of one
            setting have one seed; or the runs of one setting were never evaluated at the same step.
    """
    groups: dict[str, list[Evaluated]] = {}
    found: dict[str, dict[str, Any]] = {}
    for run, settings in zip(runs, differences([run.settings for run in runs]), strict=True):
        key = json.dumps(settings, sort_keys=True)
        groups.setdefault(key, []).append(run)
        found[key] = settings
    if len(groups) > MOST_CURVES:
        raise OptionError(
            f"these runs are of {len(groups)} settings, and {MOST_CURVES} curves can be told apart; give fewer."
        )
    curves: dict[str, tuple[dict[str, Any], Curve]] = {}
    for key, group in groups.items():
        flags = tuple(flag_and_value(name, value) for name, value in found[key].items())
        curve = over_seeds(flags, group, figure)
        _, other = curves.setdefault(curve.name, (found[key], curve))
        if other is not curve:
            raise OptionError(
                f"{other.runs[0]} and {curve.runs[0]} differ in a setting whose values look alike on one line of "
                f"{LONGEST_SETTING} characters; give one of them."
            )
    return list(curves.values())


def flag_and_value(name: str, value: Any) -> str:
    """A setting on one line, in the words for `train` as a shell takes them; None is not set."""
    flag, items = words_of(name, value)
    shown = [NOT_SET] if value is None else map(shlex.quote, items)
    return one_line(" ".join((flag, *shown)), LONGEST_SETTING)


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
