"""What the recipes that classify texts have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chainrule.data.dataset import Dataset, Examples
from chainrule.data.opening import open_examples
from chainrule.data.order import EpochOrder
from chainrule.data.text_tokens import TextsOf, TokenizerKind, train_tokenizer
from chainrule.data.token_store import TokenStore, encode
from chainrule.evaluation.classification import class_figures
from chainrule.inference.texts import text_files
from chainrule.learners.batches import Part, SplitBatches, gather_tokens
from chainrule.models.folder import ModelConfig, build_model, write_model
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.supervised import ClassWeights, Fitting, assemble, classification_objective
from chainrule.runtime.draws import reseed_all
from chainrule.runtime.progress import say
from chainrule.training.loop import Selection

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement


class TextRecipe(Protocol):
    """The settings that every recipe for texts has."""

    name: str
    text_column: str | None
    label_column: str | None
    tokenizer: TokenizerKind
    vocabulary_size: int
    max_length: int
    label_smoothing: float
    class_weights: ClassWeights
    fitting: Fitting


def open_texts(recipe: TextRecipe, setting: Setting, data: Path | None = None) -> Dataset:
    """The recipe's data, or the same kind from another file."""
    return open_examples(
        setting.dataset,
        data or setting.data,
        kind="text",
        text_column=recipe.text_column,
        label_column=recipe.label_column,
    )


def build_text_classifier(
    recipe: TextRecipe, setting: Setting, *, family: str, arguments: Mapping[str, Any]
) -> Assembly:
    """Trains the tokenizer on the training split and makes a model with fresh weights.

    Args:
        recipe: the settings.
        setting: where and on what.
        family: the model's, as `models.folder.FAMILIES` names it.
        arguments: of the family's builder, without `vocabulary_size` and `classes`.
    """
    import torch

    dataset = open_texts(recipe, setting)
    train, held_out = dataset.split("train"), dataset.split("validation")
    tokenizer = train_tokenizer(recipe.tokenizer, TextsOf(train), vocabulary_size=recipe.vocabulary_size)
    train_store = encode(tokenizer, TextsOf(train), max_length=recipe.max_length)
    held_out_store = encode(tokenizer, TextsOf(held_out), max_length=recipe.max_length)
    say(train_store.sentence("train"))
    say(held_out_store.sentence("validation"))

    classes = dataset.classes or ()
    sizes = {"vocabulary_size": tokenizer.get_vocab_size(), "classes": len(classes)}
    config = ModelConfig(
        family=family,
        arguments={**sizes, **arguments},
        task="text-classification",
        recipe=recipe.name,
        classes=classes,
    )
    device = torch.device(setting.compute.device)
    reseed_all(setting.seed, "weights")
    model = build_model(config).to(device)

    def part(store: TokenStore, examples: Examples) -> Part:
        labels = torch.from_numpy(examples.labels()).to(device)
        return Part(gather=gather_tokens(store, device), targets=labels, lengths=store.lengths)

    batches = SplitBatches(
        train=part(train_store, train),
        held_out=part(held_out_store, held_out),
        order=EpochOrder(
            examples=len(train),
            batch_size=recipe.fitting.batch_size,
            seed=setting.seed,
            lengths=train_store.lengths,
        ),
        evaluation_batch_size=4 * recipe.fitting.batch_size,
    )
    files = text_files(tokenizer.to_str(pretty=True), recipe.max_length)
    objective = classification_objective(
        train, len(classes), class_weights=recipe.class_weights, label_smoothing=recipe.label_smoothing
    )
    return assemble(
        setting,
        recipe.fitting,
        dataset=dataset,
        model=model,
        objective=objective,
        batches=batches,
        judge=class_figures,
        selection=Selection("accuracy", higher_is_better=True),
        save_model=lambda folder: write_model(folder, model, config, files),
    )
