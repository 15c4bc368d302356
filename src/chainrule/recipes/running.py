"""A run from its first step to its report: what `train` and `resume` do."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import DataError, Interrupted, OptionError, ResumeError
from chainrule.evaluation.bands import find_band
from chainrule.evaluation.report import assemble_report, write_report
from chainrule.models.folder import seal
from chainrule.recipes.card import write_card
from chainrule.recipes.computing import asked_of
from chainrule.recipes.contract import Assembly, Recipe, Setting
from chainrule.recipes.learning import Undertaking, learn, resume_command
from chainrule.recipes.record import (
    band_setting,
    command_line,
    compare_versions,
    compute_of,
    describe_run,
    launched,
    options_of,
    plan_in,
    recipe_of,
    setting_of,
)
from chainrule.runtime.devices import Compute, available_devices, resolve_compute, threads_of_a_process
from chainrule.runtime.files import atomic_folder
from chainrule.runtime.group import check_device, joined
from chainrule.runtime.memory import keep_freed_memory
from chainrule.runtime.peak import kept_peak
from chainrule.runtime.processes import ALONE, Processes, here
from chainrule.runtime.progress import say
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.loop import Plan, Position
from chainrule.training.options import RunOptions
from chainrule.training.run_folder import RunFolder, new_run_folder, only_writer, removed_unless_recorded

LINES_A_RUN = 100
A_SECOND = "_per_second"
MOST_EVALUATIONS = 40  # where the user does not say; each also costs a checkpoint


def start(recipe: Recipe, options: RunOptions, *, display: bool) -> dict[str, Any]:
    """Trains a recipe in a new folder and judges the result.

    Of several processes the first alone writes, judges and gives the report; the others give an empty one.
    """
    with contextlib.ExitStack() as until_the_report:
        with joined(here()) as processes:
            compute = _compute_for_all(recipe, options, processes)
            if options.shard and processes.count == 1:
                raise OptionError(
                    "--shard divides the model among several processes, and there is one; start them with "
                    f"torchrun --nproc-per-node COUNT -m chainrule train {recipe.name} --shard …"
                )
            path = processes.on_first(lambda: str(new_run_folder(options.output, recipe.name, options.seed).path))
            folder = RunFolder(Path(path))
            if processes.is_first:
                until_the_report.enter_context(only_writer(folder))
                until_the_report.enter_context(removed_unless_recorded(folder))
            keep_freed_memory()
            until_the_report.enter_context(compute.active())
            crew = "" if processes.count == 1 else f" in {processes.count} processes"
            say(f"training {recipe.name} in {path} on {compute.device} in {compute.precision}{crew}")
            undertaking = _set_up(folder, recipe, options, compute, processes)
            if processes.is_first:
                folder.write_record(describe_run(recipe, options, compute, undertaking.assembly, undertaking.plan))
            with _resumable(undertaking):
                position = learn(undertaking, display=display)
        with _resumable(undertaking):
            return _conclude(undertaking, position) if processes.is_first else {}


def go_on(path: Path, *, display: bool) -> dict[str, Any]:
    """Goes on with a run from its newest whole checkpoint; for several processes see `start`.

    The folder of the run need lie before the first of them only.
    """
    folder = RunFolder(path)
    with contextlib.ExitStack() as until_the_report:
        with joined(here()) as processes:
            record = processes.on_first(folder.read_record)
            if processes.on_first(folder.report.exists):
                say(f"{path} is finished already; this is its report.")
                return folder.read_report() if processes.is_first else {}
            compute = _compute_again(path, record, processes)
            if processes.is_first:
                until_the_report.enter_context(only_writer(folder))
            keep_freed_memory()
            until_the_report.enter_context(compute.active())
            compare_versions(record["versions"])
            undertaking = _set_up(folder, recipe_of(record), options_of(record), compute, processes)
            undertaking = dataclasses.replace(undertaking, plan=_plan_again(undertaking, record))
            with _resumable(undertaking):
                position = learn(undertaking, display=display)
        with _resumable(undertaking):
            return _conclude(undertaking, position) if processes.is_first else {}


def _compute_for_all(recipe: Recipe, options: RunOptions, processes: Processes) -> Compute:
    """Where a new run computes: what `auto` means the first process decides, how many threads each by itself."""
    asked = asked_of(recipe, device=options.device, precision=options.precision)
    names = processes.on_first(lambda: vars(resolve_compute(*asked, options.threads)))
    check_device(names["device"], processes)
    return resolve_compute(names["device"], names["precision"], options.threads)


def _compute_again(path: Path, record: Mapping[str, Any], processes: Processes) -> Compute:
    """Where a run that is gone on with computes: as before, but for the number of processes."""
    recorded = compute_of(record)
    if recorded.device not in available_devices():
        raise ResumeError(
            f"{path} was trained on {recorded.device}, which this machine lacks; resume it where there is one."
        )
    check_device(recorded.device, processes)
    if recorded.processes == processes.count:
        return recorded
    before, now = (f"{count} process{'es' * (count > 1)}" for count in (recorded.processes, processes.count))
    say(
        f"the run began in {before} and goes on in {now}: it may go on a little differently, "
        "by rounding and by what dropout and the like draw."
    )
    threads = options_of(record).threads or threads_of_a_process()
    return dataclasses.replace(recorded, processes=processes.count, threads=threads)


def _plan_again(undertaking: Undertaking, record: Mapping[str, Any]) -> Plan:
    """The plan of a run that is gone on with, where it is still the same run."""
    path, planned = undertaking.folder.path, record["plan"]["steps"]
    if undertaking.plan.steps != planned:
        raise ResumeError(
            f"{path} was planned for {planned:,} steps, this version plans "
            f"{undertaking.plan.steps:,}; use chainrule {record['versions'].get('chainrule')} for it."
        )
    if undertaking.assembly.data["sha256"] != record["data"].get("sha256"):
        raise ResumeError(
            f"the data of {path} have changed since it began (their SHA-256 differs); restore them, or start a new run."
        )
    if _begun_from(undertaking.assembly.data) != _begun_from(record["data"]):
        raise ResumeError(
            f"the model that {path} began with has changed since (its SHA-256 differs); restore it, or start a new run."
        )
    return plan_in(record)


def _begun_from(data: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the model that a run began with, wherever it lies; None where it began with none."""
    digest: str | None = (data.get("from") or {}).get("sha256")
    return digest


