"""Sequences ready for a network: standardised steps, one after another, and where each sequence lies."""

import json
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.data.dataset import Examples
from chainrule.data.table_columns import finite, positive
from chainrule.errors import DataError, ModelFolderError


@dataclass(frozen=True, kw_only=True)
class SequencePreprocessor:
    """What mean and deviation each value of a step has."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    """Above 0."""

    @classmethod
    def fit(cls, examples: Examples) -> "SequencePreprocessor":
        """Mean and deviation of each value over all steps; a value that never changes keeps its scale.

        Args:
            examples: the training split.
        """
        return cls.of(examples.sequences())

    @classmethod
    def of(cls, sequences: list[NDArray[np.float32]]) -> "SequencePreprocessor":
        """The same for sequences in memory, an array (time, values) each."""
        steps = np.concatenate(sequences).astype(np.float64)
        deviation = steps.std(axis=0)
        return cls(
            mean=tuple(map(float, steps.mean(axis=0))),
            deviation=tuple(float(value) or 1.0 for value in deviation),
        )

    @property
    def width(self) -> int:
        """Values a step."""
        return len(self.mean)

    def transform(self, sequence: Float[np.ndarray, "time values"]) -> Float[np.ndarray, "time values"]:
        """A sequence with values of mean 0 and deviation 1.

        Raises:
            DataError: its steps have another number of values, or a value is not finite.
        """
        if sequence.ndim != 2 or sequence.shape[1] != self.width or not len(sequence):
            raise DataError(
                f"a sequence of shape {sequence.shape} was given; at least one step of {self.width} values was needed."
            )
        if not np.isfinite(sequence).all():
            step = int(np.argmin(np.isfinite(sequence).all(axis=1))) + 1
            raise DataError(f"step {step} of a sequence holds what is no finite number; leave it out or fill it in.")
        scaled: NDArray[np.float32] = ((sequence - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)
        return scaled

    def to_json(self) -> str:
        """What `from_json` takes."""
        return json.dumps({"mean": self.mean, "deviation": self.deviation}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "SequencePreprocessor":
        """The preprocessor that `to_json` wrote.

        Raises:
            ModelFolderError: it did not write this.
        """
        try:
            content = json.loads(text)
            mean, deviation = tuple(map(finite, content["mean"])), tuple(map(positive, content["deviation"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"the model's description of its sequences cannot be read ({error!r}).") from error
        if not mean or len(mean) != len(deviation):
            raise ModelFolderError("the model's description of its sequences has not as many means as deviations.")
        return cls(mean=mean, deviation=deviation)


@dataclass(frozen=True, kw_only=True)
class SequenceStore:
    """Many sequences, one after another."""

    steps: Float[np.ndarray, "steps values"]
    lengths: Int[np.ndarray, " sequences"]

    @classmethod
    def of(cls, sequences: list[NDArray[np.float32]], preprocessor: SequencePreprocessor) -> "SequenceStore":
        """The sequences, standardised."""
        scaled = [preprocessor.transform(sequence) for sequence in sequences]
        steps = np.concatenate(scaled) if scaled else np.empty((0, preprocessor.width), np.float32)
        return cls(steps=steps, lengths=np.array([len(sequence) for sequence in scaled], np.int64))

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, positions: Int[np.ndarray, " batch"]) -> Float[np.ndarray, "batch time values"]:
        """Some sequences side by side, padded with 0 at their ends to the longest."""
        ends = np.cumsum(self.lengths)[positions]
        lengths = self.lengths[positions]
        inside = np.arange(lengths.max(initial=0)) < lengths[:, None]
        batch = np.zeros((*inside.shape, self.steps.shape[1]), np.float32)
        places = (ends - lengths)[:, None] + np.arange(inside.shape[1])
        batch[inside] = self.steps[places[inside]]
        return batch
