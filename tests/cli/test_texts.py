"""Results as people read them, compared character for character."""

import sys

import pytest

from chainrule.cli import texts
from chainrule.cli.output import aligned, terminal_width


def test_columns_are_aligned_also_where_characters_are_wide():
    assert aligned([("名", "number", "z"), ("long", "7", "é")], right={1}) == ("名    number  z\nlong       7  é\n")


def test_combining_characters_take_no_room():
    assert aligned([("e\u0301", "x"), ("ab", "y")]) == "e\u0301   x\nab  y\n"


def test_no_rows_are_no_lines():
    assert aligned([]) == ""


def test_the_table_of_data_sets():
    entries = [
        {"name": "one", "kind": "text", "description": "the first", "cached": True},
        {"name": "another", "kind": "pictures", "description": "the second", "cached": False},
    ]
    assert texts.datasets(entries) == (
        "DATA SET  KIND      CACHED  WHAT IT IS\n"
        "one       text      yes     the first\n"
        "another   pictures  no      the second\n"
    )


RUN = {
    "run": "runs/toy/a",
    "recipe": "toy",
    "dataset": "digits",
    "metric": "accuracy",
    "value": 0.98765,
    "interval": [0.98, 0.9951],
    "steps": 12000,
    "seconds": 75.5,
    "finished": True,
    "settings": {"seed": 0, "learning_rate": 0.001, "data": None},
}


def test_the_table_of_runs():
    unfinished = {"run": "runs/toy/bc", "metric": None, "value": None, "interval": None, "steps": 40, "seconds": 0.25}
    unfinished |= {"finished": False, "settings": {"seed": 1, "learning_rate": 0.002, "data": "/home/我/数.csv"}}
    other = {"recipe": "other", "run": "x", "settings": {}}
    assert texts.runs([RUN, RUN | unfinished, RUN | other]) == (
        "RECIPE toy\n"
        "RUN          DATA    METRIC     VALUE  INTERVAL         STEPS  SECONDS  STATE       --seed  --learning-rate"
        "  --data\n"
        "runs/toy/a   digits  accuracy  0.9877  [0.98, 0.9951]  12,000     75.5  finished    0       0.001          "
        "  —\n"
        "runs/toy/bc  digits  —              —  —                   40     0.25  unfinished  1       0.002          "
        "  /home/我/数.csv\n"
        "\n"
        "RECIPE other\n"
        "RUN  DATA    METRIC     VALUE  INTERVAL         STEPS  SECONDS  STATE\n"
        "x    digits  accuracy  0.9877  [0.98, 0.9951]  12,000     75.5  finished\n"
    )
    assert "  --from\n" in texts.runs([RUN | {"settings": {"from_": "runs/toy/a"}}])
    assert texts.runs([]) == "There is no run.\n"


def test_the_table_of_curves():
    first = {"name": "", "runs": ["a", "b"], "steps": [700, 1400], "mean": [0.25, 0.98765]}
    first |= {"lowest": [0.125, 0.5], "highest": [0.5, 1.0]}
    drawn = {"recipe": "toy", "dataset": "digits", "figure": "mean_return", "output": "a.png", "groups": [first]}
    assert texts.curves(drawn) == (
        "RUNS  STEPS  MEAN_RETURN  LOWEST  HIGHEST  SETTING\n   2  1,400       0.9877     0.5        1  —\n\na.png\n"
    )
    second = first | {
        "name": "--no-double --lags",
        "runs": ["c"],
        "steps": [7],
        "mean": [2],
        "lowest": [2],
        "highest": [2],
    }
    assert "   1      7            2       2        2  --no-double --lags\n" in texts.curves(
        drawn | {"groups": [first, second]}
    )
    assert texts.curves(drawn | {"figure": "a\x1b[31m"}).startswith("RUNS  STEPS  A\\x1b[31M  LOWEST")


FOUND = {
    "name": "toys",
    "description": "toys of all kinds",
    "kind": "text",
    "sha256": "abc",
    "rows": 12345,
    "splits": {"train": 12000, "validation": 40, "test": 300},
    "left_out": {"duplicate": 5, "empty": 0},
    "licence": "MIT",
    "source": "a shop",
    "notes": ["The encoding is GBK."],
    "class_counts": {
        "good": {"train": 7000, "validation": 11, "test": 13},
        "坏": {"train": 5000, "validation": 3, "test": 2},
    },
    "target": None,
    "examples": [{"label": "good", "text": "很好"}, {"label": "坏", "text": "…"}],
}


def test_a_data_set():
    assert texts.dataset(FOUND) == (
        "data set  toys\n"
        "content   toys of all kinds\n"
        "rows      12,345\n"
        "splits    12,000 train, 40 validation, 300 test\n"
        "left out  5 duplicate\n"
        "licence   MIT\n"
        "source    a shop\n"
        "sha256    abc\n"
        "note      The encoding is GBK.\n"
        "\n"
        "CLASS  TRAIN  VALIDATION  TEST\n"
        "good   7,000          11    13\n"
        "坏     5,000           3     2\n"
    )


def test_a_data_set_for_regression():
    target = {"least": 1.0, "median": 0.125, "greatest": 31}
    found = FOUND | {"class_counts": None, "target": target, "left_out": {}, "notes": []}
    assert texts.dataset(found).splitlines()[4:] == [
        "left out  nothing",
        "licence   MIT",
        "source    a shop",
        "sha256    abc",
        "target    least 1, median 0.125, greatest 31",
    ]


