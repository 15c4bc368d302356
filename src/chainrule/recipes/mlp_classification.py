"""`mlp-classification`: a multilayer perceptron that predicts a class from the columns of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import SHARE, Classifying, Fitting, check_numbers, check_ranges

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement
    from chainrule.recipes.tables import TableColumns


MACHINE = "2 cores of an Intel Xeon with AMX, bf16, other work beside it"

EXPECTED = (
    Band(
        setting={"dataset": "breast-cancer"},
        metric="accuracy",
        mean=0.9604,
        standard_deviation=0.0099,
        seeds=5,
        machine=MACHINE,
        seconds=2,
        command="chainrule train mlp-classification --seed SEED",
        baseline=("logistic regression", 0.9604),
    ),
)


@dataclass(frozen=True, kw_only=True)
class MlpClassification:
    """A multilayer perceptron that classifies the rows of tables."""

    name: ClassVar[str] = "mlp-classification"
    summary: ClassVar[str] = "multilayer perceptron that classifies rows of tables"
    dataset: ClassVar[str] = "breast-cancer"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    label_column: str | None = None
    """Column of an own file that holds the labels; guessed where it is plain."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of an own file that are not to be used, such as those that give the label away."""
    hidden_sizes: tuple[int, ...] = (64, 64)
    """Units of each hidden layer."""
    dropout: float = 0.2
    """Share of the hidden units silenced in training, in [0, 0.99]."""
    classifying: Classifying = Classifying(label_smoothing=0.05)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=64, epochs=40, learning_rate=2e-3, least_steps=300, decay="cosine")
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, dropout=SHARE)
        check_numbers("hidden_sizes", self.hidden_sizes)

    def columns(self) -> "TableColumns":
        """Which columns are read."""
        from chainrule.recipes.tables import TableColumns

        chosen = {"label_column": self.label_column, "ignore_columns": self.ignore_columns}
        return TableColumns(answer="classes", chosen=chosen)

    def build(self, setting: Setting) -> Assembly:
        """Standardises the columns by the training split and makes a network with fresh weights."""
        from chainrule.recipes.tables import build_perceptron

        return build_perceptron(
            setting,
            self.columns(),
            self.fitting,
            recipe=self.name,
            arguments={"hidden_sizes": list(self.hidden_sizes), "dropout": self.dropout},
            classifying=self.classifying,
        )

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside logistic regression on the same columns."""
        from chainrule.recipes.tables import judge_classifier

        return judge_classifier(self.columns(), setting, model_folder, rows)
