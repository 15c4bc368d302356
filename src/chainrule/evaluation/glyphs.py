"""Which text the installed fonts can draw: a missing glyph would be an empty box and a warning."""

from collections.abc import Iterable, Sequence
from functools import cache

from chainrule.evaluation.wording import one_line

LATIN = "DejaVu Sans"  # comes with matplotlib
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "SimSun",
    "AR PL UMing CN",
    "Arial Unicode MS",
)


@cache
def font_families() -> tuple[str, ...]:
    """The fonts to look for a glyph in, in this order: matplotlib's own and one for Chinese where there is one."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (LATIN, *[family for family in CHINESE if family in installed][:1])


@cache
def _characters(family: str) -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())


def can_draw(text: str) -> bool:
    """Whether some font has a glyph for every character."""
    return all(any(ord(c) in _characters(family) for family in font_families()) for c in text)


def drawable(text: str, fallback: str, limit: int = 24) -> str:
    """The text on one line of at most `limit` characters, or `fallback` where no font can draw it."""
    shown = one_line(text, limit)
    return shown if can_draw(shown) else fallback


def drawable_names(names: Sequence[str]) -> list[str]:
    """Class names for a plot's axis; one that cannot be drawn becomes "class" and its index."""
    return [drawable(name, f"class {index}") for index, name in enumerate(names)]


def note_on_names(names: Iterable[str], shown: Iterable[str]) -> str:
    """What a plot has to say where a name gave way to its index, or nothing."""
    replaced = any(given.startswith("class ") and name != given for name, given in zip(names, shown, strict=True))
    return "No installed font can draw some names: report.json has them." if replaced else ""
