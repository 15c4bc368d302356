"""The model card: the README.md of a model folder, with the metadata that the Hugging Face hub reads.

The form is the hub's: https://huggingface.co/docs/hub/model-cards.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chainrule.evaluation.judgement import UNSEEN
from chainrule.evaluation.markup import as_block, as_code, as_text, yaml_block
from chainrule.evaluation.wording import figure_name, figure_rows, figure_text

NO_TASK = "other"
TASKS: Mapping[str, tuple[str, str]] = {
    "text": ("text-classification", NO_TASK),
    "pictures": ("image-classification", NO_TASK),
    "table": ("tabular-classification", "tabular-regression"),
    "environment": ("reinforcement-learning", "reinforcement-learning"),
}
"""By kind of data: the hub's name of the task where there are classes, and where there are none."""
MOST_CLASSES = 50


def model_card(
    report: Mapping[str, Any],
    *,
    summary: str,
    command: str,
    python_example: str,
    shell_example: str,
    versions: Mapping[str, str],
    limits: Sequence[str] = (),
    task: str | None = None,
    licence: str | None = None,
) -> str:
    """The text of a model card.

    Args:
        report: what `assemble_report` gave.
        summary: what the model is, in a sentence or two of Markdown.
        command: what trained it.
        python_example: lines of Python that use it.
        shell_example: commands that use it.
        versions: of the programs it was trained with, by name.
        limits: what it is not good for, in sentences of Markdown.
        task: the hub's name of the task; where None, by the kind of the data.
        licence: of the weights, as the hub spells it; where None, nothing is said: the data's licence is not
            the weights'.
    """
    data = report["data"]
    if task is None:
        with_classes, without = TASKS.get(data.get("kind", ""), (NO_TASK, NO_TASK))
        task = with_classes if data.get("classes") else without
    parts = [
        f"---\n{yaml_block(_metadata(report, task, licence))}---",
        f"# {report['recipe']} on {as_text(data['name'])}",
        summary,
        "## How to use it",
        as_block(python_example, "python"),
        as_block(shell_example, "sh"),
        "## Result",
        *_result(report),
        "## Data",
        _bullets(_data(data)),
        "## Limits",
        _bullets([*limits, *_limits(report)]),
        "## How it was trained",
        as_block(command, "sh"),
        f"{report['steps']:,} steps in {report['seconds']:,.0f} seconds, with "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _metadata(report: Mapping[str, Any], task: str, licence: str | None) -> dict[str, Any]:
    """What the hub reads: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    name = report["data"]["name"]
    figures = {report["metric"]: report["value"], **report["figures"]}
    result = {
        "task": {"type": task},
        "dataset": {"name": name, "type": re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") or "own-data"},
        "metrics": [{"type": kind, "value": float(value)} for kind, value in figures.items()],
    }
    return {
        **({} if licence is None else {"license": licence}),
        "library_name": "chainrule",
        **({} if task == NO_TASK else {"pipeline_tag": task}),
        "tags": ["chainrule", report["recipe"]],
        "metrics": [report["metric"]],
        "model-index": [{"name": f"{report['recipe']} on {name}", "results": [result]}],
    }


def _result(report: Mapping[str, Any]) -> Iterator[str]:
    """The figures beside the baselines', the verdict, and the classes one by one."""
    names = [name for name in report["figures"] if name != report["metric"]]
    heads = ["", figure_name(report["metric"]), "95 % interval", *map(figure_name, names)]
    yield _table([heads, *figure_rows(report, names, "")])
    unseen = " that it never saw in training" if report["unit"] == UNSEEN else ""
    yield (
        f"On {report['examples']:,} {report['unit']}{unseen}: "
        f"{figure_name(report['metric'])} {report['verdict']}; {report['against_baseline']}."
    )
    classes = report.get("per_class", [])
    if 0 < len(classes) <= MOST_CLASSES:
        rows = [["class", "precision", "recall", "F1", "examples"]]
        for row in classes:
            figures = ("" if row[name] is None else figure_text(row[name]) for name in ("precision", "recall", "f1"))
            rows.append([as_text(row["class"]), *figures, f"{row['support']:,}"])
        yield _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose cells are escaped already, the first row its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"| --- |{' ---: |' * (len(rows[0]) - 1)}")
    return "\n".join(lines)


def _data(data: Mapping[str, Any]) -> Iterator[str]:
    """What is known of the data: an environment has no rows, an own file no source."""
    yield f"Name: {as_text(data['name'])}"
    if source := data.get("source"):
        yield f"Source: {as_code(source)}"
    if licence := data.get("licence"):
        yield f"Licence: {as_text(licence)}"
    if splits := data.get("splits"):
        counts = ", ".join(f"{count:,} {split}" for split, count in splits.items())
        yield f"Examples: {counts}, of {data['rows']:,} rows"
    if left_out := data.get("left_out"):
        yield "Left out: " + ", ".join(f"{count:,} {as_text(reason)}" for reason, count in left_out.items())
    if classes := data.get("classes"):
        more = f" and {len(classes) - MOST_CLASSES} more" if len(classes) > MOST_CLASSES else ""
        yield f"Classes: {', '.join(map(as_text, classes[:MOST_CLASSES]))}{more}"
    yield from map(as_text, data.get("notes", ()))
    if digest := data.get("sha256"):
        yield f"SHA-256: {as_code(digest)}"


def _limits(report: Mapping[str, Any]) -> Iterator[str]:
    """What holds for every model, and what limits this one's figures."""
    yield "The figures hold for examples like those it was judged on; on others it may do worse."
    yield from map(as_text, report["notes"])
