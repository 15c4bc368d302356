"""The named tables: a column a feature, then `label` or `target`."""

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from chainrule.data import archives, store
from chainrule.data.dataset import LABEL, TARGET
from chainrule.data.entry import MIB, Entry
from chainrule.data.judge import Judge, table_contents

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


def convert(entry: Entry, key: str) -> None:
    """Reads the data set and stores it as `key`."""
    reading = READERS[entry.name](entry)
    judge = Judge(unique=False)
    for content in table_contents(reading.features):
        judge.see(content)
    codes, left_out = judge.verdict()
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


READERS: dict[str, Callable[[Entry], Reading]] = {
    "breast-cancer": _breast_cancer,
    "diabetes": _diabetes,
    "bike-sharing": _bike_sharing,
}
