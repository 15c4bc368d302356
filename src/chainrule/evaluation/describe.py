"""One test example as a line of text, for the list of the worst mistakes."""

from collections.abc import Callable

import numpy as np

from chainrule.data.dataset import Examples
from chainrule.evaluation.wording import one_line

MOST_CHARACTERS = 200


def describer(examples: Examples) -> Callable[[int], str]:
    """A function that describes the example at a place in the split.

    A text is shown itself, a table's row by its columns; pictures and sequences by the number of their row in
    the origin, counted from 1, since a line of text cannot show them.
    """

    def describe(index: int) -> str:
        place = np.array([index])
        row = int(examples.row_numbers[index]) + 1
        match examples.dataset.kind:
            case "text":
                return one_line(examples.texts(place)[0], MOST_CHARACTERS)
            case "table":
                values = {name: column.to_pylist()[0] for name, column in examples.features(place).items()}
                shown = ", ".join(f"{name} {_value_text(value)}" for name, value in values.items())
                return one_line(shown, MOST_CHARACTERS)
            case "sequences":
                return f"row {row}, {len(examples.sequences(place)[0])} steps"
            case "pictures":
                return f"row {row}"

    return describe


def _value_text(value: float | str | None) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return "missing"
    return value if isinstance(value, str) else f"{value:g}"
