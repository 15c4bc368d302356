"""What is given to a model to answer."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import DataError


def listed(inputs: Iterable[Any]) -> list[Any]:
    """The inputs as a list.

    Raises:
        DataError: a single input was given, whose characters or keys would be taken for inputs.
    """
    if isinstance(inputs, str | bytes | Path | Mapping) or not isinstance(inputs, Iterable):
        raise DataError(f"a single {type(inputs).__name__} was given; give a list of inputs, also where it is one.")
    return list(inputs)
