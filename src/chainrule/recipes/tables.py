"""What the recipes for tables have in common: a multilayer perceptron on standardised columns."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from chainrule.inference.tables import TableModel, table_files
from chainrule.learners.batches import Part, SplitBatches, gather_table
from chainrule.learners.objectives import squared_error
from chainrule.models.folder import ModelConfig, build_model, write_model
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.judging import class_figures, value_figures
from chainrule.recipes.supervised import Classifying, Fitting, assemble, placed
from chainrule.runtime.draws import reseed_all
from chainrule.training.loop import Selection


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
    dataset = columns.open(setting)
    train, held_out = dataset.split("train"), dataset.split("validation")
    preprocessor = TablePreprocessor.fit(train)
    scaler = None if classifying else TargetScaler.fit(train.targets())
    outputs = len(dataset.classes or ()) if classifying else 1
    config = ModelConfig(
        family="mlp",
        arguments={"input_size": preprocessor.width, "output_size": outputs, **arguments},
        task="tabular-classification" if classifying else "tabular-regression",
        recipe=recipe,
        classes=dataset.classes,
    )
    device = torch.device(setting.compute.device)
    reseed_all(setting.seed, "weights")
    model = placed(setting, build_model(config))

    def part(examples: Examples) -> Part:
        answers = scaler.scale(examples.targets()) if scaler else examples.labels()
        return Part(gather=gather_table(examples, preprocessor, device), targets=torch.from_numpy(answers).to(device))

    return assemble(
        setting,
        fitting,
        dataset=dataset,
        model=model,
        objective=classifying.objective(train, outputs) if classifying else squared_error,
        batches=SplitBatches(
            train=part(train),
            held_out=part(held_out),
            order=EpochOrder(examples=len(train), batch_size=fitting.batch_size, seed=setting.seed),
            evaluation_batch_size=16 * fitting.batch_size,
        ),
        judge=class_figures if classifying else value_figures,
        # The loss is the finer measure where a validation split of a few dozen rows is soon all right.
        selection=Selection("loss", higher_is_better=False) if classifying else Selection("r2", higher_is_better=True),
        save_model=lambda folder: write_model(folder, model, config, table_files(preprocessor, scaler)),
    )


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
