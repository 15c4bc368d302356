"""The classes of a user's data: their names, their order, and what is wrong with them."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chainrule.data.cells import LONGEST_NAME, NUMBER, longest, present
from chainrule.data.splits import LEFT_OUT, SPLITS
from chainrule.errors import ColumnError, DataError

if TYPE_CHECKING:
    from chainrule.data.taught import Taught

MOST = 1000
FEWEST = 2  # training examples of a class
WHOLE = re.compile(r"-?(0|[1-9]\d*)(\.0*)?")
NO_LABEL = "no label"  # why a row is left out
SHOWN = 5


class Classes:
    """The classes of a column of labels, in order: numbers by value, other names by their characters.

    Attributes:
        names: of the classes, by index. Whole numbers are named without a fraction: "1" for "1.0".
    """

    def __init__(self, path: Path, column: str, labels: Iterable[pa.Array], like: "Taught | None" = None) -> None:
        """Goes through all labels.

        Args:
            path: of the file.
            column: the labels' name in it.
            labels: all of them.
            like: what a model was taught, where the labels are to be of its classes.

        Raises:
            ColumnError: there are less than two classes, or so many that they are no classes.
            DataError: a label is of none of the classes of `like`.
        """
        found: set[str] = set()
        for cells in labels:
            given = present(cells).drop_null()
            if (length := longest(given)) > LONGEST_NAME:
                raise ColumnError(
                    f"{path}: column {column!r} holds a label of {length:,} characters, which looks like "
                    "text; choose the column of the classes with --label-column."
                )
            found.update(pc.unique(given).to_pylist())
            if len(found) > MOST:
                raise ColumnError(
                    f"{path}: column {column!r} holds more than {MOST:,} different labels; choose the column "
                    "of the classes with --label-column, or in a table predict numbers with --target-column."
                )
        self.names, self._indices = named_classes(found)
        if like is not None:
            self.names, self._indices = like.classes or (), like.indices(path, found)
        self._written = pa.array(list(self._indices), pa.string())
        if like is None and len(self.names) < 2:
            what = f"holds the label {self.names[0]!r} alone" if self.names else "holds no label"
            raise ColumnError(f"{path}: column {column!r} {what}; at least two classes were needed.")

    def indices(self, cells: pa.Array) -> pa.Array:
        """The class of each label, int32, null where there is none."""
        found = pc.index_in(present(cells), value_set=self._written)
        return pa.array(list(self._indices.values()), pa.int32()).take(found)


def named_classes(written: Iterable[str]) -> tuple[tuple[str, ...], Mapping[str, int]]:
    """The names of the classes in their order, and the index of each label as it is written in the data."""
    labels = sorted(written)
    if all(re.match(NUMBER, label) for label in labels):
        labels.sort(key=float)
    whole = all(WHOLE.fullmatch(label) for label in labels)
    names = {label: whole_name(label) if whole else label for label in labels}
    order = {name: index for index, name in enumerate(dict.fromkeys(names.values()))}
    return tuple(order), {label: order[name] for label, name in names.items()}


def whole_name(label: str) -> str:
    """What a class is called that is a whole number: "1" for "1.0"."""
    return str(int(label.partition(".")[0]))


def picture_classes(
    path: Path, found: Collection[str], like: "Taught | None" = None
) -> tuple[tuple[str, ...], Mapping[str, int]]:
    """What `named_classes` says of the labels of pictures, or what a model was taught of them.

    Raises:
        ColumnError: there are less than two classes, or so many that they are no classes.
        DataError: a label is of none of the classes of `like`.
    """
    if like is not None:
        return like.classes or (), like.indices(path, found)
    if not 2 <= len(found) <= MOST:
        raise ColumnError(
            f"{path} holds pictures of {len(found):,} classes; 2 to {MOST:,} were needed, in a folder "
            "a folder of pictures for each of them, as in cats/1.jpg and dogs/1.jpg."
        )
    return named_classes(found)


def check_splits(path: Path, codes: NDArray[np.uint8], left_out: Mapping[str, int]) -> None:
    """Checks that a row is left; a file that is only scored need not fill every split.

    Raises:
        DataError: there is none.
    """
    if (codes == LEFT_OUT).all():
        why = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        raise DataError(
            f"{path}: none of its {len(codes):,} rows is left"
            f"{f' (left out: {why})' if why else ''}; about 50 rows fill every split."
        )


def class_notes(names: Sequence[str], labels: NDArray[np.int32], codes: NDArray[np.uint8]) -> tuple[str, ...]:
    """A note on the classes that are too small to be learned."""
    counts = np.bincount(labels[codes == SPLITS.index("train")], minlength=len(names))
    small = [name for name, count in zip(names, counts, strict=True) if count < FEWEST]
    if not small:
        return ()
    more = " …" if len(small) > SHOWN else ""
    note = f"{len(small):,} of {len(names):,} classes have less than {FEWEST} training examples: "
    return (note + ", ".join(map(repr, small[:SHOWN])) + more + ".",)
