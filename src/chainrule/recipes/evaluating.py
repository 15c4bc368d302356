"""A finished run scored again: what `evaluate` does."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.errors import ModelFolderError
from chainrule.evaluation.bands import find_band
from chainrule.evaluation.report import assemble_report
from chainrule.models.folder import verify
from chainrule.recipes.computing import asked_of
from chainrule.recipes.contract import ScoredFile
from chainrule.recipes.record import band_setting, compute_of, options_of, recipe_of, setting_of
from chainrule.recipes.running import A_SECOND, tell_about
from chainrule.runtime.devices import resolve_compute
from chainrule.training.run_folder import RunFolder

SPEED = ("flops_per_step", "peak_share")


def judge_again(path: Path, rows: ScoredFile | None, *, device: str, precision: str) -> dict[str, Any]:
    """Scores the model of a finished run on its test split, or on a file."""
    folder = RunFolder(path)
    record = folder.read_record()
    if not folder.report.exists():
        raise ModelFolderError(f"{path} is not finished; finish it with: chainrule resume {shlex.quote(str(path))}")
    verify(folder.model)
    recipe, options, recorded = recipe_of(record), options_of(record), compute_of(record)
    asked = recorded.precision if precision == "auto" else precision
    compute = resolve_compute(*asked_of(recipe, device=device, precision=asked), recorded.threads)
    before = folder.read_report()
    setting = replace(setting_of(recipe, options, compute), sha256=record["data"].get("sha256"))
    with compute.active():
        judgement = recipe.judge(setting, folder.model, rows)
    data = record["data"]
    if rows is not None and judgement.data is not None:
        data = judgement.data
        tell_about(data)
    # A band says nothing of examples other than the test split's.
    band = find_band(recipe.expected, band_setting(recipe, options), judgement.metric) if rows is None else None
    return assemble_report(
        judgement,
        recipe=recipe.name,
        run=str(path),
        band=band,
        seconds=before["seconds"],
        steps=before["steps"],
        data=data,
        speed={name: value for name, value in before.items() if name in SPEED or name.endswith(A_SECOND)},
    )
