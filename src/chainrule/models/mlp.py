"""The multilayer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn


class MultilayerPerceptron(nn.Module):
    """Layers of weighted sums, each followed by a nonlinearity, the last by none.

        h_0 = x,   h_l = dropout(activation(W_l h_{l-1} + b_l)),   y = W_L h_{L-1} + b_L

    With one hidden layer it can approximate any continuous function on a bounded set (Hornik, Stinchcombe and
    White, "Multilayer feedforward networks are universal approximators", Neural Networks 2, 1989).

    Args:
        input_size: values an example, ≥ 1.
        hidden_sizes: units of each hidden layer.
        output_size: values to give, ≥ 1: classes, or 1 for regression.
        dropout: share of the hidden units that is silenced in training, in [0, 1).
    """

    def __init__(self, *, input_size: int, hidden_sizes: Sequence[int], output_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        sizes = [input_size, *hidden_sizes]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.GELU(), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(sizes[-1], output_size)

    def forward(self, features: Float[Tensor, "batch input"]) -> Float[Tensor, "batch output"]:
        """Scores of the classes before softmax, or the predicted values."""
        outputs: Tensor = self.output(self.hidden(features))
        return outputs

    def forward_flops(self, features: Float[Tensor, "batch input"]) -> float:
        """Two operations a weight and example."""
        weights = sum(module.weight.numel() for module in self.modules() if isinstance(module, nn.Linear))
        return 2.0 * weights * len(features)
