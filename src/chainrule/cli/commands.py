"""The commands with flags of their own; what they print is made by `texts` or is JSON."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from chainrule import api
from chainrule.cli import texts
from chainrule.cli.output import as_json
from chainrule.cli.parameters import Json
from chainrule.errors import UsageError
from chainrule.training.options import DeviceName, PrecisionName

RunFolder = Annotated[Path, Parameter(help="Folder of the run, as train printed it.", show_default=False)]
Data = Annotated[Path | None, Parameter(help="File or folder of your own.")]
Device = Annotated[DeviceName, Parameter(help="Where to compute.")]


def list_recipes(*, json: Json = False) -> str:
    """The recipes."""
    found = api.recipes()
    return as_json({"recipes": found}) if json else texts.recipes(found)


def resume(run: RunFolder, /, *, json: Json = False) -> str:
    """Goes on from the newest whole checkpoint, and ends as the run would have ended uninterrupted."""
    return report_text(api.resume(run, display=True), json=json)
