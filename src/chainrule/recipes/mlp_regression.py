"""`mlp-regression`: a multilayer perceptron that predicts a number from the columns of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import SHARE, Fitting, check_numbers, check_ranges

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement
    from chainrule.recipes.tables import TableColumns


MACHINE = "2 cores of an AMD EPYC (Zen 4), bf16"

EXPECTED = (
    Band(
        setting={"dataset": "bike-sharing"},
        metric="r2",
        mean=0.9447,
        standard_deviation=0.0008,
        seeds=5,
        machine=MACHINE,
        seconds=4,
        command="chainrule train mlp-regression --seed SEED",
        baseline=("ridge regression", 0.6966),
    ),
    Band(
        setting={"dataset": "diabetes"},
        metric="r2",
        mean=0.5328,
        standard_deviation=0.0186,
        seeds=5,
        machine=MACHINE,
        seconds=1,
        command="chainrule train mlp-regression --dataset diabetes --seed SEED",
        baseline=("ridge regression", 0.5222),
    ),
)


@dataclass(frozen=True, kw_only=True)
class MlpRegression:
    """A multilayer perceptron that predicts numbers from tables."""

    name: ClassVar[str] = "mlp-regression"
    summary: ClassVar[str] = "multilayer perceptron that predicts numbers from tables"
    dataset: ClassVar[str] = "bike-sharing"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    target_column: str | None = None
    """Column of an own file that holds the numbers to predict; guessed where it is plain."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of an own file that are not to be used, such as those that give the target away."""
    hidden_sizes: tuple[int, ...] = (256, 256)
    """Units of each hidden layer."""
    dropout: float = 0.0
    """Share of the hidden units silenced in training, in [0, 0.99]."""
    fitting: Fitting = Fitting(batch_size=256, epochs=40, least_steps=180, learning_rate=4e-3, decay="cosine")
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, dropout=SHARE)
        check_numbers("hidden_sizes", self.hidden_sizes)

    def columns(self) -> "TableColumns":
        """Which columns are read."""
        from chainrule.recipes.tables import TableColumns

        chosen = {"target_column": self.target_column, "ignore_columns": self.ignore_columns}
        return TableColumns(answer="numbers", chosen=chosen)

    def build(self, setting: Setting) -> Assembly:
        """Standardises columns and target by the training split and makes a network with fresh weights."""
        from chainrule.recipes.tables import build_perceptron

        arguments = {"hidden_sizes": list(self.hidden_sizes), "dropout": self.dropout}
        return build_perceptron(setting, self.columns(), self.fitting, recipe=self.name, arguments=arguments)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """R², beside ridge regression on the same columns."""
        from chainrule.recipes.tables import judge_regressor

        return judge_regressor(self.columns(), setting, model_folder, rows)
