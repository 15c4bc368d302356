"""`backprop-regression`: a perceptron on our own autograd that predicts a number from the columns of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.backprop_settings import Perceptron
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import Fitting

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement
    from chainrule.recipes.tables import TableColumns


MACHINE = "1 core of an AMD EPYC (Zen 4), fp32, other work beside it"

EXPECTED = (
    Band(
        setting={"dataset": "diabetes"},
        metric="r2",
        mean=0.5478,
        standard_deviation=0.0086,
        seeds=5,
        machine=MACHINE,
        seconds=4,
        command="chainrule train backprop-regression --seed SEED",
        baseline=("ridge regression", 0.5222),
    ),
    Band(
        setting={"dataset": "bike-sharing"},
        metric="r2",
        mean=0.9442,
        standard_deviation=0.0012,
        seeds=5,
        machine=MACHINE,
        seconds=26,
        command="chainrule train backprop-regression --dataset bike-sharing --seed SEED",
        baseline=("ridge regression", 0.6966),
    ),
)


@dataclass(frozen=True, kw_only=True)
class BackpropRegression:
    """A perceptron on our own autograd that predicts numbers from tables."""

    name: ClassVar[str] = "backprop-regression"
    summary: ClassVar[str] = "regression on rows of tables on our own NumPy autograd"
    dataset: ClassVar[str] = "diabetes"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED
    in_numpy: ClassVar[bool] = True

    target_column: str | None = None
    """Column of an own file that holds the numbers to predict; guessed where it is plain."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of an own file that are not to be used, such as those that give the target away."""
    network: Perceptron = Perceptron(hidden_sizes=(64, 64), activation="gelu")
    """What learns."""
    fitting: Fitting = Fitting(batch_size=64, epochs=40, learning_rate=3e-3, least_steps=400, decay="cosine")
    """How the network is fitted."""

    def columns(self) -> "TableColumns":
        """Which columns are read."""
        from chainrule.recipes.tables import TableColumns

        chosen = {"target_column": self.target_column, "ignore_columns": self.ignore_columns}
        return TableColumns(answer="numbers", chosen=chosen)

    def build(self, setting: Setting) -> Assembly:
        """Standardises columns and target by the training split and makes a network with fresh weights."""
        from chainrule.recipes.backprop import build_backprop

        return build_backprop(setting, self.columns(), self.fitting, self.network, recipe=self.name)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """R², beside ridge regression on the same columns."""
        from chainrule.recipes.tables import judge_regressor

        return judge_regressor(self.columns(), setting, model_folder, rows)