def _set_up(
    folder: RunFolder, recipe: Recipe, options: RunOptions, compute: Compute, processes: Processes
) -> Undertaking:
    setting = setting_of(recipe, options, compute, processes)
    assembly = recipe.build(setting)
    tell_about(assembly.data)
    if assembly.processes != processes:
        raise OptionError(
            f"{recipe.name} learns in one process, and {processes.count} were started; start it without torchrun."
        )
    others = processes.on_first(lambda: assembly.data["sha256"]) != assembly.data["sha256"]
    if differing := processes.largest(processes.rank if others else 0):
        raise DataError(
            f"process {differing} reads other data than the first one (their SHA-256 differ); "
            "put the same files on every machine."
        )
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
    """When the loop does what: as the options say, else by the length of the run.

    Raises:
        OptionError: the run is to stop where no evaluation is better than the best, and it knows of no best.
    """
    if options.patience is not None and assembly.selection is None:
        raise OptionError(
            "--patience waits for a better evaluation, and this recipe keeps its last state; leave it out."
        )
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


@contextlib.contextmanager
def _resumable(undertaking: Undertaking) -> Iterator[None]:
    """Says how to go on where somebody interrupts the block.

    Raises:
        Interrupted: somebody did.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; go on with: {resume_command(undertaking)}") from error


def _conclude(undertaking: Undertaking, position: Position) -> dict[str, Any]:
    """From the last step to the report: the model folder, and what it is worth."""
    folder, recipe = undertaking.folder, undertaking.recipe
    setting, assembly = undertaking.setting, undertaking.assembly
    plots = assembly.plots()  # of the whole way, before the best weights are loaded
    checkpoints = Checkpoints(folder.checkpoints, keep=undertaking.options.keep_checkpoints)
    at_hand: int | None = position.step
    best = position.step if position.best_step is None else position.best_step
    if setting.is_divided:
        # The other processes have left with their shares, and one device may not hold the whole model.
        compute = dataclasses.replace(setting.compute, device="cpu")
        setting = dataclasses.replace(setting, compute=compute, processes=ALONE)
        assembly, at_hand = recipe.build(setting), None
    if best != at_hand:
        assembly.learner.load_state_dict(checkpoints.read(best)["learner"])
    with atomic_folder(folder.model) as model:
        assembly.save_model(model)
        judgement = recipe.judge(setting, model)
        judgement = dataclasses.replace(judgement, plots=(*judgement.plots, *plots))
        band = find_band(recipe.expected, band_setting(recipe, undertaking.options), judgement.metric)
        report = assemble_report(
            judgement,
            recipe=recipe.name,
            run=str(folder.path),
            band=band,
            seconds=position.seconds,
            steps=position.step,
            data=assembly.data,
            speed=_speed(position, undertaking.setting, assembly.rate),
        )
        command = launched(command_line(recipe, undertaking.options), undertaking.setting.processes)
        write_card(model, report, recipe, command=command)
        seal(model)
    return write_report(folder.path, report, judgement)


def _speed(position: Position, setting: Setting, rate: str | None) -> dict[str, float | None]:
    """How fast the steps were done.

    Operations of a step, and the share of the machine's peak, where that is known, at which they were done; where a
    recipe says what its examples are, how many of them a second.
    """
    seconds, peak = position.seconds - position.evaluating, kept_peak(setting.compute)
    share = None if peak is None or seconds <= 0 else position.flops / seconds / (peak * setting.processes.count)
    if share is not None and share > 1:  # the peak was measured while others were busy
        share = None
    speed = {"flops_per_step": position.flops / position.step, "peak_share": share}
    if rate is not None:
        speed[f"{rate}{A_SECOND}"] = position.examples / seconds if seconds > 0 else None
    return speed
