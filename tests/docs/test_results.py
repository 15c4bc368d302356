"""Every figure in a table of results is that of a measured band."""

import re

from chainrule import recipes
from chainrule.evaluation.band import Band
from tests.docs.pages import PAGES, PROJECT, READMES
from tests.docs.results import language_of, outdated, rendered, with_tables

BANDS = [
    (
        "image-cnn",
        Band(
            setting={"dataset": "digits"},
            metric="accuracy",
            mean=0.98765,
            standard_deviation=0.00234,
            seeds=3,
            machine="two cores",
            seconds=11.4,
            command="chainrule train image-cnn --dataset digits",
            baseline=("logistic regression on pixels", 0.9537),
        ),
    ),
    (
        "mlp-regression",
        Band(
            setting={"dataset": "diabetes", "hidden_sizes": (7, 5)},
            metric="r2",
            mean=0.5,
            standard_deviation=0.01,
            seeds=5,
            machine="two cores",
            seconds=1203,
            command="chainrule train mlp-regression --dataset diabetes",
        ),
    ),
]
# Student's t of 0.995 with 2 and 4 degrees of freedom, times s·√(1 + 1/n): 9.925·0.00234·1.1547 = 0.0268 and
# 4.604·0.01·1.0954 = 0.0504.
ENGLISH = """\
| recipe | data set | result | one more run | strongest baseline | training |
| --- | --- | --- | --- | --- | --- |
| `image-cnn` | `digits` | accuracy 0.988 ± 0.002, 3 runs | 0.961–1.000 | logistic regression on pixels 0.954 | 11 s |
| `mlp-regression` | `diabetes`, `--hidden-sizes 7 5` | R² 0.500 ± 0.010, 5 runs | 0.450–0.550 | — | 1,203 s |

± is the standard deviation of runs that differ in the seed alone; 99 of 100 further runs are to end within \
*one more run*. Trained on: two cores. Measured by:

- `chainrule train image-cnn --dataset digits`
- `chainrule train mlp-regression --dataset diabetes`
"""


def test_bands_become_a_table():
    assert rendered(BANDS, "en") == ENGLISH


def test_the_chinese_table_has_the_same_figures():
    def figures(text):
        return [re.findall(r"[\d.]+", line) for line in text.splitlines() if line.startswith("| `")]

    assert figures(rendered(BANDS, "zh")) == figures(ENGLISH)
    assert "| 系统 | 数据集 |" in rendered(BANDS, "zh")


def test_without_bands_the_table_says_so():
    assert rendered([], "en") == "Nothing has been measured yet.\n"


def test_only_what_stands_between_the_marks_is_written(monkeypatch):
    class Measured:
        expected = (BANDS[0][1],)

    monkeypatch.setattr(recipes, "find", lambda _: Measured)
    page = "before\n<!-- results: image-cnn -->\nold\n<!-- end -->\nafter <!-- end -->\n"
    first_line = ENGLISH.splitlines()[0]
    written = with_tables(page, "en")
    assert written.startswith(f"before\n<!-- results: image-cnn -->\n{first_line}\n")
    assert written.endswith("--dataset digits`\n<!-- end -->\nafter <!-- end -->\n")
    assert with_tables(written, "en") == written


def test_the_language_of_a_page():
    assert [language_of(page) for page in READMES] == ["en", "zh"]


def test_the_tables_are_those_of_the_bands():
    assert list(outdated()) == [], "python -m tests.docs.results --write mends them"


def test_each_recipe_has_its_table():
    marks = {(page.name, name) for page in PAGES for name in re.findall(r"<!-- results: (\S+) -->\n", page.read_text())}
    expected = {(f"{name}.md", name) for name in recipes.BUILT_IN} | {(page.name, "all") for page in READMES}
    assert marks == expected
    assert PROJECT / "docs" / "sentiment.md" in PAGES
