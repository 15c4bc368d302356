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
from chainrule.data.own_features import UnknownCategories, find_features, taught_features
from chainrule.data.records import Batch, Records
from chainrule.data.taught import Taught
from chainrule.errors import ColumnError
from chainrule.runtime import progress

NO_TARGET = "no target"  # why a row is left out
CATEGORY = pa.dictionary(pa.int32(), pa.string())


def convert_table(records: Records, choice: Choice, *, key: str, sha256: str, like: Taught | None = None) -> None:
    """Writes the data set `key`, in passes over the rows: what the columns hold, then their values.

    Args:
        records: the rows.
        choice: the columns the user named.
        key: what the data set is kept as.
        sha256: of the file.
        like: what a model was taught that is to score the rows, all of them.

    Raises:
        ColumnError: the columns cannot be guessed, hold no classes, or hold what is no finite number.
        DataError: no row is left, or one is of a class that `like` has not.
    """
    path = records.path
    if like is not None:
        choice = like.choose(records, choice)
    answer, is_label, notes = choose_answer(records, choice)
    classes = None
    if is_label:
        classes = Classes(path, answer, (b.columns[answer] for b in records.batches([answer])), like)
    if like is None:
        names = [name for name in records.names if name not in {answer, *choice.ignored}]
        columns, against = find_features(records, names)
    else:
        columns, against = taught_features(like), []
    answer_field = pa.field(LABEL, pa.int32()) if is_label else pa.field(TARGET, pa.float64())
    kinds = {name: CATEGORY if categories is not None else pa.float64() for name, categories in columns.items()}
    schema = pa.schema([*kinds.items(), answer_field])
    judge, unknown, answers = Judge(unique=False), UnknownCategories(like), []
    with store.writing(key, schema) as writer, progress.bar(f"reading {path.name}", total=None) as advance:
        for batch in records.batches([*columns, answer]):
            features = {
                name: _numbers(records, batch, name) if kind is None else _categories(batch.columns[name], kind)
                for name, kind in columns.items()
            }
            wanted = (
                classes.indices(batch.columns[answer]) if classes else _numbers(records, batch, answer, " to predict")
            )
            writer.add(pa.record_batch([*features.values(), wanted], schema=schema))
            _judge(judge, features, wanted, NO_LABEL if classes else NO_TARGET)
            unknown.see(features)
            answers.append(wanted)
            advance(len(batch.places))
        codes, left_out = judge.verdict()
        check_splits(path, codes, left_out)
        against += unknown.notes(len(codes))
        if classes and like is None:
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


def _categories(cells: pa.Array, categories: list[str]) -> pa.Array:
    """The cells coded by their places among the categories, to which those are appended that are new."""
    given = present(cells)
    known = set(categories)
    categories += [value for value in pc.unique(given.drop_null()).to_pylist() if value not in known]
    dictionary = pa.array(categories, pa.string())
    return pa.DictionaryArray.from_arrays(pc.index_in(given, value_set=dictionary), dictionary)


def _numbers(records: Records, batch: Batch, name: str, purpose: str = "") -> pa.Array:
    cells = batch.columns[name]
    numbers, others = to_numbers(cells)
    wrong = np.flatnonzero(others | np.isinf(numbers))
    if wrong.size:
        row = int(wrong[0])
        raise ColumnError(
            f"{records.where(batch, row, name)}: {shown(cells[row].as_py())} was found; "
            f"a finite number{purpose} was needed."
        )
    return pa.array(numbers)


def _judge(judge: Judge, features: Mapping[str, pa.Array], answers: pa.Array, reason: str) -> None:
    missing = answers.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    for content, left_out in zip(table_contents(features), missing, strict=True):
        if left_out:
            judge.leave_out(reason)
        else:
            judge.see(content)
