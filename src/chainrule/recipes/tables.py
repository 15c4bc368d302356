"""What the recipes for tables have in common: standardised columns, a network on them, and how it is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.data.columns import Answer
from chainrule.data.dataset import Dataset, Examples
from chainrule.data.opening import open_examples
from chainrule.data.order import EpochOrder
from chainrule.data.preprocess import TablePreprocessor, TargetScaler
from chainrule.data.table_columns import Category
from chainrule.data.taught import Taught
from chainrule.evaluation.baselines import majority, mean
from chainrule.evaluation.classification import judge_classification
from chainrule.evaluation.describe import describer
from chainrule.evaluation.judgement import Judgement
from chainrule.evaluation.linear import logistic_regression, ridge
from chainrule.evaluation.regression import judge_regression
from chainrule.inference.tables import TableModel, load_table_classifier, load_table_regressor, table_files
from chainrule.learners.batches import Part, SplitBatches, gather_table
from chainrule.learners.objectives import squared_error
from chainrule.models.folder import ModelConfig, build_model, write_model
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.judging import class_figures, scored_examples, value_figures
from chainrule.recipes.supervised import Classifying, Fitting, assemble, placed
from chainrule.runtime.draws import reseed_all
from chainrule.training.loop import Selection

EVALUATION_BATCHES = 16  # of training in one where nothing is learned


@dataclass(frozen=True, kw_only=True)
class TableColumns:
    """Where a table is read from: which answers it must hold, and what the user says of its columns."""

    answer: Answer
    chosen: Mapping[str, Any]

    @property
    def reading(self) -> dict[str, Any]:
        """What `open_examples` is told of the data."""
        return {"kind": "table", "answer": self.answer, **self.chosen}

    def open(self, setting: Setting) -> Dataset:
        """The rows of a run."""
        return open_examples(setting.dataset, setting.data, **self.reading)


@dataclass(frozen=True, kw_only=True)
class TableTask:
    """What is to be learned from a table: its splits, and columns and answers as numbers, fitted on training alone."""

    dataset: Dataset
    train: Examples
    held_out: Examples
    preprocessor: TablePreprocessor
    scaler: TargetScaler | None
    """Of the target; None where there are classes."""

    @classmethod
    def of(cls, setting: Setting, columns: TableColumns) -> "TableTask":
        """The task of a run."""
        dataset = columns.open(setting)
        train, held_out = dataset.split("train"), dataset.split("validation")
        return cls(
            dataset=dataset,
            train=train,
            held_out=held_out,
            preprocessor=TablePreprocessor.fit(train),
            scaler=None if dataset.classes else TargetScaler.fit(train.targets()),
        )

    @property
    def outputs(self) -> int:
        """How many a network has: one a class, or one."""
        return len(self.dataset.classes or ()) or 1

    def answers(self, examples: Examples) -> NDArray[Any]:
        """Class indices, or targets as a network learns them, (examples,)."""
        return self.scaler.scale(examples.targets()) if self.scaler else examples.labels()

    def config(self, family: str, recipe: str, arguments: Mapping[str, Any]) -> ModelConfig:
        """What the model's folder says; `arguments` are the family's without input and output size."""
        return ModelConfig(
            family=family,
            arguments={"input_size": self.preprocessor.width, "output_size": self.outputs, **arguments},
            task="tabular-regression" if self.scaler else "tabular-classification",
            recipe=recipe,
            classes=self.dataset.classes,
        )

    def order(self, fitting: Fitting, seed: int) -> EpochOrder:
        """The order of the training split."""
        return EpochOrder(examples=len(self.train), batch_size=fitting.batch_size, seed=seed)

    @property
    def figures(self) -> "Callable[[NDArray[np.float32], NDArray[Any]], Mapping[str, float]]":
        """From outputs and answers of the validation split to figures."""
        return value_figures if self.scaler else class_figures

    @property
    def selection(self) -> Selection:
        """Which figure tells the best weights."""
        # The loss is the finer measure where a validation split of a few dozen rows is soon all right.
        return Selection("r2", higher_is_better=True) if self.scaler else Selection("loss", higher_is_better=False)

    def save(self, folder: Path, model: Any, config: ModelConfig) -> None:
        """Writes a model with what makes columns into its inputs, and its output into the target."""
        write_model(folder, model, config, table_files(self.preprocessor, self.scaler))


def build_perceptron(
    setting: Setting,
    columns: TableColumns,
    fitting: Fitting,
    *,
    recipe: str,
    arguments: Mapping[str, Any],
    classifying: Classifying | None = None,
) -> Assembly:
    """Standardises the columns by the training split and makes a network with fresh weights.

    Args:
        setting: where and on what.
        columns: where the table is read from.
        fitting: how it is fitted.
        recipe: its name.
        arguments: of `MultilayerPerceptron`, without its input and output size.
        classifying: what is asked of a classifier; None for regression.
    """
    task = TableTask.of(setting, columns)
    config = task.config("mlp", recipe, arguments)
    device = torch.device(setting.compute.device)
    reseed_all(setting.seed, "weights")
    model = placed(setting, build_model(config))

    def part(examples: Examples) -> Part:
        targets = torch.from_numpy(task.answers(examples)).to(device)
        return Part(gather=gather_table(examples, task.preprocessor, device), targets=targets)

    return assemble(
        setting,
        fitting,
        dataset=task.dataset,
        model=model,
        objective=classifying.objective(task.train, task.outputs) if classifying else squared_error,
        batches=SplitBatches(
            train=part(task.train),
            held_out=part(task.held_out),
            order=task.order(fitting, setting.seed),
            evaluation_batch_size=EVALUATION_BATCHES * fitting.batch_size,
        ),
        judge=task.figures,
        selection=task.selection,
        save_model=lambda folder: task.save(folder, model, config),
    )


def judge_classifier(columns: TableColumns, setting: Setting, model_folder: Path, rows: ScoredFile | None) -> Judgement:
    """Accuracy, beside logistic regression on the same columns."""
    predictor = load_table_classifier(model_folder, setting.compute)
    features = partial(features_of, predictor.table)
    scored = scored_examples(setting, rows, taught(predictor.table, predictor.classes), **columns.reading)
    test = scored.test
    judgement = judge_classification(
        probabilities=predictor.probabilities(test),
        labels=test.labels(),
        classes=predictor.classes,
        baselines=scored.baselines(majority, partial(logistic_regression, features=features)),
        describe=describer(test),
    )
    return scored.judged(judgement)


def judge_regressor(columns: TableColumns, setting: Setting, model_folder: Path, rows: ScoredFile | None) -> Judgement:
    """R², beside ridge regression on the same columns."""
    predictor = load_table_regressor(model_folder, setting.compute)
    features = partial(features_of, predictor.table)
    scored = scored_examples(setting, rows, taught(predictor.table), **columns.reading)
    test = scored.test
    judgement = judge_regression(
        predictions=predictor.values(test),
        targets=test.targets(),
        target=columns.chosen.get("target_column") or "target",
        baselines=scored.baselines(mean, partial(ridge, features=features)),
        describe=describer(test),
    )
    return scored.judged(judgement)


def taught(model: TableModel, classes: tuple[str, ...] | None = None) -> Taught:
    """What a model knows of its columns and classes."""
    columns = (
        (column.name, column.categories if isinstance(column, Category) else None)
        for column in model.preprocessor.columns
    )
    return Taught(classes=classes, columns=tuple(columns))


def features_of(model: TableModel, examples: Examples) -> NDArray[np.float32]:
    """The matrix that a model sees, (examples, width)."""
    return model.preprocessor.transform(examples.features())
