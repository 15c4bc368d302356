"""The named tables: a column a feature, then `label` or `target`."""

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data import archives, store
from chainrule.data.dataset import LABEL, TARGET
from chainrule.data.entry import MIB, Entry
from chainrule.data.judge import Judge, table_contents
from chainrule.data.splits import SPLITS

MEASUREMENTS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
CELL_NUCLEI = [*(f"mean {m}" for m in MEASUREMENTS), *(f"{m} error" for m in MEASUREMENTS)] + [
    f"worst {m}" for m in MEASUREMENTS
]
PATIENT = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
TIME_AND_WEATHER = {"season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"}


class Reading(NamedTuple):
    """One table as it was read."""

    features: Mapping[str, pa.Array]
    answer: pa.Array
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    split_codes: NDArray[np.uint8] | None = None
    """One a row where all splits hold the same rows; None where each row's content decides."""


def convert(entry: Entry, key: str) -> None:
    """Reads the data set and stores it as `key`."""
    reading = READERS[entry.name](entry)
    judge = Judge(unique=False)
    for content in table_contents(reading.features):
        judge.see(content)
    codes, left_out = judge.verdict()
    if reading.split_codes is not None:
        codes = reading.split_codes
    batch = pa.record_batch({**reading.features, LABEL if reading.classes else TARGET: reading.answer})
    with store.writing(key, batch.schema) as writer:
        writer.add(batch)
        facts = store.Facts(
            name=entry.name,
            kind="table",
            sha256=entry.sha256,
            classes=reading.classes,
            left_out=left_out,
            notes=reading.notes,
            licence=entry.licence,
            source=entry.source,
            same_splits=reading.split_codes is not None,
        )
        writer.finish(codes, facts)


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]], categories: set[str]) -> dict[str, pa.Array]:
    """Numbers as float64, what is in `categories` as their texts."""
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return {
        name: pa.array(values).dictionary_encode() if name in categories else pa.array(map(float, values), pa.float64())
        for name, values in columns.items()
    }


def _breast_cancer(entry: Entry) -> Reading:
    head, *rows = csv.reader(entry.read_text("breast_cancer.csv").splitlines())
    columns = _columns([*CELL_NUCLEI, LABEL], rows, set())
    label = columns.pop(LABEL).cast(pa.int32())
    return Reading(columns, label, classes=(head[2], head[3]))


def _diabetes(entry: Entry) -> Reading:
    with entry.open_file("diabetes_data_raw.csv.gz") as stream:
        text = archives.gunzip(stream, "diabetes_data_raw.csv.gz", largest=MIB).decode("ascii")
    with entry.open_file("diabetes_target.csv.gz") as stream:
        targets = archives.gunzip(stream, "diabetes_target.csv.gz", largest=MIB).decode("ascii")
    columns = _columns(PATIENT, [line.split() for line in text.splitlines()], {"sex"})
    note = "The measurements are in their own units, not scaled as scikit-learn gives them by default."
    return Reading(columns, pa.array(map(float, targets.split()), pa.float64()), notes=(note,))


def _bike_sharing(entry: Entry) -> Reading:
    head, *rows = csv.reader(entry.read_text("Bikeshare.csv").splitlines())
    columns = _columns(head, rows, TIME_AND_WEATHER)
    target = columns.pop("bikers")
    del columns["casual"], columns["registered"]
    return Reading(columns, target, notes=("casual and registered are left out: their sum is the target.",))


def _points(entry: Entry) -> Reading:
    head, *rows = csv.reader(entry.read_text(f"{entry.name}.csv").splitlines())
    columns = _columns(head, rows, set())
    label = columns.pop(LABEL).cast(pa.int32())
    return Reading(columns, label, classes=("0", "1"))


def _article_points(entry: Entry) -> Reading:
    points = _points(entry)
    count, splits = len(points.answer), len(SPLITS)
    return points._replace(
        features={name: pa.concat_arrays([column] * splits) for name, column in points.features.items()},
        answer=pa.concat_arrays([points.answer] * splits),
        notes=(
            "Every split holds the same three points: the model is scored on the same three points it learned from.",
        ),
        split_codes=np.repeat(np.arange(splits, dtype=np.uint8), count),
    )


READERS: dict[str, Callable[[Entry], Reading]] = {
    "breast-cancer": _breast_cancer,
    "diabetes": _diabetes,
    "bike-sharing": _bike_sharing,
    "article-points": _article_points,
    "two-moons": _points,
    "spirals": _points,
}
