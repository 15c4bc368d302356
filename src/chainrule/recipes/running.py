"""A run from its first step to its report: what `train` and `resume` do."""

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, Interrupted, NotFiniteError, ResumeError
from chainrule.evaluation.bands import find_band
from chainrule.evaluation.report import assemble_report, write_report
from chainrule.models.folder import seal
from chainrule.recipes.card import write_card
from chainrule.recipes.contract import Assembly, Recipe, Setting
from chainrule.recipes.record import (
    band_setting,
    compare_versions,
    compute_of,
    describe_run,
    options_of,
    plan_in,
    recipe_of,
    setting_of,
)
from chainrule.runtime.devices import Compute, available_devices, resolve_compute
from chainrule.runtime.files import atomic_folder
from chainrule.runtime.peak import known_peak
from chainrule.runtime.progress import say
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.journal import Journal, cut_back
from chainrule.training.loop import Observer, Plan, Position, run_loop
from chainrule.training.options import RunOptions
from chainrule.training.run_folder import RunFolder, new_run_folder, only_writer, removed_unless_recorded
from chainrule.training.stopping import stop_requests

LINES_A_RUN = 100
MOST_EVALUATIONS = 40  # where the user does not say; each also costs a checkpoint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Undertaking:
    """A run that is set up: everything from its first step to its report."""

    folder: RunFolder
    recipe: Recipe
    options: RunOptions
    setting: Setting
    assembly: Assembly
    plan: Plan


def start(recipe: Recipe, options: RunOptions, *, display: bool) -> dict[str, Any]:
    """Trains a recipe in a new folder and judges the result."""
    compute = resolve_compute(options.device, options.precision, options.threads)
    folder = new_run_folder(options.output, recipe.name, options.seed)
    with only_writer(folder), removed_unless_recorded(folder), compute.active():
        say(f"training {recipe.name} in {folder.path} on {compute.device} in {compute.precision}")
        undertaking = _set_up(folder, recipe, options, compute)
        folder.write_record(describe_run(recipe, options, compute, undertaking.assembly, undertaking.plan))
        return _carry_out(undertaking, display=display)


def go_on(path: Path, *, display: bool) -> dict[str, Any]:
    """Goes on with a run from its newest whole checkpoint."""
    folder = RunFolder(path)
    record = folder.read_record()
    if folder.report.exists():
        say(f"{path} is finished already; this is its report.")
        return folder.read_report()
    compute = compute_of(record)
    if compute.device not in available_devices():
        raise ResumeError(
            f"{path} was trained on {compute.device}, which this machine lacks; resume it where there is one."
        )
    with only_writer(folder), compute.active():
        compare_versions(record["versions"])
        undertaking = _set_up(folder, recipe_of(record), options_of(record), compute)
        if undertaking.plan.steps != record["plan"]["steps"]:
            raise ResumeError(
                f"{path} was planned for {record['plan']['steps']:,} steps, this version plans "
                f"{undertaking.plan.steps:,}; use chainrule {record['versions'].get('chainrule')} for it."
            )
        undertaking = dataclasses.replace(undertaking, plan=plan_in(record))
        if undertaking.assembly.data["sha256"] != record["data"].get("sha256"):
            raise ResumeError(
                f"the data of {path} have changed since it began (their SHA-256 differs); "
                "restore them, or start a new run."
            )
        return _carry_out(undertaking, display=display)


def _set_up(folder: RunFolder, recipe: Recipe, options: RunOptions, compute: Compute) -> Undertaking:
    setting = setting_of(recipe, options, compute)
    assembly = recipe.build(setting)
    tell_about(assembly.data)
    return Undertaking(
        folder=folder,
        recipe=recipe,
        options=options,
        setting=setting,
        assembly=assembly,
        plan=plan_of(options, assembly),
    )


def tell_about(data: Mapping[str, Any]) -> None:
    """Says how data were read and what was left out."""
    for note in data.get("notes", ()):
        say(note)
    for reason, count in data.get("left_out", {}).items():
        say(f"{count:,} of {data['rows']:,} rows were left out: {reason}.")


