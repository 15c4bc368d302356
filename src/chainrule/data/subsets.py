"""A data set cut otherwise: some of its classes, a few labels of each, a smaller validation split."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.dataset import CONTENT, LABEL, Dataset, Examples
from chainrule.data.splits import LEFT_OUT, SPLITS, example_digest
from chainrule.errors import OptionError, UnknownNameError

TRAIN = SPLITS.index("train")
AT_A_TIME = 4096  # examples in memory


def narrowed(
    dataset: Dataset,
    *,
    classes: Sequence[str] = (),
    labels_per_class: int | None = None,
    validation_examples: int | None = None,
) -> Dataset:
    """The same data set with some classes alone, in the order given, and fewer or more of them to learn from.

    Which examples stay is a function of their content, not of a seed: those whose SHA-256 is lowest. The test split
    keeps all of its own.

    Args:
        dataset: with classes.
        classes: those to keep, at least two; all where empty.
        labels_per_class: how many examples of each class the training split keeps at most; all where None.
        validation_examples: how many the validation split keeps, ≥ 1, and those that equal the last of them; the
            others are learned from. All stay where None.

    Raises:
        UnknownNameError: a class is not among those of the data set.
        OptionError: one class alone is named, or one twice; or examples are to be given to learning and taken away.
    """
    if validation_examples is not None and labels_per_class is not None:
        raise OptionError(
            "--validation-examples gives examples to what is learned from, and --labels-per-class takes them away; "
            "leave one of them out."
        )
    if classes:
        dataset = _of_classes(dataset, tuple(classes))
    if validation_examples is not None:
        dataset = _with_few_held_out(dataset, validation_examples)
    if labels_per_class is not None:
        dataset = _with_few_labels(dataset, labels_per_class)
    return dataset


def _of_classes(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    known = dataset.classes or ()
    for name in classes:
        if name not in known:
            raise UnknownNameError("class", name, list(known))
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise OptionError(f"--classes names {', '.join(classes)}; give at least two different classes.")
    new_index = np.full(len(known) + 1, -1, np.int32)  # the last for what has no label
    new_index[[known.index(name) for name in classes]] = np.arange(len(classes))
    labels = new_index[_labels(dataset)]
    place = dataset.rows.schema.get_field_index(LABEL)
    codes = np.where(labels < 0, LEFT_OUT, dataset.split_codes).astype(np.uint8)
    return _left_out(
        replace(
            dataset,
            rows=dataset.rows.set_column(place, dataset.rows.schema.field(place), pa.array(labels)),
            classes=classes,
            notes=(*dataset.notes, f"The classes are {', '.join(classes)} alone, of {len(known)}."),
        ),
        codes,
        "of other classes",
    )


def _with_few_held_out(dataset: Dataset, count: int) -> Dataset:
    held_out = dataset.split("validation")
    if len(held_out) <= count:
        return dataset
    digests = _digests(held_out)
    moved = held_out.row_numbers[digests > np.sort(digests)[count - 1]]  # equal ones stay together
    if not len(moved):
        return dataset
    codes = dataset.split_codes.copy()
    codes[moved] = TRAIN
    note = f"{len(moved):,} examples of the validation split are learned from; {len(held_out) - len(moved):,} stay."
    return replace(dataset, split_codes=codes, notes=(*dataset.notes, note))


def _with_few_labels(dataset: Dataset, count: int) -> Dataset:
    train = dataset.split("train")
    digests, labels = _digests(train), train.labels()
    order = np.lexsort((digests, labels))  # by class, then by digest
    starts = np.searchsorted(labels[order], labels[order])  # where the class of each begins
    spare = train.row_numbers[order[np.arange(len(order)) - starts >= count]]
    codes = dataset.split_codes.copy()
    codes[spare] = LEFT_OUT
    note = f"The training split has at most {count:,} examples of each class."
    return _left_out(replace(dataset, notes=(*dataset.notes, note)), codes, "beyond the labels of a class")


def _left_out(dataset: Dataset, codes: NDArray[np.uint8], reason: str) -> Dataset:
    more = int((codes == LEFT_OUT).sum() - (dataset.split_codes == LEFT_OUT).sum())
    return replace(dataset, split_codes=codes, left_out={**dataset.left_out, **({reason: more} if more else {})})


def _labels(dataset: Dataset) -> NDArray[np.int64]:
    """The class of every row; −1 where it has none."""
    indices: NDArray[np.int64] = dataset.rows.column(LABEL).fill_null(-1).to_numpy().astype(np.int64)
    return indices


def _digests(examples: Examples) -> NDArray[np.bytes_]:
    """SHA-256 of each picture's pixels, (examples,)."""
    assert examples.dataset.kind == "pictures", f"{CONTENT} of other kinds have no pixels"  # noqa: S101
    found = [
        example_digest(picture.tobytes())
        for part in examples.in_parts(AT_A_TIME)
        for picture in examples.pictures(part)
    ]
    return np.array(found, dtype="S32")
