"""`mlp-regression`: a multilayer perceptron that predicts a number from the columns of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.supervised import SHARE, Fitting, check_numbers, check_ranges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chainrule.data.dataset import Dataset, Examples
    from chainrule.evaluation.bands import Band
    from chainrule.evaluation.judgement import Judgement


@dataclass(frozen=True, kw_only=True)
class MlpRegression:
    """A multilayer perceptron for tables."""

    name: ClassVar[str] = "mlp-regression"
    summary: ClassVar[str] = "multilayer perceptron for tables"
    dataset: ClassVar[str] = "bike-sharing"
    expected: ClassVar["tuple[Band, ...]"] = ()

    target_column: str | None = None
    """Column of an own file that holds the numbers to predict; guessed where it is plain."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of an own file that are not to be used, such as those that give the target away."""
    hidden_sizes: tuple[int, ...] = (256, 256)
    """Units of each hidden layer."""
    dropout: float = 0.1
    """Share of the hidden units silenced in training, in [0, 0.99]."""
    fitting: Fitting = Fitting(batch_size=128, epochs=60, learning_rate=2e-3, decay="cosine")
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, dropout=SHARE)
        check_numbers("hidden_sizes", self.hidden_sizes)

    def open_data(self, setting: Setting, data: Path | None = None) -> "Dataset":
        """The rows it learns from, or others with the same columns from another file."""
        from chainrule.data.opening import open_examples

        return open_examples(
            None if data else setting.dataset,
            data or setting.data,
            kind="table",
            answer="numbers",
            target_column=self.target_column,
            ignore_columns=self.ignore_columns,
        )

    def build(self, setting: Setting) -> Assembly:
        """Standardises columns and target by the training split and makes a network with fresh weights."""
        import torch

        from chainrule.data.order import EpochOrder
        from chainrule.data.preprocess import TablePreprocessor, TargetScaler
        from chainrule.inference.tables import table_files
        from chainrule.learners.batches import Part, SplitBatches, gather_rows
        from chainrule.learners.objectives import squared_error
        from chainrule.models.folder import ModelConfig, build_model, write_model
        from chainrule.recipes.judging import value_figures
        from chainrule.recipes.supervised import assemble
        from chainrule.runtime.draws import reseed_all
        from chainrule.training.loop import Selection

        dataset = self.open_data(setting)
        train, held_out = dataset.split("train"), dataset.split("validation")
        preprocessor = TablePreprocessor.fit(train.features())
        scaler = TargetScaler.fit(train.targets())
        config = ModelConfig(
            family="mlp",
            arguments={
                "input_size": preprocessor.width,
                "hidden_sizes": list(self.hidden_sizes),
                "output_size": 1,
                "dropout": self.dropout,
            },
            task="tabular-regression",
            recipe=self.name,
        )
        device = torch.device(setting.compute.device)
        reseed_all(setting.seed, "weights")
        model = build_model(config).to(device)
        train_part, held_out_part = (
            Part(
                gather=gather_rows(preprocessor.transform(examples.features()), device),
                targets=torch.from_numpy(scaler.scale(examples.targets())).to(device),
            )
            for examples in (train, held_out)
        )
        batch_size = self.fitting.batch_size
        return assemble(
            setting,
            self.fitting,
            dataset=dataset,
            model=model,
            objective=squared_error,
            batches=SplitBatches(
                train=train_part,
                held_out=held_out_part,
                order=EpochOrder(examples=len(train), batch_size=batch_size, seed=setting.seed),
                evaluation_batch_size=16 * batch_size,
            ),
            judge=value_figures,
            selection=Selection("r2", higher_is_better=True),
            save_model=lambda folder: write_model(folder, model, config, table_files(preprocessor, scaler)),
        )

    def judge(self, setting: Setting, model_folder: Path, rows: Path | None = None) -> "Judgement":
        """R², beside ridge regression on the same columns."""
        from chainrule.evaluation.baselines import mean
        from chainrule.evaluation.describe import describer
        from chainrule.evaluation.linear import ridge
        from chainrule.evaluation.regression import judge_regression
        from chainrule.inference.tables import load_table_regressor
        from chainrule.recipes.judging import judged_on, scored_examples

        dataset = self.open_data(setting)
        train, held_out = dataset.split("train"), dataset.split("validation")
        test = scored_examples(dataset, rows, lambda path: self.open_data(setting, path))
        predictor = load_table_regressor(model_folder, setting.compute)

        def features(examples: "Examples") -> "NDArray[np.float32]":
            return predictor.preprocessor.transform(examples.features())

        judgement = judge_regression(
            predictions=predictor.values(features(test)),
            targets=test.targets(),
            target=self.target_column or "target",
            baselines=(mean(train, test), ridge(train, held_out, test, features=features)),
            describe=describer(test),
        )
        return judged_on(test, judgement)