def plan_of(options: RunOptions, assembly: Assembly) -> Plan:
    """When the loop does what: as the options say, else by the length of the run."""
    evaluate_every = options.evaluate_every or max(assembly.evaluate_every, -(-assembly.steps // MOST_EVALUATIONS))
    return Plan(
        seed=options.seed,
        steps=assembly.steps,
        log_every=options.log_every or max(1, assembly.steps // LINES_A_RUN),
        evaluate_every=evaluate_every,
        checkpoint_every=options.checkpoint_every or evaluate_every,
        patience=options.patience,
        selection=assembly.selection,
    )


def _carry_out(undertaking: Undertaking, *, display: bool) -> dict[str, Any]:
    """From wherever the run is to its report.

    Raises:
        Interrupted: somebody stopped it; it can go on.
    """
    try:
        return _to_the_end(undertaking, display=display)
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; go on with: {resume_command(undertaking.folder)}") from error


def _to_the_end(undertaking: Undertaking, *, display: bool) -> dict[str, Any]:
    """The loop, then the model folder and the report."""
    folder, recipe, assembly = undertaking.folder, undertaking.recipe, undertaking.assembly
    checkpoints = Checkpoints(folder.checkpoints, keep=undertaking.options.keep_checkpoints)
    position = Position()
    if state := checkpoints.read_newest():
        position = Position(**state["position"])
        assembly.learner.load_state_dict(state["learner"])
        say(f"going on from step {position.step:,} of {undertaking.plan.steps:,}")
    for path in (folder.metrics, folder.timings):
        cut_back(path, position.step)
    try:
        _drive(undertaking, position, checkpoints, display=display)
    except NotFiniteError:  # to go on would lead to the same step
        if steps := checkpoints.steps():
            say(f"the last good checkpoint is of step {steps[-1]:,}, in {checkpoints.folder}.")
        raise
    except ChainruleError:
        if steps := checkpoints.steps():
            say(f"the last checkpoint is of step {steps[-1]:,}; go on from it with: {resume_command(folder)}")
        raise
    if position.best_step not in {None, position.step}:
        assembly.learner.load_state_dict(checkpoints.read(position.best_step or 0)["learner"])
    with atomic_folder(folder.model) as model:
        assembly.save_model(model)
        judgement = recipe.judge(undertaking.setting, model)
        band = find_band(recipe.expected, band_setting(recipe, undertaking.options), judgement.metric)
        report = assemble_report(
            judgement,
            recipe=recipe.name,
            run=str(folder.path),
            band=band,
            seconds=position.seconds,
            steps=position.step,
            data=assembly.data,
        )
        write_card(model, report, recipe, undertaking.options)
        seal(model)
    return write_report(folder.path, report, judgement)


def _drive(undertaking: Undertaking, position: Position, checkpoints: Checkpoints, *, display: bool) -> None:
    """Runs the loop with everyone who watches it.

    Raises:
        Interrupted: somebody stopped it; a checkpoint is written.
    """
    from chainrule.training.display import Display
    from chainrule.training.tensorboard import TensorBoardEvents

    folder, plan = undertaking.folder, undertaking.plan
    metrics, timings = Journal(folder.metrics), Journal(folder.timings)
    observers: list[Observer] = [TensorBoardEvents(folder.tensorboard, position.step)]
    if display:
        observers.append(Display(plan, known_peak(undertaking.setting.compute), position))
    try:
        with stop_requests() as stop:
            run_loop(
                undertaking.assembly.learner,
                plan,
                position,
                checkpoints=checkpoints,
                metrics=metrics,
                timings=timings,
                observers=tuple(observers),
                stop=stop,
            )
    finally:
        for observer in observers:
            observer.close()
        metrics.close()
        timings.close()
    if not position.finished:
        raise Interrupted(
            f"stopped by {stop.signal_name} after step {position.step:,} of {plan.steps:,}; a checkpoint is written."
        )


def resume_command(folder: RunFolder) -> str:
    """The command that goes on with a run."""
    return f"chainrule resume {shlex.quote(str(folder.path))}"
