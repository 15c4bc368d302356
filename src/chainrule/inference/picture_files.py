"""Pictures that a model makes, as files."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from chainrule.errors import OptionError
from chainrule.inference.predictor import Predictor
from chainrule.runtime.files import LONGEST_LABEL, require_unused, storage_errors, write_atomically


def require_pictures(predictor: Predictor, folder: Path) -> None:
    """Refuses, before anything is computed, a folder for pictures that cannot serve.

    Raises:
        OptionError: the model makes no pictures, or the folder holds something.
    """
    if predictor.config.task != "image-generation":
        raise OptionError("--output is for models that make pictures, and this one answers in words; leave it out.")
    require_unused(folder, "--output")


def write_pictures(answers: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Writes the picture of each answer as PNG, named after its place, class and seed.

    Args:
        answers: of a model that makes pictures.
        folder: new or empty, as `require_pictures` has it.

    Returns:
        The answers, with the file's path as `picture` in place of `pixels`.

    Raises:
        StorageError: the folder may not be written to.
    """
    with storage_errors(folder, then="ask again"):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, answer in enumerate(answers, 1):
        buffer = io.BytesIO()
        Image.fromarray(np.array(answer["pixels"], np.uint8)).save(buffer, format="PNG")
        label = re.sub(r"\W+", "-", answer.get("label", "seed"))[:LONGEST_LABEL]
        path = folder / f"{number}-{label}-{answer['seed']}.png"
        write_atomically(path, buffer.getvalue(), then="ask again")
        rest = {name: value for name, value in answer.items() if name != "pixels"}
        written.append({**rest, "picture": str(path)})
    return written
