"""The vectors of a vocabulary's tokens, some of which may rest while the others learn.

A published vocabulary has many tokens that a user's texts do not have: their gradient is 0, but an optimizer would read
and write their vectors and moments in every step.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Vocabulary(nn.Embedding):
    """The vector of each token. What is saved and loaded is the whole table; while some rest, as a copy.

    Args:
        size: tokens there are.
        hidden_size: values of a vector.

    Attributes:
        weight: the vectors that learn, in the order of their tokens, (learning, hidden_size); all at first.
        resting: those that rest, likewise; None while none does.
        rows: the row of each token in the two tables one after the other, (size,); None while none rests.
    """

    def __init__(self, *, size: int, hidden_size: int) -> None:
        super().__init__(size, hidden_size)
        self.resting: Tensor | None
        self.rows: Tensor | None
        self.register_buffer("resting", None, persistent=False)
        self.register_buffer("rows", None, persistent=False)

    def rest(self, resting: Bool[Tensor, " size"]) -> None:
        """Lets vectors rest; an optimizer is to be made afterwards, of the new `weight`.

        Args:
            resting: of each token, whether its vector does; none of a text that is learned from, where the lookup
                would raise an IndexError.
        """
        whole, resting = self.whole(), resting.to(self.weight.device)
        learning = ~resting
        self.weight = nn.Parameter(whole[learning], requires_grad=self.weight.requires_grad)
        self.resting = self.rows = None
        if resting.any():
            self.resting = whole[resting]
            self.rows = torch.where(learning, learning.cumsum(0), learning.sum() + resting.cumsum(0)) - 1

    def whole(self) -> Float[Tensor, "size hidden_size"]:
        """The vectors of all tokens, without a gradient."""
        weight = self.weight.detach()
        return weight if self.resting is None else torch.cat([weight, self.resting])[self.rows]

    def forward(self, input: Int[Tensor, "*places"]) -> Float[Tensor, "*places hidden_size"]:  # noqa: A002 - torch's name
        """The vector of each token."""
        if self.rows is None or self.resting is None:
            return super().forward(input)
        rows = self.rows[input]
        if self.training:
            return nn.functional.embedding(rows, self.weight)
        learned = nn.functional.embedding(rows.clamp(max=len(self.weight) - 1), self.weight)
        rested = nn.functional.embedding((rows - len(self.weight)).clamp(min=0), self.resting)
        return torch.where((rows < len(self.weight))[..., None], learned, rested)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:  # noqa: FBT001 - torch's
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.resting is not None:
            destination[f"{prefix}weight"] = self.whole()

    @torch.no_grad()
    def _load_from_state_dict(self, *given: Any) -> None:
        if self.rows is None or self.resting is None:
            super()._load_from_state_dict(*given)
            return
        learning = self.weight
        self.weight = nn.Parameter(self.whole())  # torch holds what comes against it
        super()._load_from_state_dict(*given)
        ordered = self.weight[self.rows.argsort()]
        self.weight = learning  # the same one, which the optimizer has
        self.weight.copy_(ordered[: len(learning)])
        self.resting.copy_(ordered[len(learning) :])
