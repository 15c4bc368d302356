"""What a Q-network over vectors is, and the dueling head that every Q-network may have.

A Q-network says of a scene what each action is worth at each of its squares: (scenes, squares, actions). A maze has
many squares, on any of which an agent may stand; a vector is a scene of one square.
"""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn


def outputs_of(actions: int, *, dueling: bool) -> int:
    """How many outputs the last layer has: one an action, and with a dueling head one more."""
    return actions + dueling


def dueled(outputs: Float[Tensor, "*places outputs"]) -> Float[Tensor, "*places actions"]:
    """Q from the value of a state and the advantages of the actions there.

        Q(s, a) = V(s) + A(s, a) − mean_b A(s, b)

    So V is learned from every action. Without the mean V and A would not be told apart. Wang et al., "Dueling network
    architectures for deep reinforcement learning", arXiv 1511.06581, equation 9.

    Args:
        outputs: V, then A of each action.
    """
    value, advantages = outputs[..., :1], outputs[..., 1:]
    return value + advantages - advantages.mean(dim=-1, keepdim=True)


class VectorQNetwork(nn.Module):
    """A multilayer perceptron with layer normalisation that gives a value for each action.

        h_0 = x,   h_l = relu(normalise(W_l h_{l-1} + b_l)),   Q(x, ·) = W_L h_{L-1} + b_L

    Normalisation over the units of a layer (Ba, Kiros and Hinton, arXiv 1607.06450) bounds what the network says of
    vectors far from those it has seen, and with it temporal differences stay stable without a target network: Gallici
    et al., "Simplifying deep temporal difference learning", arXiv 2407.04811.

    Args:
        input_size: values of a vector, ≥ 1.
        hidden_sizes: units of each hidden layer.
        actions: how many, ≥ 1.
        layer_norm: whether hidden layers are normalised.
        dueling: whether a state's value and the actions' advantages are told apart, see `dueled`.
    """

    def __init__(
        self,
        *,
        input_size: int,
        hidden_sizes: Sequence[int],
        actions: int,
        layer_norm: bool = True,
        dueling: bool = False,
    ) -> None:
        super().__init__()
        sizes = [input_size, *hidden_sizes]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), *([nn.LayerNorm(after)] if layer_norm else []), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(sizes[-1], outputs_of(actions, dueling=dueling))
        self.dueling = dueling
        self.input_size, self.actions = input_size, actions

    def forward(self, scenes: Float[Tensor, "scenes input"]) -> Float[Tensor, "scenes 1 actions"]:
        """What each action is worth."""
        outputs: Tensor = self.output(self.hidden(scenes))  # (scenes, outputs)
        return (dueled(outputs) if self.dueling else outputs)[:, None]

    def forward_flops(self, scenes: Float[Tensor, "scenes input"]) -> float:
        """Two operations a weight and vector."""
        weights = sum(module.weight.numel() for module in self.modules() if isinstance(module, nn.Linear))
        return 2.0 * weights * len(scenes)
