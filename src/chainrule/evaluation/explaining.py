"""The explanations of a classifier's answers, one PNG an input."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError
from chainrule.evaluation.explanations import draw_explanation
from chainrule.evaluation.plots import render_png
from chainrule.runtime.files import storage_errors, write_atomically

LONGEST_NAME = 40  # characters of a picture's own; file systems take 255 bytes in all


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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"--explain {folder} is not an empty folder; give a new one.")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, path in enumerate(map(Path, inputs), 1):
        file = folder / f"{number}-{path.stem[:LONGEST_NAME]}.png"
        write_atomically(file, render_png(partial(draw_explanation, predictor.explain(path), title=path.name)))
        written.append(file)
    return written
