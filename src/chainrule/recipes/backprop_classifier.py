"""`backprop-classifier`: a perceptron on our own autograd that predicts a class from the columns of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.backprop_settings import Perceptron
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import Classifying, Fitting

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement
    from chainrule.recipes.tables import TableColumns


MACHINE = "1 core of an AMD EPYC (Zen 4), fp32, other work beside it"

EXPECTED = (
    Band(
        setting={"dataset": "breast-cancer"},
        metric="accuracy",
        mean=0.9663,
        standard_deviation=0.0054,
        seeds=5,
        machine=MACHINE,
        seconds=3,
        command="chainrule train backprop-classifier --seed SEED",
        baseline=("logistic regression", 0.9604),
    ),
    Band(
        setting={"dataset": "two-moons"},
        metric="accuracy",
        mean=0.9411,
        standard_deviation=0.0028,
        seeds=5,
        machine=MACHINE,
        seconds=14,
        command="chainrule train backprop-classifier --dataset two-moons --seed SEED",
        baseline=("logistic regression", 0.8579),
    ),
    Band(
        setting={"dataset": "spirals"},
        metric="accuracy",
        mean=0.9979,
        standard_deviation=0.0046,
        seeds=5,
        machine=MACHINE,
        seconds=11,
        command="chainrule train backprop-classifier --dataset spirals --seed SEED",
        baseline=("logistic regression", 0.5846),
    ),
    Band(
        setting={"dataset": "article-points"},
        metric="accuracy",
        mean=1.0,
        standard_deviation=0.0,
        seeds=5,
        machine=MACHINE,
        seconds=3,
        command="chainrule train backprop-classifier --dataset article-points --seed SEED",
        baseline=("logistic regression", 1.0),
    ),
)


@dataclass(frozen=True, kw_only=True)
class BackpropClassifier:
    """A perceptron on our own autograd that classifies the rows of tables."""

    name: ClassVar[str] = "backprop-classifier"
    summary: ClassVar[str] = "classifier of rows of tables on our own NumPy autograd"
    dataset: ClassVar[str] = "breast-cancer"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED
    in_numpy: ClassVar[bool] = True

    label_column: str | None = None
    """Column of an own file that holds the labels; guessed where it is plain."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of an own file that are not to be used, such as those that give the label away."""
    network: Perceptron = Perceptron()
    """What learns."""
    classifying: Classifying = Classifying()
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=32, epochs=100, learning_rate=1e-2, least_steps=1000, decay="cosine")
    """How the network is fitted."""

    def columns(self) -> "TableColumns":
        """Which columns are read."""
        from chainrule.recipes.tables import TableColumns

        chosen = {"label_column": self.label_column, "ignore_columns": self.ignore_columns}
        return TableColumns(answer="classes", chosen=chosen)

    def build(self, setting: Setting) -> Assembly:
        """Standardises the columns by the training split and makes a network with fresh weights."""
        from chainrule.recipes.backprop import build_backprop

        return build_backprop(
            setting, self.columns(), self.fitting, self.network, recipe=self.name, classifying=self.classifying
        )

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside logistic regression on the same columns."""
        from chainrule.recipes.tables import judge_classifier

        return judge_classifier(self.columns(), setting, model_folder, rows)
