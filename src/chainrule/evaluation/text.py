"""The report as a person reads it on a terminal, or in a file where there is none."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.evaluation.wording import figure_name, figure_rows, figure_text, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 100
WIDE = 96  # columns from which on three figures stand beside the metric; below, one
MOST_CLASSES = 20
MOST_MISTAKES = 3
UNDEFINED = "–"


def render_text(report: Mapping[str, Any], *, width: int = WIDTH, colour: bool = False) -> str:
    """The report in some lines: figures beside the baselines', the verdicts, classes, mistakes, files.

    Args:
        report: what `write_report` gave.
        width: of the terminal, in columns.
        colour: whether to emphasise with a terminal's escapes; without, the text is plain.
    """
    from rich.console import Console

    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in _parts(report, width):
        console.print(part)
    lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
    return "\n".join(lines) + "\n"


def _parts(report: Mapping[str, Any], width: int) -> "Iterator[RenderableType]":
    from rich.text import Text

    minutes, seconds = divmod(round(report["seconds"]), 60)
    duration = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    yield Text(
        f"{report['recipe']}: {report['examples']:,} {report['unit']}, after {report['steps']:,} steps in {duration}",
        style="bold",
    )
    yield ""
    yield _figures(report, width)
    yield ""
    verdict_style = {True: "green", False: "yellow", None: ""}[report["within_expected"]]
    name = figure_name(report["metric"])
    yield Text(f"{name[0].upper()}{name[1:]} {report['verdict']};", style=verdict_style)
    yield f"{report['against_baseline']}."
    if report.get("per_class"):
        yield ""
        yield from _classes(report["per_class"])
    if report["mistakes"]:
        yield ""
        yield from _mistakes(report["mistakes"][:MOST_MISTAKES], width)
    if report["notes"] or report["left_out"]:
        yield ""
        yield from report["notes"]
    if report["left_out"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report["left_out"].items())
        yield f"Rows left out: {reasons}."
    yield ""
    yield f"{one_line(report['run'], 1000)}: {', '.join(['report.json', *report['plots']])}"


def _figures(report: Mapping[str, Any], width: int) -> "RenderableType":
    """A line for the model and for each baseline; the metric leads, with its interval."""
    metric = report["metric"]
    names = [name for name in report["figures"] if name != metric][: 3 if width >= WIDE else 1]
    heads = ["", figure_name(metric), "95 % interval", *map(figure_name, names)]
    return _table(heads, figure_rows(report, names, UNDEFINED))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> "RenderableType":
    """A table without lines, the first column to the left, the others to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    table.add_column(Text(heads[0], style="dim"))
    for place, head in enumerate(heads[1:], 1):
        # Where the terminal is narrow, the names are wrapped and the numbers stay whole.
        widest = max(len(row[place]) for row in rows)
        table.add_column(Text(head, style="dim"), justify="right", min_width=widest)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _classes(per_class: Sequence[Mapping[str, Any]]) -> "Iterator[RenderableType]":
    """Precision, recall, F1 and support; of many classes those with the lowest F1."""

    def shown(value: float | None) -> str:
        return UNDEFINED if value is None else figure_text(value)

    chosen = per_class
    if len(per_class) > MOST_CLASSES:
        known = [row for row in per_class if row["f1"] is not None]
        chosen = sorted(known, key=lambda row: row["f1"])[:MOST_CLASSES]
        yield f"The {len(chosen)} of {len(per_class)} classes with the lowest F1; report.json has all:"
    yield _table(
        ["class", "precision", "recall", "F1", "examples"],
        [
            [
                one_line(row["class"], 40),
                *(shown(row[name]) for name in ("precision", "recall", "f1")),
                f"{row['support']:,}",
            ]
            for row in chosen
        ],
    )


def _mistakes(mistakes: Sequence[Mapping[str, Any]], width: int) -> "Iterator[RenderableType]":
    from rich.text import Text

    def shown(value: str | float) -> str:
        return one_line(value, 40) if isinstance(value, str) else figure_text(value)

    yield "Worst mistakes:"
    for mistake in mistakes:
        sure = "" if mistake["probability"] is None else f" ({mistake['probability']:.0%})"
        answer = f"{shown(mistake['predicted'])}{sure}, in truth {shown(mistake['truth'])}"
        line = Text(f"  {answer}: {one_line(mistake['input'], 200)}")
        line.truncate(width, overflow="ellipsis")
        yield line
