"""A run from its first step to its report: what `train`, `resume` and `evaluate` do."""

from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, Interrupted, ModelFolderError, ResumeError
from chainrule.evaluation.card import write_card
from chainrule.evaluation.report import build_report, write_report
from chainrule.models.folder import seal, verify
from chainrule.recipes.contract import Assembly, Recipe, Setting
from chainrule.recipes.record import (
    band_setting,
    command_line,
    compare_versions,
    describe_run,
    options_of,
    recipe_of,
    setting_of,
    versions,
)
from chainrule.runtime.devices import Compute, available_devices, resolve_compute
from chainrule.runtime.files import atomic_folder
from chainrule.runtime.progress import say
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.journal import Journal, cut_back
from chainrule.training.loop import Observer, Plan, Position, run_loop
from chainrule.training.options import RunOptions
from chainrule.training.run_folder import RunFolder, new_run_folder, only_writer
from chainrule.training.stopping import stop_requests

LINES_A_RUN = 100


def start(recipe: Recipe, options: RunOptions, *, display: bool) -> dict[str, Any]:
    """Trains a recipe in a new folder and judges the result."""
    compute = resolve_compute(options.device, options.precision, options.threads)
    setting = setting_of(recipe, options, compute)
    run = new_run_folder(options.output, recipe.name, options.seed)
    with only_writer(run), compute.active():
        say(f"training {recipe.name} in {run.path} on {compute.device} in {compute.precision}")
        assembly = recipe.build(setting)
        plan = plan_of(options, assembly)
        run.write_record(describe_run(recipe, options, compute, assembly, plan))
        return _carry_out(run, recipe, setting, options, assembly, plan, display=display)


def go_on(path: Path, *, display: bool) -> dict[str, Any]:
    """Goes on with a run from its newest whole checkpoint."""
    run = RunFolder(path)
    record = run.read_record()
    recipe, options = recipe_of(record), options_of(record)
    compute = Compute(**record["compute"])
    if compute.device not in available_devices():
        raise ResumeError(
            f"{path} was trained on {compute.device}, which this machine lacks; resume it where there is one."
        )
    with only_writer(run), compute.active():
        compare_versions(record["versions"])
        setting = setting_of(recipe, options, compute)
        assembly = recipe.build(setting)
        if assembly.data["sha256"] != record["data"]["sha256"]:
            raise ResumeError(
                f"the data of {path} have changed since it began (their SHA-256 differs); "
                "restore them, or start a new run."
            )
        plan = plan_of(options, assembly)
        return _carry_out(run, recipe, setting, options, assembly, plan, display=display)


def judge_again(path: Path, data: Path | None, *, device: str, precision: str) -> dict[str, Any]:
    """Scores the model of a finished run on its test split, or on another file."""
    run = RunFolder(path)
    record = run.read_record()
    if not run.model.is_dir():
        raise ModelFolderError(f"{path} has no model yet; finish it with: {_resume_command(run)}")
    verify(run.model)
    recipe, options, recorded = recipe_of(record), options_of(record), record["compute"]
    asked = recorded["precision"] if precision == "auto" else precision
    compute = resolve_compute(device, asked, recorded["threads"])
    position = Position(**Checkpoints(run.checkpoints, keep=1).read_newest()["position"])  # type: ignore[index]
    setting = setting_of(recipe, options, compute)
    with compute.active():
        judgement = recipe.judge(setting, run.model, data)
    return build_report(
        recipe=recipe.name,
        run=path,
        judgement=judgement,
        bands=recipe.expected if data is None else (),
        setting=band_setting(recipe, options),
        seconds=position.seconds,
        steps=position.step,
        data=record["data"],
    )


def plan_of(options: RunOptions, assembly: Assembly) -> Plan:
    """When the loop does what: as the options say, else by the length of the run."""
    evaluate_every = options.evaluate_every or assembly.evaluate_every
    return Plan(
        seed=options.seed,
        steps=assembly.steps,
        log_every=options.log_every or max(1, assembly.steps // LINES_A_RUN),
        evaluate_every=evaluate_every,
        checkpoint_every=options.checkpoint_every or evaluate_every,
        patience=options.patience,
        selection=assembly.selection,
    )


def _carry_out(
    run: RunFolder,
    recipe: Recipe,
    setting: Setting,
    options: RunOptions,
    assembly: Assembly,
    plan: Plan,
    *,
    display: bool,
) -> dict[str, Any]:
    """The loop, then the model folder and the report."""
    checkpoints = Checkpoints(run.checkpoints, keep=options.keep_checkpoints)
    position = Position()
    if state := checkpoints.read_newest():
        position = Position(**state["position"])
        assembly.learner.load_state_dict(state["learner"])
        say(f"going on from step {position.step:,} of {plan.steps:,}")
    for path in (run.metrics, run.timings):
        cut_back(path, position.step)
    try:
        _drive(run, assembly, plan, position, checkpoints, display=display)
    except ChainruleError:
        if steps := checkpoints.steps():
            say(f"the last checkpoint is of step {steps[-1]:,}; go on from it with: {_resume_command(run)}")
        raise
    if position.best_step not in {None, position.step}:
        assembly.learner.load_state_dict(checkpoints.read(position.best_step or 0)["learner"])
    with atomic_folder(run.model) as folder:
        assembly.save_model(folder)
        judgement = recipe.judge(setting, folder)
        report = build_report(
            recipe=recipe.name,
            run=run.path,
            judgement=judgement,
            bands=recipe.expected,
            setting=band_setting(recipe, options),
            seconds=position.seconds,
            steps=position.step,
            data=assembly.data,
        )
        write_card(folder, report, command=command_line(recipe, options), versions=versions())
        seal(folder)
    write_report(run.path, report, judgement)
    return report


def _drive(
    run: RunFolder,
    assembly: Assembly,
    plan: Plan,
    position: Position,
    checkpoints: Checkpoints,
    *,
    display: bool,
) -> None:
    """Runs the loop with everyone who watches it.

    Raises:
        Interrupted: somebody stopped it; a checkpoint is written.
    """
    from chainrule.runtime.peak import known_peak
    from chainrule.training.display import Display
    from chainrule.training.tensorboard import TensorBoardEvents

    metrics, timings = Journal(run.metrics), Journal(run.timings)
    events = TensorBoardEvents(run.tensorboard, position.step)
    shown = Display(plan, known_peak(), position) if display else None
    observers: tuple[Observer, ...] = (events, shown) if shown else (events,)
    try:
        with stop_requests() as stop:
            run_loop(
                assembly.learner,
                plan,
                position,
                checkpoints=checkpoints,
                metrics=metrics,
                timings=timings,
                observers=observers,
                stop=stop,
            )
    finally:
        for closing in (metrics, timings, *observers):
            closing.close()
    if not position.finished:
        raise Interrupted(
            f"stopped by {stop.signal_name} after step {position.step:,} of {plan.steps:,}; "
            "a checkpoint is written."
        )


def _resume_command(run: RunFolder) -> str:
    return f"chainrule resume {run.path}"
