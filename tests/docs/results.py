"""The tables of results in the documentation, made from the recipes' measured bands.

python -m tests.docs.results            names the pages whose tables are not those of the bands
python -m tests.docs.results --write    writes their tables anew
"""

import math
import re
import sys

from chainrule import recipes
from chainrule.evaluation.bands import expected_interval
from chainrule.evaluation.wording import figure_name, figure_text, range_text
from tests.docs.pages import PAGES, PROJECT

# `<!-- results: sentiment -->` or `<!-- results: all -->`, the table, `<!-- end -->`.
TABLE = re.compile(r"(?<=<!-- results: )(?P<recipe>[\w-]+)(?P<before> -->\n).*?(?=<!-- end -->)", re.DOTALL)
LIMITS = {"frechet_distance": (0, math.inf), "regret": (0, math.inf)}  # of figures other than accuracy and R²
UP_TO_1 = (-math.inf, 1)
WORDS = {
    "en": {
        "heads": ("recipe", "data set", "result", "one more run", "strongest baseline", "training"),
        "runs": "runs",
        "seconds": "s",
        "nothing": "Nothing has been measured yet.\n",
        "note": "± is the standard deviation of runs that differ in the seed alone; 99 of 100 further runs are to "
        "end within *one more run*. Trained on: {machines}. Measured by:\n",
    },
    "zh": {
        "heads": ("系统", "数据集", "结果", "再跑一次", "最强基线", "训练"),
        "runs": "次运行",
        "seconds": "秒",
        "nothing": "尚未测量。\n",
        "note": "± 是只换随机种子的各次运行之间的标准差；*再跑一次*是其后 100 次运行中 99 次应落入的区间。"
        "训练所用机器：{machines}。测量命令：\n",
    },
}


def measured(recipe):
    """(recipe's name, band) of each band of a recipe, or of all of them."""
    names = recipes.BUILT_IN if recipe == "all" else [recipe]
    return [(name, band) for name in names for band in recipes.find(name).expected]


def rendered(bands, language):
    """The table of some bands in Markdown, and below it where and how they were measured."""
    words = WORDS[language]
    if not bands:
        return words["nothing"]
    rows = [words["heads"], ("---",) * len(words["heads"]), *(row(name, band, words) for name, band in bands)]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    machines = "; ".join(dict.fromkeys(band.machine for _, band in bands))
    repeat = [f"- `{command}`" for command in dict.fromkeys(band.command for _, band in bands)]
    return "\n".join([*lines, "", words["note"].format(machines=machines), *repeat]) + "\n"


def row(name, band, words):
    """One band."""
    options = dict(band.setting)
    on = [f"`{options.pop('dataset')}`", *(option(key, value) for key, value in options.items())]
    mean, deviation = figure_text(band.mean), figure_text(band.standard_deviation)
    result = f"{figure_name(band.metric)} {mean} ± {deviation}, {band.seeds} {words['runs']}"
    further = range_text(expected_interval(band, LIMITS.get(band.metric, UP_TO_1)))
    baseline = "—" if band.baseline is None else f"{band.baseline[0]} {figure_text(band.baseline[1])}"
    seconds = f"{band.seconds:,.{0 if band.seconds >= 1 else 1}f} {words['seconds']}"
    return f"`{name}`", ", ".join(on), result, further, baseline, seconds


def option(name, value):
    """A setting as the flag it is given by."""
    values = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"`--{name.replace('_', '-')} {values}`"


def with_tables(text, language):
    """A page's text with all its tables made anew."""
    return TABLE.sub(
        lambda found: found["recipe"] + found["before"] + rendered(measured(found["recipe"]), language), text
    )


def language_of(page):
    """The language that a page is written in."""
    return "zh" if ".zh-" in page.name else "en"


def outdated():
    """The pages whose tables are not those of the bands, each with its text as it should be."""
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    wanted = {page: with_tables(text, language_of(page)) for page, text in texts.items()}
    return {page: wanted[page] for page in PAGES if wanted[page] != texts[page]}


def main(arguments):
    """Names the pages with wrong tables, or mends them; returns the exit status."""
    pages = outdated()
    for page, text in pages.items():
        if arguments == ["--write"]:
            page.write_text(text, encoding="utf-8")
        print(page.relative_to(PROJECT), "written" if arguments == ["--write"] else "differs from the bands")
    return int(bool(pages) and arguments != ["--write"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
