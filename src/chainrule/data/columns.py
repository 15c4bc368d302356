"""Which columns of a user's file mean what: as the user says, or guessed where it is plain."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import numpy as np
import pyarrow.compute as pc

from chainrule.data.cells import present, to_numbers
from chainrule.data.records import Batch, Records, unnamed
from chainrule.errors import ColumnError, OptionError

Answer = Literal["classes", "numbers"]

# Names by which columns are known, the plainest first.
TEXTS = (
    {"text", "文本"},
    {"review", "sentence", "content", "comment", "评论", "评价", "内容", "句子", "留言"},
    {"reviews", "sentences", "contents", "comments", "body", "message", "正文"},
)
LABELS = (
    {"label", "标签"},
    {"labels", "sentiment", "class", "category", "类别", "分类", "情感"},
)
ANSWERS = ({"target", "目标"}, {"y"})  # in a table: labels or numbers to predict, as the values say
LONG = 20  # characters of a text, on average, that no label has
FEW_VALUES = 20  # as many different whole numbers may be labels
SHOWN_NAMES = 12


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The columns as the user named them; None where they are to be guessed."""

    text: str | None = None
    sequence: str | None = None
    label: str | None = None
    target: str | None = None
    ignored: tuple[str, ...] = ()
    answer: Answer | None = None
    """Whether a table's answers are classes or numbers; None where the columns' names and values are to tell."""

    def check(self, records: Records) -> None:
        """Checks that all named columns are there, and that none is named twice.

        Raises:
            ColumnError: a column is not there.
            OptionError: one column was named for two things.
        """
        flags = {
            "--text-column": self.text,
            "--sequence-column": self.sequence,
            "--label-column": self.label,
            "--target-column": self.target,
        }
        named = [(flag, name) for flag, name in flags.items() if name is not None]
        named += [("--ignore-columns", name) for name in self.ignored]
        used: dict[str, str] = {}
        for flag, name in named:
            if name not in records.names:
                near = get_close_matches(name, records.names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"its columns are {listed(records.names)}."
                raise ColumnError(f"{records.path} has no column {name!r} ({flag}); {hint}")
            if name in used:
                raise OptionError(f"column {name!r} was named for both {used[name]} and {flag}; choose one.")
            used[name] = flag


def listed(names: Sequence[str]) -> str:
    """Names as a message lists them."""
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(repr, names[:SHOWN_NAMES])) + more


def choose_text(records: Records, choice: Choice) -> tuple[str, str, tuple[str, ...]]:
    """The text's column, the label's, and a note where one of them was guessed.

    Raises:
        ColumnError: a column is missing, or it is not plain which one is meant.
    """
    choice.check(records)
    label = choice.label or known_name(records, LABELS, {choice.text, *choice.ignored}, "--label-column")
    text = choice.text or guess_text(records, {label, *choice.ignored})
    taken = {text, label, *choice.ignored}
    rest = [name for name in records.names if name not in taken and not unnamed(name)]
    if label is None and text is not None and len(rest) == 1:
        label = rest[0]
    if text is None or label is None:
        missing = "text" if text is None else "label"
        raise ColumnError(
            f"{records.path} has the columns {listed(records.names)}, and it is not plain which is the "
            f"{missing}; choose with --text-column and --label-column."
        )
    guessed = choice.text is None or choice.label is None
    note = f"Using column {text!r} as text and {label!r} as label; choose others with --text-column and --label-column."
    return text, label, (note,) if guessed else ()


def guess_text(records: Records, taken: Collection[str | None]) -> str | None:
    """The column of texts, None where it is not plain.

    Args:
        records: the rows.
        taken: columns that mean something else.

    Raises:
        ColumnError: several columns have names that texts have.
    """
    free = [name for name in records.names if name not in taken and not unnamed(name)]
    named = known_name(records, TEXTS, taken, "--text-column")
    return named or (_only_text(next(records.batches(free))) if free else None)


def choose_answer(records: Records, choice: Choice) -> tuple[str, bool, tuple[str, ...]]:
    """What is to be predicted from a table: its column, whether it holds labels, and a note on a guess.

    Raises:
        ColumnError: a column is missing, or it is not plain which one is meant.
    """
    choice.check(records)
    if choice.answer == "classes" and choice.target is not None:
        raise OptionError("--target-column is for numbers, and classes are predicted here; give --label-column.")
    if choice.answer == "numbers" and choice.label is not None:
        raise OptionError("--label-column is for classes, and numbers are predicted here; give --target-column.")
    if choice.label is not None and choice.target is not None:
        raise OptionError("--label-column and --target-column were both given; a table has one of them.")
    if choice.label is not None:
        return choice.label, True, ()
    if choice.target is not None:
        return choice.target, False, ()
    both = "--label-column or --target-column"
    flags = {"classes": "--label-column", "numbers": "--target-column", None: both}[choice.answer]
    name = known_name(records, (*ANSWERS, *LABELS), set(choice.ignored), flags)
    if name is None:
        raise ColumnError(
            f"{records.path} has the columns {listed(records.names)}, and it is not plain which is to be "
            f"predicted; choose with {flags}."
        )
    if choice.answer is not None:
        return name, choice.answer == "classes", (f"Using column {name!r}; choose another with {flags}.",)
    is_label = any(name.casefold() in known for known in LABELS) or _holds_labels(records, name)
    role, other = ("label", "target") if is_label else ("target", "label")
    note = f"Using column {name!r} as {role}; choose another with --{role}-column or --{other}-column."
    return name, is_label, (note,)


def known_name(
    records: Records, known: Sequence[Collection[str]], taken: Collection[str | None], flag: str
) -> str | None:
    """The column with the plainest of the known names, None where there is none."""
    for names in known:
        found = [name for name in records.names if name not in taken and name.casefold() in names]
        if len(found) > 1:
            raise ColumnError(f"{records.path} has the columns {listed(found)}; choose one with {flag}.")
        if found:
            return found[0]
    return None


def _only_text(sample: Batch) -> str | None:
    """The only column that is no number, or the only one with long values."""
    lengths = {}
    for name, cells in sample.columns.items():
        if to_numbers(cells)[1].any():
            lengths[name] = pc.mean(pc.utf8_length(present(cells))).as_py()
    if len(lengths) > 1:
        lengths = {name: length for name, length in lengths.items() if length >= LONG}
    return next(iter(lengths)) if len(lengths) == 1 else None


def _holds_labels(records: Records, name: str) -> bool:
    """Whether the values are names, or few different whole numbers."""
    numbers, others = to_numbers(next(records.batches([name])).columns[name])
    values = np.unique(numbers[np.isfinite(numbers)])
    return bool(others.any()) or (len(values) <= FEW_VALUES and bool((values % 1 == 0).all()))
