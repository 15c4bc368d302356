"""The vectors of a vocabulary, of which those may learn alone whose tokens the texts have.

In each step an optimizer reads and writes every row, and the gradient is cleared and measured in every row, though
most tokens of a published vocabulary occur in nobody's texts: MiniLM-L6's vectors are half of its parameters.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Vocabulary(nn.Embedding):
    """The vector of each token. Once divided, some learn and the others rest; what is saved and loaded is the whole.

    Args:
        size: tokens there are.
        values: of a vector.

    Attributes:
        weight: the vectors that learn, in the order of their tokens, (learning, values); all until divided.
    """

    def __init__(self, size: int, values: int) -> None:
        super().__init__(size, values)
        self.rows: Tensor | None
        self.resting: Tensor | None
        self.register_buffer("rows", None, persistent=False)  # of each token: those that learn first, then the others
        self.register_buffer("resting", None, persistent=False)  # the others' vectors, in the order of their tokens

    def learn_only(self, learns: Bool[Tensor, " size"]) -> None:
        """Divides the vectors; an optimizer is to be made afterwards, and texts of training have no resting token.

        Args:
            learns: of each token, whether its vector does.
        """
        whole, learns = self.whole(), learns.to(self.weight.device)
        self.rows = torch.where(learns, learns.cumsum(0), learns.sum() + (~learns).cumsum(0)) - 1
        self.resting = whole[~learns]
        self.weight = nn.Parameter(whole[learns], requires_grad=self.weight.requires_grad)

    def whole(self) -> Float[Tensor, "size values"]:
        """The vectors of all tokens, without a gradient."""
        weight = self.weight.detach()
        return weight if self.resting is None else torch.cat([weight, self.resting])[self.rows]

    def forward(self, input: Int[Tensor, "*places"]) -> Float[Tensor, "*places values"]:  # noqa: A002 - torch's name
        """The vector of each token."""
        if self.rows is None or self.resting is None:
            return super().forward(input)
        vectors = self.weight if self.training else torch.cat([self.weight, self.resting])
        return nn.functional.embedding(self.rows[input], vectors)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001 - torch's
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.rows is not None:
            destination[f"{prefix}weight"] = self.whole()

    @torch.no_grad()
    def _load_from_state_dict(self, *given: Any) -> None:
        if self.rows is None or self.resting is None:
            super()._load_from_state_dict(*given)
            return
        learning = self.weight
        self.weight = nn.Parameter(self.whole())  # torch holds what comes against it
        super()._load_from_state_dict(*given)
        first, others = self.weight[self.rows.argsort()].split([len(learning), len(self.resting)])
        self.weight = learning
        self.weight.copy_(first)
        self.resting.copy_(others)
