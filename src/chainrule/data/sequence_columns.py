"""Which columns of a user's file hold sequences and their labels: as the user says, or guessed where it is plain."""

from collections.abc import Collection

from chainrule.data.columns import ANSWERS, LABELS, Choice, known_name, listed
from chainrule.data.records import Records, unnamed
from chainrule.errors import ColumnError

# Names by which columns are known, the plainest first.
SEQUENCES = (
    {"sequence", "序列"},
    {"sequences", "steps", "values", "series", "x"},
)


def choose_sequence(records: Records, choice: Choice) -> tuple[str, str, tuple[str, ...]]:
    """The sequences' column, the labels', and a note where one of them was guessed.

    Raises:
        ColumnError: a column is missing, or it is not plain which one is meant.
    """
    choice.check(records)
    sequence = choice.sequence or guess_sequence(records, {choice.label, *choice.ignored})
    taken = {sequence, *records.lists, *choice.ignored}
    label = choice.label or known_name(records, (*LABELS, *ANSWERS), taken, "--label-column")
    rest = [name for name in records.names if name not in taken and not unnamed(name)]
    if label is None and len(rest) == 1:
        label = rest[0]
    if sequence is None or label is None:
        missing = "sequence" if sequence is None else "label"
        raise ColumnError(
            f"{records.path} has the columns {listed(records.names)}, and it is not plain which is the "
            f"{missing}; choose with --sequence-column and --label-column."
        )
    guessed = choice.sequence is None or choice.label is None
    note = (
        f"Using column {sequence!r} as sequence and {label!r} as label; "
        "choose others with --sequence-column and --label-column."
    )
    return sequence, label, (note,) if guessed else ()


def guess_sequence(records: Records, taken: Collection[str | None]) -> str | None:
    """The column of sequences, None where it is not plain.

    Args:
        records: the rows.
        taken: columns that mean something else.

    Raises:
        ColumnError: there is no column of lists, or several have names that sequences have.
    """
    free = [name for name in records.lists if name not in taken]
    if not free:
        raise ColumnError(
            f"{records.path} has no column of lists; a list of steps a row was needed, such as [[0.1, 2], [0.3, 1]]."
        )
    others = {name for name in records.names if name not in free}
    return known_name(records, SEQUENCES, others, "--sequence-column") or (free[0] if len(free) == 1 else None)
