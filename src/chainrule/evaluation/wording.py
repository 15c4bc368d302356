"""Numbers and foreign text as people read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.metrics import Interval
from chainrule.runtime.printable import printable

NAMES = {
    "r2": "R²",
    "frechet_distance": "Fréchet distance",
    "frechet_distance_of_real": "Fréchet distance of real pictures",
    "macro_f1": "macro F1",
    "brier_score": "Brier score",
    "expected_calibration_error": "calibration error",
}


def figure_name(name: str) -> str:
    """A figure's name in JSON as people write it."""
    return NAMES.get(name, name.replace("_", " "))


def figure_text(value: float, scale: float = 0.0) -> str:
    """A figure with as many decimals as its size deserves: 0.841, 38.20, 1,204.

    Args:
        value: the figure.
        scale: the size of figures it stands beside, whose decimals it shares where they are larger.
    """
    size = max(abs(value), abs(scale))
    if 0 < size < 0.0005:
        return f"{value:.2g}"
    decimals = next((count for limit, count in ((10, 3), (100, 2), (1000, 1)) if size < limit), 0)
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"  # the sum takes the sign from a zero


def interval_text(interval: Interval, scale: float = 0.0) -> str:
    """An interval in brackets: [0.827, 0.854]."""
    scale = max(abs(scale), *map(abs, interval))
    return f"[{figure_text(interval[0], scale)}, {figure_text(interval[1], scale)}]"


def range_text(interval: Interval) -> str:
    """A range of expected figures: 0.826–0.848; where a sign stands in it, with "to"."""
    scale = max(map(abs, interval))
    low, high = (figure_text(limit, scale) for limit in interval)
    return f"{low} to {high}" if "-" in low + high else f"{low}–{high}"


def figure_rows(report: Mapping[str, Any], names: Sequence[str], undefined: str) -> list[list[str]]:
    """A row for the model and for each baseline of a report: name, value, interval and further figures.

    Args:
        report: what `assemble_report` gave.
        names: the further figures, a column each.
        undefined: what stands where a baseline lacks one.
    """
    lines = [{**report, "name": "this model"}, *report["baselines"]]
    scale = max(abs(line["value"]) for line in lines)
    rows = [[line["name"], figure_text(line["value"], scale), ""] for line in lines]
    for row, line in zip(rows, lines, strict=True):
        if line["interval"]:
            row[2] = interval_text(line["interval"], scale)
    for name in names:
        values = [line["figures"].get(name) for line in lines]
        scale = max(abs(value) for value in values if value is not None)
        for row, value in zip(rows, values, strict=True):
            row.append(undefined if value is None else figure_text(value, scale))
    return rows


def one_line(text: str, limit: int) -> str:
    """Text from a user's file as one printable line of at most `limit` characters.

    White space becomes blanks; what could move a terminal's cursor is written as its escape.
    """
    # Three times the limit is enough to fill a line, and spares the walk through a whole novel.
    words = " ".join(text[: 3 * limit].split())
    shown = printable(words)
    return shown if len(shown) <= limit and len(text) <= 3 * limit else shown[: limit - 1] + "…"
