"""The settings that the recipes on our own autograd share."""

from dataclasses import dataclass
from typing import Literal

from chainrule.recipes.supervised import SHARE, check_numbers, check_ranges


@dataclass(frozen=True, kw_only=True)
class Perceptron:
    """The network, and which optimizer changes it."""

    hidden_sizes: tuple[int, ...] = (32, 32)
    """Units of each hidden layer."""
    activation: Literal["tanh", "relu", "gelu"] = "tanh"
    """The nonlinearity after each hidden layer."""
    optimizer: Literal["sgd", "adam", "adamw"] = "adamw"
    """How a gradient becomes a step; sgd wants a learning rate about ten times as high."""
    momentum: float = 0.9
    """Share of the last step that sgd adds to the next, in [0, 0.99]; the others have their own."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, momentum=SHARE)
        check_numbers("hidden_sizes", self.hidden_sizes)
