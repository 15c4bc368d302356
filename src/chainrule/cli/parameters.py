"""Flags that several commands have."""

from typing import Annotated

from cyclopts import Parameter

Json = Annotated[
    bool,
    Parameter(
        name="--json",
        negative=(),
        show_default=False,
        help="Print the result as one JSON object on standard output, and nothing else there.",
    ),
]
