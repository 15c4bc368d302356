"""The data of a run: a named data set, or a file of the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.data.columns import Answer
from chainrule.data.dataset import Dataset, Kind
from chainrule.errors import OptionError


def open_examples(
    dataset: str | None, data: Path | None, *, kind: Kind, answer: Answer = "classes", **columns: Any
) -> Dataset:
    """Opens either of the two.

    Args:
        dataset: the name of a data set.
        data: a file or folder instead.
        kind: what the examples must be.
        answer: what is to be predicted.
        columns: what `read_own` takes on the columns of an own file; of no use for a named data set.

    Raises:
        OptionError: the data set is of another kind, or columns were named for a named data set.
        DataError: it cannot be had or read.
    """
    if data is not None:
        from chainrule.data.own_files import read_own

        return read_own(data, kind=kind, answer=answer if kind == "table" else None, **columns)
    from chainrule.data.catalog import describe, names, open_dataset

    refuse_columns(columns)
    name = dataset or ""
    if describe(name).kind != kind:
        fitting = ", ".join(other for other in names() if describe(other).kind == kind)
        raise OptionError(
            f"data set {name!r} holds {describe(name).kind}, this recipe takes {kind}; fitting are: {fitting}."
        )
    opened = open_dataset(name)
    if (opened.classes is None) != (answer == "numbers"):
        raise OptionError(
            f"data set {name!r} holds {'numbers' if opened.classes is None else 'classes'} to predict, "
            f"this recipe predicts {answer}; `chainrule data list` shows the others."
        )
    return opened


def refuse_columns(columns: Mapping[str, Any]) -> None:
    """A named data set knows its columns.

    Raises:
        OptionError: some were named.
    """
    if given := [name for name, value in columns.items() if value]:
        flag = given[0].replace("_", "-")
        raise OptionError(f"--{flag} is for files of your own; name the file with --data.")
