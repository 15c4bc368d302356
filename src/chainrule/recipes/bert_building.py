"""A BERT that classifies, built: what is taken over, what is fresh, and what learns at which rate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from chainrule.data.dataset import Examples
from chainrule.data.order import EpochOrder
from chainrule.data.text_tokens import TextsOf
from chainrule.data.token_store import TokenStore, encode
from chainrule.errors import OptionError
from chainrule.learners.batches import Part, SplitBatches, gather_packed
from chainrule.models.bert_tokens import frame_of, train_wordpiece, wordpiece_files
from chainrule.models.folder import ModelConfig, build_model, write_model
from chainrule.models.hub_bert import HubBert, hub_config, read_bert
from chainrule.recipes.bert_settings import LAYER_RATE
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.judging import class_figures
from chainrule.recipes.supervised import assemble, placed
from chainrule.recipes.transfer import model_folder_of, refuse_divided_stages, stages
from chainrule.runtime.draws import reseed_all
from chainrule.training.loop import Selection

if TYPE_CHECKING:
    from torch import nn

    from chainrule.models.vocabulary import Vocabulary
    from chainrule.recipes.bert_classify import BertClassify

INNER_OF_HIDDEN = 4  # values between the two maps at each token for each value of a vector, as published


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a run begins with."""

    tokenizer: Tokenizer
    arguments: Mapping[str, Any]
    """Of `models.bert.bert`, but for dropout."""
    taken_over: HubBert | None
    folder: Path | None
    """Where it was taken from."""


def beginning_of(recipe: "BertClassify", train: Examples) -> Beginning:
    """What `--from` names.

    Args:
        recipe: with its settings.
        train: the texts that a tokenizer is trained on where nothing is taken over.

    Raises:
        OptionError: a text may be longer than the network has positions, or fewer layers are there than are frozen.
        ModelFolderError: the folder holds no BERT.
        OriginError: published weights could be had from nowhere.
    """
    if recipe.is_from_nothing:
        tokenizer = train_wordpiece(TextsOf(train), vocabulary_size=recipe.texts.vocabulary_size or 0)
        arguments = {
            "vocabulary_size": tokenizer.get_vocab_size(),
            **recipe.sizes,
            "inner_size": INNER_OF_HIDDEN * recipe.sizes["hidden_size"],
            "positions": recipe.texts.max_length,
            "segments": 2,
            "activation": "gelu",
            "epsilon": 1e-12,
        }
        return Beginning(tokenizer=tokenizer, arguments=arguments, taken_over=None, folder=None)
    folder = folder_of(recipe.from_)
    read = read_bert(folder)
    length, positions, layers = recipe.texts.max_length, read.arguments["positions"], read.arguments["layers"]
    if length > positions:
        raise OptionError(f"--max-length is {length}; the network of --from has {positions} positions, so give less.")
    if recipe.frozen_layers > layers:
        raise OptionError(f"--frozen-layers is {recipe.frozen_layers}; the network of --from has {layers} layers.")
    return Beginning(tokenizer=read.tokenizer, arguments=read.arguments, taken_over=read, folder=folder)


def folder_of(source: str | Path) -> Path:
    """The folder of a BERT: of published weights by their name, of a run, or the folder itself."""
    if isinstance(source, Path):
        return model_folder_of(source)
    from chainrule.data.published import published_model

    return published_model(source)


