"""A user's sequences with a label each, converted to a data set."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pyarrow as pa

from chainrule.data import store
from chainrule.data.columns import Choice
from chainrule.data.dataset import CONTENT, LABEL
from chainrule.data.judge import Judge
from chainrule.data.list_columns import large_lists
from chainrule.data.own_classes import NO_LABEL, Classes, check_splits, class_notes
from chainrule.data.records import Records, SequenceBatch
from chainrule.data.sequence_columns import choose_sequence
from chainrule.data.taught import Taught
from chainrule.runtime import progress


def convert_sequences(records: Records, choice: Choice, *, key: str, sha256: str, like: Taught | None = None) -> None:
    """Writes the data set `key`, in two passes over the rows: the labels first.

    Args:
        records: the rows, in a format that can hold sequences.
        choice: the columns the user named.
        key: what the data set is kept as.
        sha256: of the file.
        like: what a model was taught that is to score the sequences, all of them.

    Raises:
        ColumnError: the columns cannot be guessed, or hold no sequences or no classes.
        DataError: no row is left, or one is of a class that `like` has not.
    """
    path = records.path
    sequence, label, notes = choose_sequence(records, choice)
    assert records.sequences is not None, "the format has no lists"  # noqa: S101
    classes, labels = _labels(records, label, like)
    batches = records.sequences(sequence)
    first = next(batches)
    values = pa.list_(pa.float32(), first.steps.shape[1])
    schema = pa.schema({CONTENT["sequences"]: pa.large_list(values), LABEL: pa.int32()})
    judge, done = Judge(unique=False), 0
    with store.writing(key, schema) as writer, progress.bar(f"reading {path.name}", total=len(labels)) as advance:
        for batch in chain([first], batches):
            count = len(batch.lengths)
            indices = labels.slice(done, count)
            writer.add(pa.record_batch([large_lists(*batch), indices], schema=schema))
            _judge(judge, batch, indices)
            done += count
            advance(count)
        codes, left_out = judge.verdict()
        check_splits(path, codes, left_out)
        small = () if like else class_notes(classes.names, labels.fill_null(-1).to_numpy(), codes)
        facts = store.Facts(
            name=path.name,
            kind="sequences",
            sha256=sha256,
            classes=classes.names,
            left_out=left_out,
            notes=(*records.notes, *notes, *small),
            source=str(path),
        )
        writer.finish(codes, facts)


def _labels(records: Records, name: str, like: Taught | None) -> tuple[Classes, pa.Array]:
    """The classes, and the index of each row's, int32, null where it has none."""
    coded: list[pa.DictionaryArray] = []

    def cells() -> Iterator[pa.Array]:
        for batch in records.batches([name]):
            coded.append(batch.columns[name].dictionary_encode())  # in little memory: few labels differ
            yield batch.columns[name]

    classes = Classes(records.path, name, cells(), like)
    return classes, pa.concat_arrays([classes.indices(part.dictionary).take(part.indices) for part in coded])


def _judge(judge: Judge, batch: SequenceBatch, indices: pa.Array) -> None:
    sequences = np.split(batch.steps.astype("<f4", copy=False), np.cumsum(batch.lengths)[:-1])
    for sequence, index in zip(sequences, indices.to_pylist(), strict=True):
        if index is None:
            judge.leave_out(NO_LABEL)
        else:
            judge.see(sequence.tobytes())
