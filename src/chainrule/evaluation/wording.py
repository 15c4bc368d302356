"""Numbers and foreign text as people read them."""

from chainrule.metrics import Interval

NAMES = {
    "r2": "R²",
    "macro_f1": "macro F1",
    "brier_score": "Brier score",
    "expected_calibration_error": "calibration error",
}


def figure_name(name: str) -> str:
    """A figure's name in JSON as people write it."""
    return NAMES.get(name, name.replace("_", " "))


def figure_text(value: float) -> str:
    """A figure with as many decimals as its size deserves: 0.841, 38.20, 1,204."""
    size = abs(value)
    if 0 < size < 0.0005:
        return f"{value:.2g}"
    decimals = next((count for limit, count in ((10, 3), (100, 2), (1000, 1)) if size < limit), 0)
    return f"{value:,.{decimals}f}"


def interval_text(interval: Interval) -> str:
    """An interval in brackets: [0.827, 0.854]."""
    return f"[{figure_text(interval[0])}, {figure_text(interval[1])}]"


def range_text(interval: Interval) -> str:
    """A range of expected figures: 0.826–0.848; where a sign stands in it, with "to"."""
    low, high = map(figure_text, interval)
    return f"{low} to {high}" if "-" in low + high else f"{low}–{high}"


def one_line(text: str, limit: int) -> str:
    """Text from a user's file as one printable line of at most `limit` characters.

    White space becomes blanks; what could move a terminal's cursor is written as its escape.
    """
    # Three times the limit is enough to fill a line, and spares the walk through a whole novel.
    words = " ".join(text[: 3 * limit].split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    return shown if len(shown) <= limit and len(text) <= 3 * limit else shown[: limit - 1] + "…"
