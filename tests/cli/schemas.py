"""What the JSON of every verb holds, and a check of it.

A schema is a type; None; a list of one schema, for a list of any length; a dict, for an object with exactly these
keys; `AtLeast`, for one that may have more; `MapOf`, for one with any keys; `Either`; or a function that tells
whether a value is right.
"""

import math
from collections.abc import Iterator
from typing import Any


class AtLeast(dict[str, Any]):
    """An object that has these keys, and may have others."""


class MapOf:
    """An object with names of any kind, whose values follow one schema."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema


class Either:
    """A value that follows one of several schemas."""

    def __init__(self, *schemas: Any) -> None:
        self.schemas = schemas


def number(value: Any) -> bool:
    """A number that is neither infinite nor undefined."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole(value: Any) -> bool:
    """A count."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def share(value: Any) -> bool:
    """A number from 0 to 1."""
    return number(value) and 0 <= value <= 1


def text(value: Any) -> bool:
    """A text that is not empty."""
    return isinstance(value, str) and bool(value)


def interval(value: Any) -> bool:
    """Two numbers, the lower first."""
    return isinstance(value, list) and len(value) == 2 and all(map(number, value)) and value[0] <= value[1]


def anything(value: Any) -> bool:
    """Whatever JSON holds."""
    return True


def digest(value: Any) -> bool:
    """A SHA-256 in hexadecimal."""
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


RECIPES = {"recipes": [{"recipe": text, "summary": text, "data": text}]}

RUNS = {
    "runs": [
        {
            "run": text,
            "recipe": text,
            "dataset": text,
            "metric": Either(None, text),
            "value": Either(None, number),
            "interval": Either(None, interval),
            "steps": whole,
            "seconds": number,
            "finished": bool,
            "settings": MapOf(anything),
        }
    ]
}
"""Of `list --runs`."""

CURVES = {
    "recipe": text,
    "dataset": text,
    "figure": text,
    "output": text,
    "groups": [
        {
            "name": str,
            "settings": MapOf(anything),
            "runs": [text],
            "steps": [whole],
            "mean": [number],
            "lowest": [number],
            "highest": [number],
        }
    ],
}
"""Of `curves`."""

REPORT = AtLeast(
    recipe=text,
    run=text,
    metric=text,
    higher_is_better=bool,
    value=number,
    interval=interval,
    baseline=AtLeast(name=text, value=number),
    expected=Either(None, interval),
    within_expected=Either(None, bool),
    seconds=number,
    steps=whole,
)
"""Of `train`, `resume` and `evaluate`."""

SPED = AtLeast(flops_per_step=number, peak_share=Either(None, number))
"""What `train` adds."""

CLASSIFIED_PICTURES = AtLeast(**SPED, views=whole)
"""What `train image-cnn` adds."""

TRANSFERRED = AtLeast(**CLASSIFIED_PICTURES, from_nothing={"value": share, "interval": interval})
"""With `--from`."""

CLASSIFIED = {"predictions": [{"label": text, "probability": share}]}
ESTIMATED = {"predictions": [{"value": number}]}

DATASETS = {
    "datasets": [
        {
            "name": text,
            "kind": text,
            "description": text,
            "licence": text,
            "source": text,
            "cached": bool,
        }
    ]
}

SPLITS = {"train": whole, "validation": whole, "test": whole}

DATASET = {
    "name": text,
    "description": text,
    "kind": lambda value: value in {"text", "pictures", "table", "sequences"},
    "sha256": digest,
    "rows": whole,
    "splits": SPLITS,
    "classes": Either(None, [text]),
    "left_out": MapOf(whole),
    "unreadable": [text],
    "notes": [text],
    "licence": text,
    "source": text,
    "columns": MapOf(text),
    "class_counts": Either(None, MapOf(SPLITS)),
    "target": Either(None, {"least": number, "median": number, "greatest": number}),
    "examples": [AtLeast()],
}
"""Of `data get` and `data show`."""

SPEED = Either(
    {"operations_per_second": number, "result": text, "reason": None},
    {"operations_per_second": None, "result": None, "reason": text},
)

DOCTOR = {
    "versions": MapOf(Either(None, text)),
    "platform": text,
    "processor": {"name": text, "cores": whole, "features": [text]},
    "memory": {"total": Either(None, whole), "available": Either(None, whole)},
    "devices": [{"name": text, "model": text, "memory": Either(None, whole), "fast_bf16": bool}],
    "compute": {"device": text, "precision": text, "threads": whole},
    "disks": [{"purpose": text, "folder": text, "free": whole}],
    "peak": Either(None, number),
    "data_types": [
        {
            "name": text,
            "bits": whole,
            "lowest": number,
            "highest": number,
            "smallest_normal": Either(None, number),
            "epsilon": Either(None, number),
            "decimal_digits": whole,
            "speed": MapOf(SPEED),
        }
    ],
}

DISTANCE = Either(
    {"absolute": number, "relative": number, "agrees": bool},
    {"absolute": None, "relative": None, "agrees": bool},  # of another shape, or not a number
)

COMPARISON = {
    "recipe": text,
    "data": text,
    "seed": whole,
    "examples": whole,
    "precision": lambda value: value in {"fp32", "fp64"},
    "tolerance": number,
    "layers": [
        {
            "layer": text,
            "kind": str,
            "shape": [whole],
            "value": Either(None, DISTANCE),
            "gradient": Either(None, DISTANCE),
            "passed_back": Either(None, DISTANCE),
            "parameters": MapOf(DISTANCE),
        }
    ],
    "agrees": bool,
    "fault": Either(None, {"layer": text, "what": text, "sentence": text}),
}
"""Of `compare-gradients`."""


def check(value: Any, schema: Any) -> None:
    """Asserts that a value, as `json.loads` gives it, follows a schema."""
    problems = list(_problems(value, schema, "$"))
    assert not problems, "; ".join(problems)


def check_report(report: Any) -> None:
    """Asserts that a report has its keys, and that its verdict follows from its figures."""
    check(report, REPORT)
    expected, within = report["expected"], report["within_expected"]
    if expected is None:
        assert within is None, f"within_expected is {within}, and nothing is expected"
    else:
        low, high = expected
        assert within is (low <= report["value"] <= high), f"{report['value']} in {expected} is {within}"


def _problems(value: Any, schema: Any, place: str) -> Iterator[str]:
    kinds = {dict: _problems_of_object, AtLeast: _problems_of_object, MapOf: _problems_of_map, list: _problems_of_list}
    if type(schema) in kinds:
        expected = list if isinstance(schema, list) else dict
        if isinstance(value, expected):
            yield from kinds[type(schema)](value, schema, place)
        else:
            yield f"{place} is {value!r} and no {expected.__name__}"
    elif isinstance(schema, Either):
        found = [list(_problems(value, one, place)) for one in schema.schemas]
        if all(found):
            yield " or ".join(one[0] for one in found)
    elif isinstance(schema, type):
        if not isinstance(value, schema):
            yield f"{place} is {value!r} and no {schema.__name__}"
    elif schema is None:
        if value is not None:
            yield f"{place} is {value!r} and not null"
    elif not schema(value):
        yield f"{place} is {value!r} and no {schema.__name__}"


def _problems_of_object(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    for key, inner in schema.items():
        if key not in value:
            yield f"{place} has no {key!r}"
        else:
            yield from _problems(value[key], inner, f"{place}.{key}")
    if not isinstance(schema, AtLeast):
        yield from (f"{place} has {key!r} beyond its schema" for key in value if key not in schema)


def _problems_of_map(value: dict[str, Any], schema: MapOf, place: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _problems(item, schema.schema, f"{place}.{key}")


def _problems_of_list(value: list[Any], schema: list[Any], place: str) -> Iterator[str]:
    for index, item in enumerate(value):
        yield from _problems(item, schema[0], f"{place}[{index}]")