def test_examples_of_text():
    assert texts.examples(FOUND) == "LABEL  TEXT\ngood   很好\n坏     …\n"


def test_examples_of_a_table_stand_side_by_side():
    some = [{"target": 7.0, "hour": 11, "day": "Monday"}, {"target": 0.25, "hour": None, "day": "Sunday"}]
    assert texts.examples({"kind": "table", "examples": some}) == (
        "target       7    0.25\nhour        11       —\nday     Monday  Sunday\n"
    )


def test_examples_of_pictures_are_drawn():
    some = [{"label": "1", "picture": [" # ", " # "]}, {"label": "0", "picture": ["###"]}]
    assert texts.examples({"kind": "pictures", "examples": some}) == "LABEL 1\n #\n #\n\nLABEL 0\n###\n"


def test_examples_of_sequences():
    some = [{"label": "a", "steps": 7, "first_step": [0.5, -1.25]}]
    assert (
        texts.examples({"kind": "sequences", "examples": some})
        == "LABEL  STEPS  FIRST_STEP\na      7      0.5, -1.25\n"
    )


DIAGNOSIS = {
    "versions": {"python": "3.11.7", "torch": "2.13.0", "tensorboard": None},
    "platform": "Linux",
    "processor": {"name": "Abacus 3000", "cores": 2, "features": ["avx2", "fma"]},
    "memory": {"total": 8 * 2**30, "available": 3 * 2**29},
    "devices": [
        {"name": "cuda", "model": "Big GPU", "memory": 80 * 2**30, "fast_bf16": True},
        {"name": "cpu", "model": "Abacus 3000", "memory": None, "fast_bf16": False},
    ],
    "compute": {"device": "cuda", "precision": "bf16", "threads": 2},
    "disks": [{"purpose": "cache", "folder": "/c", "free": 2**40}, {"purpose": "runs", "folder": "/r", "free": 0}],
    "peak": 1234.5e9,
    "data_types": [
        {
            "name": "float32",
            "bits": 32,
            "lowest": -3.4028235e38,
            "highest": 3.4028235e38,
            "smallest_normal": 1.1754944e-38,
            "epsilon": 2.0**-23,
            "decimal_digits": 6,
            "speed": {
                "cuda": {"operations_per_second": 5.04e13, "result": "float32", "reason": None},
                "cpu": {"operations_per_second": 2.5e11, "result": "float32", "reason": None},
            },
        },
        {
            "name": "int8",
            "bits": 8,
            "lowest": -128,
            "highest": 127,
            "smallest_normal": None,
            "epsilon": None,
            "decimal_digits": 2,
            "speed": {
                "cuda": {"operations_per_second": None, "result": None, "reason": "no int8 on cuda"},
                "cpu": {"operations_per_second": 7e9, "result": "int32", "reason": None},
            },
        },
    ],
}


def test_a_diagnosis():
    assert texts.diagnosis(DIAGNOSIS) == (
        "python       3.11.7\n"
        "torch        2.13.0\n"
        "tensorboard  not installed\n"
        "platform     Linux\n"
        "processor    Abacus 3000, 2 cores with avx2, fma\n"
        "memory       1.5 GiB free of 8.0 GiB\n"
        "device cuda  Big GPU, 80.0 GiB\n"
        "device cpu   Abacus 3000, —\n"
        "disk         1,024.0 GiB free for cache in /c\n"
        "disk         0.0 GiB free for runs in /r\n"
        "auto means   --device cuda --precision bf16 --threads 2\n"
        "peak         1,234.5 GFLOP/s in products and convolutions\n"
        "\n"
        "TYPE     BITS    LOWEST  HIGHEST  SMALLEST   EPSILON  DIGITS  CUDA G/S  CPU G/S\n"
        "float32    32  -3.4e+38  3.4e+38  1.18e-38  1.19e-07       6  50,400.0    250.0\n"
        "int8        8      -128      127         —         —       2         —      7.0\n"
        "\n"
        "SMALLEST: the smallest positive number of full precision.\n"
        "G/S: billions of additions and multiplications a second in products of matrices.\n"
        "— no int8 on cuda\n"
        "int8 on cpu: summed in int32.\n"
    )


def test_a_diagnosis_without_a_peak():
    told = texts.diagnosis(DIAGNOSIS | {"peak": None})
    assert "\npeak         —\n" in told


def test_tf32_is_summed_in_float32_as_everyone_expects():
    speed = {"cuda": {"operations_per_second": 1e12, "result": "float32", "reason": None}}
    entry = DIAGNOSIS["data_types"][0] | {"name": "tf32", "speed": speed}
    assert "summed" not in texts.data_types([entry])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (7, "7"),
        (-9999999, "-9,999,999"),
        (12345678, "1.235e+07"),
        (2.0, "2"),
        (0.98765, "0.9877"),
        ([1.5, None, "x"], "1.5, —, x"),
        (True, "True"),
        ("text", "text"),
    ],
)
def test_values_in_few_characters(value, text):
    assert texts.shown(value) == text


def test_without_a_terminal_lines_have_a_hundred_columns(monkeypatch, tmp_path):
    monkeypatch.delenv("COLUMNS", raising=False)
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr(sys, "__stdout__", file)
        assert terminal_width() == 100
