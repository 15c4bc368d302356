"""What all classifiers have in common."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.data.dataset import Positions
from chainrule.errors import ModelFolderError, NotFiniteError, OperandError
from chainrule.runtime.devices import NO_MEMORY, Compute


def outputs_of(
    model: nn.Module,
    gather: Callable[[Positions], tuple[Tensor, ...]],
    batches: Iterable[Positions],
    compute: Compute,
) -> NDArray[np.float32]:
    """What a model gives for every example, in the order of their positions, not of the batches.

    Args:
        model: on the device of `compute`.
        gather: positions → the model's arguments.
        batches: every position once.
        compute: precision and threads.

    Returns:
        (examples, outputs).
    """

    def answer(batch: Positions) -> NDArray[np.float32]:
        inputs = gather(batch)
        with compute.autocast(), parts_fit():
            output: Tensor = model(*inputs)
        return output.float().cpu().numpy()

    with compute.active(), torch.no_grad():
        return in_order(answer, batches)


def in_order(answer: Callable[[Positions], NDArray[np.float32]], batches: Iterable[Positions]) -> NDArray[np.float32]:
    """The answers to all examples, (examples, outputs), in the order of their positions.

    Args:
        answer: positions → the model's outputs for them.
        batches: every position once.

    Raises:
        NotFiniteError: an answer is infinite or not a number.
    """
    positions, outputs = [], []
    for batch in batches:
        positions.append(batch)
        outputs.append(answer(batch))
    together = np.concatenate(outputs)
    ordered = np.empty_like(together)
    ordered[np.concatenate(positions)] = together
    wrong = np.flatnonzero(~np.isfinite(ordered).all(axis=1))
    if len(wrong):
        raise NotFiniteError(
            f"the model's answer to input {wrong[0] + 1} is not finite: the input is too far from what was learned "
            "from, or the weights are damaged and the model must be trained again."
        )
    return ordered


@contextlib.contextmanager
def parts_fit() -> Iterator[None]:
    """Turns what a model raises at inputs it was not made for into one sentence.

    Raises:
        ModelFolderError: its preprocessing makes other inputs than its weights take.
    """
    try:
        yield
    except (RuntimeError, IndexError, OperandError) as error:
        if NO_MEMORY.search(str(error)):
            raise
        reason = str(error).splitlines()[0]
        raise ModelFolderError(
            f"the model's preprocessing does not fit its weights ({reason}); copy the whole model folder again."
        ) from error


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities that sum to 1 in each row."""
    shifted = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def answers(probabilities: NDArray[np.float64], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The most probable class of each example and its probability.

    Raises:
        ModelFolderError: the model tells apart more or fewer classes than have names.
    """
    if probabilities.shape[1] != len(classes):
        raise ModelFolderError(
            f"the model tells {probabilities.shape[1]} classes apart, and its folder names {len(classes)}; "
            "copy the whole model folder again."
        )
    best = probabilities.argmax(axis=1)
    return [
        {"label": classes[place], "probability": float(row[place])}
        for row, place in zip(probabilities, best, strict=True)
    ]
