"""`run.json`: what was resolved when a run began, and back to the recipe and options it was."""

import contextlib
import dataclasses
import platform
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chainrule import recipes as recipe_table
from chainrule.errors import OptionError, ResumeError, UsageError
from chainrule.recipes.contract import Assembly, Recipe, Setting
from chainrule.recipes.setting_types import words_of
from chainrule.recipes.settings import changed_settings, make, settings_of
from chainrule.runtime.devices import Compute, processor_name
from chainrule.runtime.processes import ALONE, Processes
from chainrule.runtime.progress import say
from chainrule.training.loop import Plan, Selection
from chainrule.training.options import RunOptions

PACKAGES = ("chainrule", "torch", "numpy", "safetensors", "tokenizers", "pyarrow", "scikit-learn", "gymnasium")
NOT_A_SETTING = frozenset(
    {
        "output",
        "seed",
        "device",
        "threads",
        "log_every",
        "keep_checkpoints",
        "checkpoint_every",
        "shard",
        "from_nothing",
    }
)
"""Options that a band does not depend on: they change the place, the draw or the speed of a result, or
what stands beside it."""


def describe_run(
    recipe: Recipe, options: RunOptions, compute: Compute, assembly: Assembly, plan: Plan
) -> dict[str, Any]:
    """Everything resolved at the start of a run."""
    return {
        "recipe": recipe.name,
        "command": launched(command_line(recipe, options), assembly.processes),
        "configuration": _as_json(settings_of(recipe)),
        "options": _as_json(settings_of(options)),
        "compute": dataclasses.asdict(compute),
        "plan": dataclasses.asdict(plan),
        "data": dict(assembly.data),
        "versions": versions(),
        "machine": {"processor": processor_name(), "platform": platform.platform()},
    }


def _as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    # The path is kept whole, so that a run goes on from another working folder.
    return {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in settings.items()}


def recipe_of(record: Mapping[str, Any]) -> Recipe:
    """The recipe that a record describes.

    Raises:
        ResumeError: this version has no such recipe or setting.
    """
    with _of_this_version():
        recipe: Recipe = make(recipe_table.find(record["recipe"]), record["configuration"])
        return recipe


def options_of(record: Mapping[str, Any]) -> RunOptions:
    """The options that a record describes.

    Raises:
        ResumeError: this version has no such option.
    """
    with _of_this_version():
        return make(RunOptions, record["options"])


def compute_of(record: Mapping[str, Any]) -> Compute:
    """Device, precision and threads that a record describes.

    Raises:
        ResumeError: it does not describe them.
    """
    with _of_this_version():
        return make(Compute, record["compute"])


@contextlib.contextmanager
def _of_this_version() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise ResumeError(f"the run cannot go on in this version: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ResumeError(f"the run's run.json is damaged ({error!r}); start the run anew.") from error


def plan_in(record: Mapping[str, Any]) -> Plan:
    """The plan of a run as it was made when the run began, whatever rules for plans this version has."""
    plan = dict(record["plan"])
    chosen = plan.pop("selection")
    return Plan(selection=None if chosen is None else Selection(**chosen), **plan)


def setting_of(recipe: Recipe, options: RunOptions, compute: Compute, processes: Processes = ALONE) -> Setting:
    """What the recipe is built on.

    Raises:
        OptionError: data were named for a recipe that learns in an environment.
    """
    if in_environment(recipe):
        refuse_data(recipe, options)
    return Setting(
        seed=options.seed,
        steps=options.steps,
        compute=compute,
        dataset=options.dataset or (None if options.data or in_environment(recipe) else recipe.dataset),
        data=options.data,
        processes=processes,
        shard=options.shard,
    )


def in_environment(recipe: Recipe) -> bool:
    """Whether a recipe learns in an environment, and from no data set."""
    return bool(getattr(recipe, "in_environment", False))


def refuse_data(recipe: Recipe, options: RunOptions) -> None:
    """Refuses data where there is nothing to do with them.

    Raises:
        OptionError: some were named.
    """
    for name in ("dataset", "data"):
        if (value := getattr(options, name)) is not None:
            raise OptionError(
                f"{recipe.name} learns in an environment, and --{name} {value} was given; "
                "name the environment with --environment."
            )


def band_setting(recipe: Recipe, options: RunOptions) -> dict[str, Any]:
    """What a result depends on beside the seed: the data set and every setting that is not the default.

    An environment stands where the data set does.
    """
    changed = {**changed_settings(options), **changed_settings(recipe)}
    kept = {name: value for name, value in changed.items() if name not in NOT_A_SETTING}
    dataset = kept.pop("environment", recipe.dataset) if in_environment(recipe) else recipe.dataset
    return {"dataset": dataset, **_as_json(kept)}


def command_line(recipe: Recipe, options: RunOptions) -> str:
    """The command that repeats a run: every setting that is not the default, but not the folder."""
    words = ["chainrule", "train", recipe.name]
    for name, value in {**changed_settings(options), **changed_settings(recipe)}.items():
        if name != "output":
            flag, items = words_of(name, value)
            words += [f"{flag}={item}" for item in items] or [flag]
    return shlex.join(words)


def launched(command: str, processes: Processes) -> str:
    """A command as it is given to several processes: in full where they are those of one machine."""
    if processes.count == 1:
        return command
    count = processes.count if processes.count == processes.local_count else "…"
    return f"torchrun --nproc-per-node {count} -m {command}"


def versions() -> dict[str, str]:
    """Of Python and of every package that the bytes of a run depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def compare_versions(recorded: Mapping[str, str]) -> None:
    """Says which versions changed since a run began: it goes on, but its bytes may differ."""
    now = versions()
    changed = [f"{name} {recorded.get(name)} → {now[name]}" for name in now if recorded.get(name) != now[name]]
    if changed:
        say(f"since the run began these changed, so it may go on a little differently: {', '.join(changed)}.")
