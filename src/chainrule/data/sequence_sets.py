"""The named sets of sequences: a list of steps, each of as many float32 values, with a label."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data import store
from chainrule.data.dataset import CONTENT, LABEL
from chainrule.data.entry import Entry
from chainrule.data.judge import Judge, published_codes
from chainrule.data.list_columns import large_lists

SPEAKERS = tuple("123456789")


def convert(entry: Entry, key: str) -> None:
    """Reads the data set and stores it as `key`."""
    training, test = (_read(entry, f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST"))
    sequences, labels = zip(*training, *test, strict=True)
    judge = Judge(unique=False)
    for sequence in sequences:
        judge.see(sequence.astype("<f4").tobytes())
    codes, left_out = judge.verdict()
    in_test = np.arange(len(sequences)) >= len(training)
    lists = large_lists(np.concatenate(sequences), np.array([len(sequence) for sequence in sequences]))
    batch = pa.record_batch({CONTENT["sequences"]: lists, LABEL: pa.array(labels, pa.int32())})
    with store.writing(key, batch.schema) as writer:
        writer.add(batch)
        facts = store.Facts(
            name=entry.name,
            kind="sequences",
            sha256=entry.sha256,
            classes=SPEAKERS,
            left_out=left_out,
            licence=entry.licence,
            source=entry.source,
        )
        writer.finish(published_codes(codes, in_test), facts)


def _read(entry: Entry, name: str) -> list[tuple[NDArray[np.float32], int]]:
    """Sequences (time, values) and their classes from a file in the .ts format.

    A line is a sequence: the course of each value over time, in commas; then the class; colons between them.
    """
    examples = []
    for line in entry.read_text(name).splitlines():
        if line and not line.startswith(("#", "@")):
            *courses, speaker = line.split(":")
            values = np.array([course.split(",") for course in courses], np.float32)  # (values, time)
            examples.append((values.T, SPEAKERS.index(speaker)))
    return examples
