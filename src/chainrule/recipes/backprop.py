"""What the recipes on our own autograd have in common: a perceptron on standardised columns, in NumPy alone."""

from functools import partial

import numpy as np
import pyarrow as pa

from chainrule.autograd import SGD, Adam, AdamW, Module, Optimizer
from chainrule.data.dataset import Examples
from chainrule.data.row_store import rows_of
from chainrule.data.table_columns import Number
from chainrule.evaluation.boundary import COLOURS, Plane, draw_boundary
from chainrule.evaluation.judgement import Plot
from chainrule.inference.classes import softmax
from chainrule.learners.array_batches import ArrayBatches, ArrayPart
from chainrule.learners.array_objectives import cross_entropy, squared_error
from chainrule.learners.backpropagation import BackpropagationLearner
from chainrule.learners.film import Film, frame_steps
from chainrule.models.perceptron import forward_flops, perceptron
from chainrule.recipes.backprop_settings import Perceptron
from chainrule.recipes.contract import Assembly, Setting
from chainrule.recipes.supervised import Classifying, Fitting
from chainrule.recipes.tables import EVALUATION_BATCHES, TableColumns, TableTask
from chainrule.runtime.draws import generator

MOST_POINTS = 500  # in a picture; more hide what the network says


def build_backprop(
    setting: Setting,
    columns: TableColumns,
    fitting: Fitting,
    network: Perceptron,
    *,
    recipe: str,
    classifying: Classifying | None = None,
) -> Assembly:
    """Standardises the columns by the training split and makes a network with fresh weights.

    Args:
        setting: where and on what.
        columns: where the table is read from.
        fitting: how it is fitted.
        network: what it is, and its optimizer.
        recipe: its name.
        classifying: what is asked of a classifier; None for regression.
    """
    task = TableTask.of(setting, columns)
    shape = {"hidden_sizes": list(network.hidden_sizes), "activation": network.activation}
    config = task.config("perceptron", recipe, shape)
    model = perceptron(**config.arguments, generator=generator(setting.seed, "weights"))
    order = task.order(fitting, setting.seed)
    steps = setting.steps or fitting.steps(order.steps_per_epoch)
    plane = _plane(task) if classifying else None
    film = None if plane is None else _film(task, plane, steps)

    def part(examples: Examples) -> ArrayPart:
        return ArrayPart(rows=rows_of(examples, task.preprocessor), targets=task.answers(examples))

    if classifying:
        weights = classifying.weights_for(task.train.labels(), task.outputs)
        objective = cross_entropy(class_weights=weights, label_smoothing=classifying.label_smoothing)
    learner = BackpropagationLearner(
        model=model,
        objective=objective if classifying else squared_error,
        optimizer=optimizer_of(model, network, fitting),
        learning_rate=fitting.rates(steps),
        batches=ArrayBatches(
            train=part(task.train),
            held_out=part(task.held_out),
            order=order,
            evaluation_batch_size=EVALUATION_BATCHES * fitting.batch_size,
        ),
        judge=task.figures,
        forward_flops=forward_flops,
        clip_norm=fitting.clip_norm,
        parts=fitting.accumulate,
        watcher=film,
    )

    def plots() -> tuple[Plot, ...]:
        if plane is None or film is None:
            return ()
        frames = [(frame.updates, frame.probabilities) for frame in film.frames]
        return (Plot("decision-boundary.png", partial(draw_boundary, plane, frames)),)

    return Assembly(
        learner=learner,
        steps=steps,
        evaluate_every=order.steps_per_epoch,
        selection=task.selection,
        save_model=lambda folder: task.save(folder, model, config),
        data=task.dataset.summary(),
        plots=plots,
    )


def optimizer_of(model: Module, network: Perceptron, fitting: Fitting) -> Optimizer:
    """The optimizer; weight decay is for matrices alone: biases keep their size."""
    every = list(model.parameters())
    groups = [
        {"params": [weight for weight in every if (weight.ndim > 1) is is_matrix], "weight_decay": decay}
        for is_matrix, decay in ((True, fitting.weight_decay), (False, 0.0))
    ]
    if network.optimizer == "sgd":
        return SGD(groups, lr=fitting.learning_rate, momentum=network.momentum)
    return {"adam": Adam, "adamw": AdamW}[network.optimizer](groups, lr=fitting.learning_rate)


def _plane(task: TableTask) -> Plane | None:
    """The plane of a table with two columns of numbers, whose network can be drawn; None for another."""
    columns, classes = task.preprocessor.columns, task.dataset.classes or ()
    if len(columns) != 2 or not all(isinstance(column, Number) for column in columns) or len(classes) > len(COLOURS):
        return None
    few = task.train.limited_to(MOST_POINTS)
    cells = few.features()
    values = [np.array(cells[column.name].to_numpy(zero_copy_only=False), np.float64) for column in columns]
    examples = np.stack(values, axis=1)  # (examples, 2)
    whole = np.isfinite(examples).all(axis=1)
    if not whole.any():
        return None
    names = (columns[0].name, columns[1].name)
    return Plane(names=names, examples=examples[whole], labels=few.labels()[whole], classes=classes)


def _film(task: TableTask, plane: Plane, steps: int) -> Film:
    """What looks at the network while it learns."""
    cells = dict(zip(plane.names, map(pa.array, plane.points()), strict=True))
    return Film(points=task.preprocessor.transform(cells), steps=frame_steps(steps), probabilities=softmax)
