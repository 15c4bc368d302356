"""The explanations of a classifier's answers, one PNG an input."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError
from chainrule.evaluation.explanations import draw_explanation
from chainrule.evaluation.plots import render_png
from chainrule.runtime.files import LONGEST_LABEL, require_unused, storage_errors, write_atomically


def write_explanations(predictor: Any, inputs: Sequence[Any], folder: Path) -> list[Path]:
    """Writes them, numbered in the order of the inputs.

    Args:
        predictor: a `PicturePredictor`.
        inputs: what it answered.
        folder: new or empty.

    Returns:
        The files.

    Raises:
        OptionError: the predictor has nothing to explain by, or the folder holds something.
    """
    if not hasattr(predictor, "explain"):
        raise OptionError(f"--explain is for classifiers of pictures; this model does {predictor.config.task}.")
    require_unused(folder, "--explain")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, path in enumerate(map(Path, inputs), 1):
        file = folder / f"{number}-{path.stem[:LONGEST_LABEL]}.png"
        write_atomically(file, render_png(partial(draw_explanation, predictor.explain(path), title=path.name)))
        written.append(file)
    return written
