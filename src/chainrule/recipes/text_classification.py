"""What the recipes that classify texts have in common."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from chainrule.data.dataset import Examples
from chainrule.data.order import EpochOrder
from chainrule.data.taught import Taught
from chainrule.data.text_tokens import TextsOf, train_tokenizer
from chainrule.data.token_store import TokenStore, encode
from chainrule.evaluation.baselines import majority
from chainrule.evaluation.classification import judge_classification
from chainrule.evaluation.describe import describer
from chainrule.evaluation.judgement import Judgement
from chainrule.evaluation.linear import tfidf_logistic_regression
from chainrule.inference.texts import load_text_predictor, text_files
from chainrule.learners.batches import Part, SplitBatches, gather_tokens
from chainrule.models.folder import ModelConfig, build_model, write_model
from chainrule.recipes import from_nothing
from chainrule.recipes.bert_settings import BertTexts
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.judging import class_figures, scored_examples
from chainrule.recipes.supervised import Classifying, Fitting, assemble, one_rate, placed
from chainrule.recipes.text_settings import TextSettings
from chainrule.runtime.draws import reseed_all
from chainrule.training.loop import Selection

if TYPE_CHECKING:
    from torch import nn


def build_text_classifier(
    setting: Setting,
    texts: TextSettings,
    classifying: Classifying,
    fitting: Fitting,
    *,
    recipe: str,
    family: str,
    arguments: Mapping[str, Any],
    tokenizer_arguments: Callable[[Tokenizer], Mapping[str, Any]] | None = None,
    crop: float = 0.0,
    rate_of: Callable[[str], float] = one_rate,
    prepare: Callable[["nn.Module", Tokenizer, TokenStore], None] | None = None,
) -> Assembly:
    """Trains the tokenizer on the training split and makes a model with fresh weights.

    Args:
        setting: where and on what.
        texts: how they are read and cut.
        classifying: what is asked of the classifier.
        fitting: how it is fitted.
        recipe: its name.
        family: the model's, as `models.folder.FAMILIES` names it.
        arguments: of the family's builder, without `vocabulary_size` and `classes`.
        tokenizer_arguments: tokenizer → further ones.
        crop: share of the training texts of which a random span is shown instead.
        rate_of: a parameter's name → its share of the learning rate.
        prepare: what is done to a fresh model, given the tokenizer and the training texts.
    """
    import torch

    dataset = texts.open(setting)
    train, held_out = dataset.split("train"), dataset.split("validation")
    tokenizer = train_tokenizer(texts.tokenizer, TextsOf(train), vocabulary_size=texts.vocabulary_size)
    train_store = encode(tokenizer, TextsOf(train), max_length=texts.max_length)
    held_out_store = encode(tokenizer, TextsOf(held_out), max_length=texts.max_length)

    classes = dataset.classes or ()
    sizes = {"vocabulary_size": tokenizer.get_vocab_size(), "classes": len(classes)}
    config = ModelConfig(
        family=family,
        arguments={**sizes, **(tokenizer_arguments(tokenizer) if tokenizer_arguments else {}), **arguments},
        task="text-classification",
        recipe=recipe,
        classes=classes,
    )
    device = torch.device(setting.compute.device)
    reseed_all(setting.seed, "weights")
    model = build_model(config)
    if prepare:
        prepare(model, tokenizer, train_store)
    model = placed(setting, model)

    def part(store: TokenStore, examples: Examples, crop: float = 0.0) -> Part:
        labels = torch.from_numpy(examples.labels()).to(device)
        return Part(gather=gather_tokens(store, device, crop=crop), targets=labels, lengths=store.lengths)

    batches = SplitBatches(
        train=part(train_store, train, crop),
        held_out=part(held_out_store, held_out),
        order=EpochOrder(
            examples=len(train),
            batch_size=fitting.batch_size,
            seed=setting.seed,
            lengths=train_store.lengths,
        ),
        evaluation_batch_size=4 * fitting.batch_size,
    )
    files = text_files(tokenizer.to_str(pretty=True), texts.max_length)
    assembly = assemble(
        setting,
        fitting,
        dataset=dataset,
        model=model,
        objective=classifying.objective(train, len(classes)),
        batches=batches,
        judge=class_figures,
        selection=Selection("accuracy", higher_is_better=True),
        save_model=lambda folder: write_model(folder, model, config, files),
        rate_of=rate_of,
    )
    cut = (train_store.sentence("train"), held_out_store.sentence("validation"))
    return replace(assembly, data={**assembly.data, "notes": [*assembly.data["notes"], *cut]})


def begin_from_training_texts(model: "nn.Module", _tokenizer: Tokenizer, texts: TokenStore) -> None:
    """Gives a fresh `TextAttention` the vectors that the training texts suggest."""
    from chainrule.learners.word_vectors import begin_from_counts
    from chainrule.models.text_attention import TextAttention

    assert isinstance(model, TextAttention)  # noqa: S101 - what the family builds
    begin_from_counts(model.embedding, texts)


def judge_text_classifier(
    setting: Setting,
    texts: TextSettings | BertTexts,
    model_folder: Path,
    rows: ScoredFile | None = None,
    *,
    nothing: Path | None = None,
) -> Judgement:
    """Accuracy of a finished model, beside TF-IDF with logistic regression.

    Args:
        setting: the run's own.
        texts: how they are read.
        model_folder: the finished model.
        rows: what to score instead of the test split.
        nothing: the model of the same training from nothing, to stand beside it.
    """
    predictor = load_text_predictor(model_folder, setting.compute)
    scored = scored_examples(setting, rows, Taught(classes=predictor.classes), **texts.reading)
    test = scored.test
    tokens = predictor.tokens(TextsOf(test))
    baselines = scored.baselines(majority, tfidf_logistic_regression)
    if nothing is not None:
        probabilities = load_text_predictor(nothing, setting.compute).probabilities(TextsOf(test))
        baselines += (from_nothing.baseline(probabilities),)
    judgement = judge_classification(
        probabilities=predictor.probabilities_of(tokens),
        labels=test.labels(),
        classes=predictor.classes,
        baselines=baselines,
        describe=describer(test),
    )
    judgement = replace(judgement, extra=from_nothing.figures(judgement))
    return scored.judged(judgement, tokens.sentence("scored" if rows else "test"))
