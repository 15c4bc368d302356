"""What a model was taught of its data, so that nothing is guessed of a file that it is scored on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule.data.columns import Choice
from chainrule.data.own_classes import WHOLE, whole_name
from chainrule.data.pictures import Shape
from chainrule.data.records import Records
from chainrule.errors import ColumnError, DataError

SHOWN_CLASSES = 20


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What must be equal in all data of one model."""

    classes: tuple[str, ...] | None = None
    """In the order of their indices; None where it predicts numbers."""
    columns: tuple[tuple[str, tuple[str, ...] | None], ...] = ()
    """Of a table: the name of each column it predicts from, and the categories, None where it holds numbers."""
    picture_shape: Shape | None = None
    """Of pictures: channels, height and width."""

    def indices(self, path: Path, written: Collection[str]) -> Mapping[str, int]:
        """The index of each label as it is written in a file.

        Raises:
            DataError: a label is of none of the classes.
        """
        classes = self.classes or ()
        places = {name: place for place, name in enumerate(classes)}
        if all(WHOLE.fullmatch(name) for name in classes):  # then "1.0" was called "1" in training, too
            names = {label: whole_name(label) if WHOLE.fullmatch(label) else label for label in written}
        else:
            names = {label: label for label in written}
        if unknown := sorted(set(names.values()) - places.keys()):
            more = " …" if len(classes) > SHOWN_CLASSES else ""
            raise DataError(
                f"{path} holds the class {unknown[0]!r}, which the model was not taught; "
                f"its classes are: {', '.join(classes[:SHOWN_CLASSES])}{more}."
            )
        return {label: places[name] for label, name in names.items()}

    def choose(self, records: Records, choice: Choice) -> Choice:
        """What may hold a table's answers: no column that the model predicts from or that training ignored.

        Raises:
            ColumnError: a column that the model predicts from is missing, or was named for the answers.
        """
        names = [name for name, _ in self.columns]
        needed = ", ".join(map(repr, names))
        if missing := [name for name in names if name not in records.names]:
            raise ColumnError(f"{records.path} has no column {missing[0]!r}; the model needs {needed}.")
        answer = choice.label or choice.target
        if answer in names:
            raise ColumnError(
                f"{records.path}: the model predicts from column {answer!r}; name another one for the answers."
            )
        ignored = [name for name in records.names if name in {*choice.ignored, *names} and name != answer]
        return replace(choice, ignored=tuple(ignored))
