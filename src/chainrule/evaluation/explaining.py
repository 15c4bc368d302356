"""The explanations of a classifier's answers: a PNG an input, and a page too where the input is a text."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError
from chainrule.evaluation.explanations import draw_explanation
from chainrule.evaluation.plots import render_png
from chainrule.evaluation.text_explanations import as_page, draw_text_explanation
from chainrule.inference.attribution import TextExplanation
from chainrule.runtime.files import LONGEST_LABEL, require_unused, storage_errors, write_atomically


def require_explainable(predictor: Any, folder: Path) -> None:
    """Refuses what cannot be explained, before anything is answered.

    Args:
        predictor: one that has `explain` and `require_explainable`.
        folder: for the files, new or empty.

    Raises:
        OptionError: the predictor is no classifier of pictures or texts, or the folder holds something.
        ModelFolderError: its model cannot show what it goes by.
    """
    if not hasattr(predictor, "explain"):
        raise OptionError(
            f"--explain is for classifiers of pictures and of texts; this model does {predictor.config.task}."
        )
    predictor.require_explainable()
    require_unused(folder, "--explain")


def write_explanations(predictor: Any, inputs: Sequence[Any], folder: Path) -> list[Path]:
    """Writes them, numbered in the order of the inputs.

    Args:
        predictor: see `require_explainable`.
        inputs: what it answered.
        folder: likewise.

    Returns:
        The files.
    """
    written = []
    for number, given in enumerate(inputs, 1):
        for name, content in _files(predictor.explain(given), given).items():
            with storage_errors(folder, then="ask again", option="--explain"):
                folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{number}{name}"
            write_atomically(file, content, then="ask again", option="--explain")
            written.append(file)
    return written


def _files(found: Any, given: Any) -> Mapping[str, bytes]:
    """The content of each file of one explanation, by what stands after the number in its name."""
    if isinstance(found, TextExplanation):
        page = as_page(found).encode()
        return {".png": render_png(partial(draw_text_explanation, found, title=given)), ".html": page}
    path = Path(given)
    return {f"-{path.stem[:LONGEST_LABEL]}.png": render_png(partial(draw_explanation, found, title=path.name))}
