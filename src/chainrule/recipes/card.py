"""The model card of a run: what `evaluation` cannot know about it."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.evaluation.card import NO_TASK, model_card
from chainrule.inference.predictor import load_predictor
from chainrule.recipes.contract import Recipe
from chainrule.recipes.record import versions


def write_card(model_folder: Path, report: Mapping[str, Any], recipe: Recipe, *, command: str) -> None:
    """Writes the card as the folder's README.md, with an input the model takes in its examples.

    Args:
        model_folder: with the finished model.
        report: on it.
        recipe: what it was made with.
        command: the one that trained it.
    """
    predictor = load_predictor(model_folder)
    given = predictor.example()
    config = predictor.config
    makes = config.task == "image-generation"  # of pictures of no class, or of one that is asked for
    asked = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    name = Path(report["run"]).name
    text = model_card(
        report,
        summary=f"Trained with the recipe `{recipe.name}` of chainrule: {recipe.summary}.",
        command=command,
        python_example=f"import chainrule\n\nmodel = chainrule.load({name + '/model'!r})\nmodel.predict([{given!r}])",
        shell_example=f"chainrule predict {shlex.quote(name + '/model')} {shlex.quote(asked)}"
        + " --output pictures" * makes,
        versions=versions(),
        task=(NO_TASK if config.arguments.get("classes") else "unconditional-image-generation") if makes else None,
    )
    (model_folder / "README.md").write_text(text, encoding="utf-8")