def build_bert_classifier(recipe: "BertClassify", setting: Setting, *, fresh: bool = False) -> Assembly:
    """A model with a fresh head, and the learner of it.

    Args:
        recipe: with its settings.
        setting: where and on what.
        fresh: leave the weights that `--from` names, and take its sizes and its vocabulary alone.
    """
    import torch

    refuse_divided_stages(setting, recipe.frozen_epochs)
    dataset = recipe.texts.open(setting)
    train, held_out = dataset.split("train"), dataset.split("validation")
    beginning = beginning_of(recipe, train)
    frame, max_length = frame_of(beginning.tokenizer), recipe.texts.max_length
    train_store, held_out_store = (
        encode(beginning.tokenizer, TextsOf(examples), max_length=max_length, frame=frame)
        for examples in (train, held_out)
    )

    classes = dataset.classes or ()
    arguments = {**beginning.arguments, "dropout": recipe.dropout, "classes": len(classes)}
    config = ModelConfig(
        family="bert", arguments=arguments, task="text-classification", recipe=recipe.name, classes=classes
    )
    device = torch.device(setting.compute.device)
    reseed_all(setting.seed, "weights")
    model: Any = placed(setting, build_model(config))
    if beginning.taken_over is not None and not fresh:
        beginning.taken_over.give_to(model.bert)
    freeze(model, recipe.frozen_layers)
    vocabulary, told = model.bert.embeddings.word_embeddings, []
    if vocabulary.weight.requires_grad and not setting.shard:  # that divides parameters by itself
        told = [let_rest(vocabulary, train_store)]

    def part(store: TokenStore, examples: Examples) -> Part:
        labels = torch.from_numpy(examples.labels()).to(device)
        return Part(gather=gather_packed(store, device), targets=labels, lengths=store.lengths)

    fitting = recipe.fitting
    order = EpochOrder(
        examples=len(train), batch_size=fitting.batch_size, seed=setting.seed, lengths=train_store.lengths
    )
    frozen_steps = round(recipe.frozen_epochs * order.steps_per_epoch)
    steps = setting.steps or fitting.steps(order.steps_per_epoch)
    refuse_idle_freezing(recipe, layers=arguments["layers"], below_learns=frozen_steps < steps)
    assembly = assemble(
        setting,
        fitting,
        dataset=dataset,
        model=model,
        objective=recipe.classifying.objective(train, len(classes)),
        batches=SplitBatches(
            train=part(train_store, train),
            held_out=part(held_out_store, held_out),
            order=order,
            evaluation_batch_size=4 * fitting.batch_size,
        ),
        judge=class_figures,
        selection=Selection("accuracy", higher_is_better=True),
        save_model=lambda folder: write_model(
            folder, model, config, wordpiece_files(beginning.tokenizer, max_length), hub_config(arguments, classes)
        ),
        rate_of=rate_of_layers(recipe.layer_rate, arguments["layers"]),
        prepare=stages(model.bert, frozen_steps) if recipe.frozen_epochs else None,
    )
    notes = [*assembly.data["notes"], train_store.sentence("train"), held_out_store.sentence("validation"), *told]
    data = {**assembly.data, "notes": notes}
    if (taken := beginning.taken_over) is not None:
        data["notes"] = [*notes, *taken.notes]
        data["from"] = {"run": str(beginning.folder and beginning.folder.absolute()), "sha256": taken.sha256}
    return replace(assembly, data=data)


def refuse_idle_freezing(recipe: "BertClassify", *, layers: int, below_learns: bool) -> None:
    """Refuses settings of layers that learn in no step.

    Args:
        recipe: with its settings.
        layers: of the encoder.
        below_learns: whether anything below the new head learns in any step.

    Raises:
        OptionError: one was given.
    """
    if recipe.frozen_layers and not below_learns:
        raise OptionError(
            "--frozen-layers keeps layers as they are, and --frozen-epochs keeps all of them so; leave one out."
        )
    is_given = not recipe.is_from_nothing and recipe.layer_rate not in {LAYER_RATE, 1.0}
    if is_given and (not below_learns or recipe.frozen_layers == layers):
        raise OptionError("--layer-rate is for layers that learn, and here none of them does; leave it out.")


def freeze(model: "nn.Module", layers: int) -> None:
    """Keeps the lowest layers, and with them the embeddings, from learning."""
    lowest = [f"bert.encoder.layer.{number}." for number in range(layers)]
    for name, parameter in model.named_parameters():
        if layers and name.startswith(("bert.embeddings.", *lowest)):
            parameter.requires_grad_(False)  # noqa: FBT003 - a parameter knows no name for it


def let_rest(vocabulary: "Vocabulary", store: TokenStore) -> str:
    """Lets the vectors rest whose tokens no text has, and says how many learn."""
    import torch

    occurring = store.occurring(vocabulary.num_embeddings)
    vocabulary.rest(torch.from_numpy(~occurring))
    count, size = int(occurring.sum()), len(occurring)
    return f"{count:,} of the vocabulary's {size:,} tokens occur in the train texts; the vectors of the others rest."


def rate_of_layers(share: float, layers: int) -> Callable[[str], float]:
    """A parameter's name → its share of the learning rate, which falls from the head down.

    What lies low in a network that was taught is of use for most tasks, and is to change the least: Howard and Ruder,
    "Universal language model fine-tuning", arXiv 1801.06146.

    Args:
        share: of each layer's rate that the layer below has.
        layers: of the encoder.
    """

    def rate(name: str) -> float:
        if name.startswith("bert.embeddings."):
            return float(share ** (layers + 1))
        if name.startswith("bert.encoder.layer."):
            return float(share ** (layers - int(name.split(".")[3])))
        return 1.0

    return rate
