"""The report as people read it, on any terminal and on none."""

import pytest
from rich.cells import cell_len

from chainrule.evaluation.band import Band
from chainrule.evaluation.judgement import Mistake, Score
from chainrule.evaluation.report import assemble_report
from chainrule.evaluation.text import render_text
from tests.evaluation.sets import judgement

BAND = Band(
    setting={"dataset": "small"},
    metric="accuracy",
    mean=0.837,
    standard_deviation=0.003,
    seeds=5,
    machine="two cores",
    seconds=100.0,
    command="chainrule train sentiment",
)
PER_CLASS = [
    {"class": "negative", "precision": 0.838, "recall": 0.845, "f1": 0.841, "support": 1869, "predicted": 1884},
    {"class": "positive", "precision": None, "recall": 0.825, "f1": 0.829, "support": 1746, "predicted": 0},
]


def report(band=BAND, left_out=None, seconds=151.2, **changes):
    parts = {
        "baselines": (
            Score(name="majority class", value=0.517, figures={"accuracy": 0.517, "macro_f1": 0.341}),
            Score(
                name="TF-IDF with logistic regression",
                value=0.834,
                interval=(0.821, 0.846),
                difference=(-0.003, 0.017),
                figures={"accuracy": 0.834, "macro_f1": 0.8335, "log_loss": 0.381},
            ),
        ),
        "figures": {"accuracy": 0.841, "macro_f1": 0.8401, "log_loss": 0.402, "ece": 0.02, "brier_score": 0.3},
        "tables": {"per_class": PER_CLASS},
        "mistakes": (
            Mistake(index=3, input="很好 但是", truth="negative", predicted="positive", probability=0.987),
            Mistake(index=5, input="长" * 200, truth=12.5, predicted=99.0),
        ),
        "notes": ("One class is rare.",),
    }
    return assemble_report(
        judgement(**(parts | changes)),
        recipe="sentiment",
        run="runs/one",
        band=band,
        seconds=seconds,
        steps=1870,
        data={"name": "small", "left_out": left_out or {}},
    )


WHOLE = """\
sentiment: 3,464 test examples, after 1,870 steps in 2 min 31 s

                                  accuracy    95 % interval   macro F1   log loss     ece
this model                           0.841   [0.827, 0.854]      0.840      0.402   0.020
majority class                       0.517                       0.341          –       –
TF-IDF with logistic regression      0.834   [0.821, 0.846]      0.834      0.381       –

Accuracy 0.841 [0.827, 0.854] is within the expected 0.822–0.852;
it cannot be told apart from the baseline, TF-IDF with logistic regression, at 0.834: the difference
is 0.007 [-0.003, 0.017].

class      precision   recall      F1   examples
negative       0.838    0.845   0.841      1,869
positive           –    0.825   0.829      1,746

Worst mistakes:
  positive (99%), in truth negative: 很好 但是
  99.00, in truth 12.50: 长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长…

One class is rare.
Rows left out: 17,753 duplicate, 51 conflicting labels.

runs/one: report.json
"""


def test_the_whole_text():
    found = render_text(report(left_out={"duplicate": 17753, "conflicting labels": 51}))
    assert found == WHOLE


@pytest.mark.parametrize("width", [40, 60, 80, 96, 200])
def test_no_line_is_wider_than_the_terminal(width):
    lines = render_text(report(), width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert any("[0.827, 0.854]" in line for line in lines)


@pytest.mark.parametrize(
    ("band", "code"), [(BAND, "\x1b[32m"), (Band(**(vars(BAND) | {"mean": 0.9})), "\x1b[33m"), (None, "")]
)
def test_colour_stands_only_where_it_is_wanted(band, code):
    coloured = render_text(report(band=band), colour=True)
    assert f"{code}Accuracy 0.841" in coloured
    assert "\x1b" not in render_text(report(band=band))


def test_nothing_is_said_of_what_there_is_not():
    found = render_text(
        report(tables={}, mistakes=(), notes=(), figures={}, baselines=(Score(name="mean", value=0.0),), seconds=5.4)
    )
    assert found == (
        "sentiment: 3,464 test examples, after 1,870 steps in 5 s\n"
        "\n"
        "             accuracy    95 % interval\n"
        "this model      0.841   [0.827, 0.854]\n"
        "mean            0.000\n"
        "\n"
        "Accuracy 0.841 [0.827, 0.854] is within the expected 0.822–0.852;\n"
        "it beats the baseline, mean, at 0.000, by 0.841.\n"
        "\n"
        "runs/one: report.json\n"
    )


def test_of_many_classes_the_worst_are_shown():
    rows = [PER_CLASS[0] | {"class": f"class {index}", "f1": index / 30} for index in range(30)]
    rows[4] = rows[4] | {"f1": None}
    found = render_text(report(tables={"per_class": rows[::-1]}))
    assert "The 20 of 30 classes with the lowest F1; report.json has all:\n" in found
    shown = [line.split()[1] for line in found.splitlines() if line.startswith("class ") and "0.8" in line]
    assert shown == [str(index) for index in range(21) if index != 4]


def test_names_from_files_cannot_command_the_terminal():
    hostile = "\x1b]0;title\x07[red]\nnext"
    found = render_text(
        report(
            tables={"per_class": [PER_CLASS[0] | {"class": hostile}]},
            mistakes=(Mistake(index=0, input=hostile, truth=hostile, predicted=hostile, probability=1.0),),
        ),
        colour=True,
    )
    shown = "\\x1b]0;title\\x07[red] next"
    assert f"{shown} (100%), in truth {shown}: {shown}\n" in found
    assert f"\n{shown} " in found
    assert "\x1b]" not in found
    assert "\x07" not in found
