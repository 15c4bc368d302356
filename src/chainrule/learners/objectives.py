"""What a supervised learner minimises: the loss of each example."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

Objective = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(*, class_weights: Sequence[float] | None = None, label_smoothing: float = 0.0) -> Objective:
    """The negative logarithm of the probability of the right class.

        L = −w[y] · log softmax(scores)[y]

    Args:
        class_weights: a factor a class; 1 for all where None.
        label_smoothing: share of the target that is spread evenly over all classes, in [0, 1)
            (Szegedy et al., arXiv 1512.00567).
    """
    weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

    def losses(scores: Float[Tensor, "batch classes"], classes: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        plain = nn.functional.cross_entropy(scores, classes, reduction="none", label_smoothing=label_smoothing)
        return plain if weights is None else plain * weights.to(plain.device)[classes]

    return losses


def squared_error(outputs: Float[Tensor, "batch 1"], targets: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """The square of the difference; its mean over the batch is the mean squared error."""
    return (outputs.squeeze(1) - targets).square()


def balanced_class_weights(labels: NDArray[np.int64], classes: int) -> list[float]:
    """Weights under which every class counts the same in all: examples / (classes · examples of the class).

    Args:
        labels: class indices of the training split, (examples,).
        classes: how many; one without an example gets weight 0.
    """
    counts = np.bincount(labels, minlength=classes)
    return [float(len(labels) / (classes * count)) if count else 0.0 for count in counts]
