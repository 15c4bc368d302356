"""What a network on our own autograd minimises: the loss of each example; the same as in `objectives`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import autograd
from chainrule.autograd import Tensor

ArrayObjective: TypeAlias = Callable[[Tensor, NDArray[Any]], Tensor]


def cross_entropy(*, class_weights: Sequence[float] | None = None, label_smoothing: float = 0.0) -> ArrayObjective:
    """The negative logarithm of the probability of the right class.

        L = −w[y] · log softmax(scores)[y]

    Args:
        class_weights: a factor a class; 1 for all where None.
        label_smoothing: share of the target that is spread evenly over all classes, in [0, 1)
            (Szegedy et al., arXiv 1512.00567).
    """
    weights = None if class_weights is None else np.array(class_weights, np.float32)

    def losses(scores: Tensor, classes: NDArray[Any]) -> Tensor:
        plain = autograd.cross_entropy(scores, classes, reduction="none", label_smoothing=label_smoothing)  # (batch,)
        return plain if weights is None else plain * weights[classes]

    return losses


def squared_error(outputs: Tensor, targets: NDArray[Any]) -> Tensor:
    """The square of the difference; its mean over the batch is the mean squared error."""
    return (outputs.squeeze(1) - targets) ** 2  # (batch,)
