"""A user's table, converted to a data set."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chainrule.data import store
from chainrule.data.cells import present, shown, to_numbers
from chainrule.data.columns import Choice, choose_answer
from chainrule.data.dataset import LABEL, TARGET
from chainrule.data.judge import Judge, table_contents
from chainrule.data.own_classes import NO_LABEL, Classes, check_splits, class_notes
from chainrule.data.own_features import find_features
from chainrule.data.records import Batch, Records
from chainrule.errors import ColumnError
from chainrule.runtime import progress

NO_TARGET = "no target"  # why a row is left out
CATEGORY = pa.dictionary(pa.int32(), pa.string())


def convert_table(records: Records, choice: Choice, *, key: str, sha256: str) -> None:
    """Writes the data set `key`, in passes over the rows: what the columns hold, then their values.

    Args:
        records: the rows.
        choice: the columns the user named.
        key: what the data set is kept as.
        sha256: of the file.

    Raises:
        ColumnError: the columns cannot be guessed, hold no classes, or hold what is no finite number.
        DataError: no row is left.
    """
    path = records.path
    answer, is_label, notes = choose_answer(records, choice)
    classes = None
    if is_label:
        classes = Classes(path, answer, (b.columns[answer] for b in records.batches([answer])))
    names = [name for name in records.names if name not in {answer, *choice.ignored}]
    columns, against = find_features(records, names)
    answer_field = pa.field(LABEL, pa.int32()) if is_label else pa.field(TARGET, pa.float64())
    kinds = {name: CATEGORY if categories is not None else pa.float64() for name, categories in columns.items()}
    schema = pa.schema([*kinds.items(), answer_field])
    judge, answers = Judge(unique=False), []
    with store.writing(key, schema) as writer, progress.bar(f"reading {path.name}", total=None) as advance:
        for batch in records.batches([*columns, answer]):
            features = {name: _values(batch.columns[name], kind) for name, kind in columns.items()}
            wanted = classes.indices(batch.columns[answer]) if classes else _targets(records, batch, answer)
            writer.add(pa.record_batch([*features.values(), wanted], schema=schema))
            _judge(judge, features, wanted, NO_LABEL if classes else NO_TARGET)
            answers.append(wanted)
            advance(len(batch.places))
        codes, left_out = judge.verdict()
        check_splits(path, codes, left_out)
        if classes:
            labels = pa.chunked_array(answers).fill_null(-1).to_numpy()
            notes += class_notes(classes.names, labels, codes)
        facts = store.Facts(
            name=path.name,
            kind="table",
            sha256=sha256,
            classes=classes.names if classes else None,
            left_out=left_out,
            notes=(*records.notes, *notes, *against),
            source=str(path),
        )
        writer.finish(codes, facts)


def _values(cells: pa.Array, categories: list[str] | None) -> pa.Array:
    if categories is None:
        return pa.array(to_numbers(cells)[0])
    dictionary = pa.array(categories, pa.string())
    return pa.DictionaryArray.from_arrays(pc.index_in(present(cells), value_set=dictionary), dictionary)


def _targets(records: Records, batch: Batch, name: str) -> pa.Array:
    cells = batch.columns[name]
    numbers, others = to_numbers(cells)
    wrong = np.flatnonzero(others | np.isinf(numbers))
    if wrong.size:
        row = int(wrong[0])
        raise ColumnError(
            f"{records.where(batch, row, name)}: {shown(cells[row].as_py())} was found; "
            "a finite number to predict was needed."
        )
    return pa.array(numbers)


def _judge(judge: Judge, features: Mapping[str, pa.Array], answers: pa.Array, reason: str) -> None:
    missing = answers.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    for content, left_out in zip(table_contents(features), missing, strict=True):
        if left_out:
            judge.leave_out(reason)
        else:
            judge.see(content)
