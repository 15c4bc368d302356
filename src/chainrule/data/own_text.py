"""A user's texts with a label each, converted to a data set."""

import numpy as np
import pyarrow as pa

from chainrule.data import store
from chainrule.data.columns import Choice, choose_text
from chainrule.data.dataset import CONTENT, LABEL
from chainrule.data.judge import Judge
from chainrule.data.own_classes import NO_LABEL, Classes, check_splits, class_notes
from chainrule.data.records import Records
from chainrule.data.taught import Taught
from chainrule.runtime import progress

SCHEMA = pa.schema({CONTENT["text"]: pa.large_string(), LABEL: pa.int32()})


def convert_text(records: Records, choice: Choice, *, key: str, sha256: str, like: Taught | None = None) -> None:
    """Writes the data set `key`, in two passes over the rows: the classes first.

    Args:
        records: the rows.
        choice: the columns the user named.
        key: what the data set is kept as.
        sha256: of the file.
        like: what a model was taught that is to score the texts, all of them.

    Raises:
        ColumnError: the columns cannot be guessed, or hold no classes.
        DataError: no row is left, or one is of a class that `like` has not.
    """
    path = records.path
    text, label, notes = choose_text(records, choice)
    classes = Classes(path, label, (batch.columns[label] for batch in records.batches([label])), like)
    judge, labels = Judge(unique=like is None), [np.empty(0, np.int32)]
    with store.writing(key, SCHEMA) as writer, progress.bar(f"reading {path.name}", total=None) as advance:
        for batch in records.batches([text, label]):
            texts = batch.columns[text].fill_null("").cast(pa.large_string())
            indices = classes.indices(batch.columns[label])
            writer.add(pa.record_batch([texts, indices], schema=SCHEMA))
            for words, index in zip(texts.to_pylist(), indices.to_pylist(), strict=True):
                if index is None:
                    judge.leave_out(NO_LABEL)
                else:
                    judge.see_text(words, index)
            labels.append(indices.fill_null(-1).to_numpy())
            advance(len(batch.places))
        codes, left_out = judge.verdict()
        check_splits(path, codes, left_out)
        small = () if like else class_notes(classes.names, np.concatenate(labels), codes)
        facts = store.Facts(
            name=path.name,
            kind="text",
            sha256=sha256,
            classes=classes.names,
            left_out=left_out,
            notes=(*records.notes, *notes, *small),
            source=str(path),
        )
        writer.finish(codes, facts)
