"""The report of a run: put together, written into its folder."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError
from chainrule.evaluation.band import Band
from chainrule.evaluation.bands import give_verdict
from chainrule.evaluation.judgement import Judgement, Plot, Score, against_baseline
from chainrule.evaluation.plots import draw_learning_curve, learning_panels, render_png
from chainrule.runtime.files import write_atomically, write_json
from chainrule.training.journal import read_lines

LEARNING_CURVE = "learning-curve.png"


def assemble_report(
    judgement: Judgement,
    *,
    recipe: str,
    run: str,
    band: Band | None,
    seconds: float,
    steps: int,
    data: Mapping[str, Any],
    speed: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """The report as JSON.

    Args:
        judgement: of the finished model.
        recipe: its name.
        run: the run folder as the user knows it.
        band: the one measured in the run's setting, or None.
        seconds: from the first step to the final weights, summed over resumes.
        steps: updates done.
        data: `Dataset.summary()` of what was judged on.
        speed: `flops_per_step`, and `peak_share`, the share of the machine's peak that the steps reached.

    Raises:
        OptionError: a table or further key of the judgement has the name of one of the report's own.
    """
    verdict = give_verdict(judgement, band)
    report = {
        "recipe": recipe,
        "run": run,
        "metric": judgement.metric,
        "higher_is_better": judgement.higher_is_better,
        "value": judgement.value,
        "interval": list(judgement.interval),
        "baseline": _score_json(judgement.baseline),
        "expected": None if verdict.expected is None else list(verdict.expected),
        "within_expected": verdict.within,
        "seconds": seconds,
        "steps": steps,
        "verdict": verdict.sentence,
        "against_baseline": against_baseline(judgement),
        "examples": judgement.examples,
        "unit": judgement.unit,
        "figures": dict(judgement.figures),
        "baselines": [_score_json(score) for score in judgement.baselines],
        "mistakes": [asdict(mistake) for mistake in judgement.mistakes],
        "left_out": dict(data.get("left_out", {})),
        "data": dict(data),
        "notes": [*judgement.notes, *(note for score in judgement.baselines for note in score.notes)],
        "plots": [plot.file_name for plot in judgement.plots],
        **(speed or {}),
    }
    for name, value in {**judgement.tables, **judgement.extra}.items():
        if name in report:
            raise OptionError(f"a judgement may not set the report's own key {name!r}; give it another name.")
        report[name] = value
    return report


def _score_json(score: Score) -> dict[str, Any]:
    return {
        "name": score.name,
        "value": score.value,
        "interval": None if score.interval is None else list(score.interval),
        "difference": None if score.difference is None else list(score.difference),
        "figures": dict(score.figures),
    }


def write_report(run_folder: Path, report: Mapping[str, Any], judgement: Judgement) -> dict[str, Any]:
    """Writes `report.json` and the plots, the learning curve with them where `metrics.jsonl` holds one.

    Args:
        run_folder: of the run, or any other folder.
        report: what `assemble_report` gave.
        judgement: whose plots are drawn.

    Returns:
        The report as written, the learning curve among its plots.
    """
    plots = list(judgement.plots)
    lines = list(read_lines(run_folder / "metrics.jsonl"))
    if panels := learning_panels(lines, judgement.metric):
        plots.insert(0, Plot(LEARNING_CURVE, partial(draw_learning_curve, lines, panels)))
    written = {**report, "plots": [plot.file_name for plot in plots]}
    for plot in plots:
        write_atomically(run_folder / plot.file_name, render_png(plot.draw))
    write_json(run_folder / "report.json", written)  # the last of all: where it stands, everything is there
    return written
