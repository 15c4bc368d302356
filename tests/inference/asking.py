"""The test examples of a run as a user would ask about them."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

from chainrule.data.dataset import Examples
from chainrule.models.folder import read_config
from chainrule.recipes.record import compute_of, options_of, recipe_of, setting_of


def held_back(run: Path) -> Examples:
    """What a run keeps for its test, opened as its recipe opens it."""
    from chainrule.data.opening import open_examples

    record = json.loads((run / "run.json").read_text())
    setting = setting_of(recipe_of(record), options_of(record), compute_of(record))
    kind = record["data"]["kind"]
    answer = "numbers" if record["data"]["classes"] is None else "classes"
    return open_examples(setting.dataset, setting.data, kind=kind, answer=answer).split("test")


def asked(run: Path, folder: Path) -> list[Any]:
    """The test examples as inputs; pictures are written to `folder`."""
    test, task = held_back(run), read_config(run / "model").task
    if task.startswith("text-"):
        return list(test.texts())
    if task.startswith("sequence-"):
        return [sequence.tolist() for sequence in test.sequences()]
    if task.startswith("tabular-"):
        columns = {name: cells.to_pylist() for name, cells in test.features().items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert task.startswith("image-"), f"say here how a model for {task} is asked"
    paths = []
    for number, picture in enumerate(test.pictures()):
        paths.append(folder / f"{number}.png")
        Image.fromarray(picture.transpose(1, 2, 0).squeeze()).save(paths[-1])
    return paths


def figures(answers: list[dict[str, Any]]) -> list[float]:
    """The probabilities or values of answers."""
    return [answer["probability"] if "label" in answer else answer["value"] for answer in answers]
