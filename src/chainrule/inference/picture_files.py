"""Pictures that a model makes, as files."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from chainrule.errors import OptionError
from chainrule.runtime.files import storage_errors, write_atomically

LONGEST_NAME = 40  # characters, of up to 4 bytes each


def write_pictures(answers: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Writes the picture of each answer as PNG, named after its place, class and seed.

    Args:
        answers: of a model that makes pictures.
        folder: new or empty, so that nothing of the user's is replaced.

    Returns:
        The answers, with the file's path as `picture` in place of `pixels`.

    Raises:
        OptionError: the answers are no pictures, or the folder holds something.
        StorageError: the folder may not be written to.
    """
    if any("pixels" not in answer for answer in answers):
        raise OptionError("--output is for models that make pictures, and this one answers in words; leave it out.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"--output {folder} is not an empty folder; give a new one for the pictures.")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, answer in enumerate(answers, 1):
        buffer = io.BytesIO()
        Image.fromarray(np.array(answer["pixels"], np.uint8)).save(buffer, format="PNG")
        label = re.sub(r"\W+", "-", answer.get("label", "seed"))[:LONGEST_NAME]
        path = folder / f"{number}-{label}-{answer['seed']}.png"
        write_atomically(path, buffer.getvalue())
        rest = {name: value for name, value in answer.items() if name != "pixels"}
        written.append({**rest, "picture": str(path)})
    return written
