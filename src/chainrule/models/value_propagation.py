"""A Q-network for mazes of any size: values spread from square to square until nothing changes.

After value propagation networks (Nardelli et al., arXiv 1805.11199), which plan within the network as value iteration
networks (Tamar et al., arXiv 1602.02867) do.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chainrule.models.q_network import dueled, outputs_of

NEIGHBOURHOOD = 9  # squares
OUTSIDE = -3.0  # value of the outermost squares, lower than that of any other
# At the beginning values flow everywhere, for what a wall is must be learned; they are low and fall with every square,
# so that what is high somewhere, such as at a goal, is seen from afar. Values that grow on their way say nothing of it.
START, FLOW, GAIN = -1.0, 2.0, -0.2
LOOK = 8  # rounds from one look at whether anything still changes to the next


def neighbourhoods(maps: Float[Tensor, "channels height width scenes"]) -> Float[Tensor, "more inner_h inner_w scenes"]:
    """What is at each square but the outermost and at the eight around it: with a linear layer a 3x3 convolution."""
    _, height, width, _ = maps.shape
    moved = [maps[:, row : row + height - 2, column : column + width - 2] for row in range(3) for column in range(3)]
    return torch.cat(moved)  # (9 channels, height - 2, width - 2, scenes)


def spread(
    values: Float[Tensor, "channels height width scenes"],
    share: Float[Tensor, "channels inner_h inner_w scenes"],
    gain: Float[Tensor, "channels inner_h inner_w scenes"],
) -> Float[Tensor, "channels inner_h inner_w scenes"]:
    """One round: v'(s) = max(v(s), p(s) · max_{n beside s} v(n) + b(s)), at all squares but the outermost."""
    upright = torch.maximum(values[:, :-2, 1:-1], values[:, 2:, 1:-1])
    level = torch.maximum(values[:, 1:-1, :-2], values[:, 1:-1, 2:])
    best = torch.maximum(upright, level)
    return torch.maximum(values[:, 1:-1, 1:-1], torch.addcmul(gain, share, best))


def framed(inner: Float[Tensor, "channels inner_h inner_w scenes"], value: float) -> Tensor:
    """The same with the outermost squares around it."""
    return nn.functional.pad(inner, (0, 0, 1, 1, 1, 1), value=value)  # (channels, height, width, scenes)


class EachSquare(nn.Sequential):
    """Layers applied to what is at each square: a convolution of 1x1, for maps with the scenes last."""

    def forward(self, maps: Float[Tensor, "into height width scenes"]) -> Float[Tensor, "out height width scenes"]:
        """The outputs at each square."""
        outputs = maps.flatten(1).T  # (height · width · scenes, into)
        for layer in self:
            outputs = layer(outputs)
        return outputs.T.reshape(-1, *maps.shape[1:])


class ValuePropagation(nn.Module):
    """Walls and goal → what each step is worth, at every square of a maze at once.

    What a square and the eight around it hold gives, by a small network, a first value v₀, a share p in (0, 1) and a
    gain b, in a few channels each. Then values spread, the same rule in every round and at every square, until nothing
    changes:

        v_{k+1}(s) = max(v_k(s), p(s) · max_{n beside s} v_k(n) + b(s))

    Another small network reads Q(s, ·) from the values and planes of the square and those around it. With p = γ and b
    the reward of a step where one can walk, and p = 0 in walls, the rule is value iteration; but nobody tells the
    network so: p, b and how to read them are learned from rewards.

    There are as many rounds as the maze asks for, and each is a few comparisons a square. Only the last few keep what a
    gradient needs; those before are taken as given, as in Jacobian-free backpropagation through a fixed point
    (Fung et al., arXiv 2103.12803). Every square is taught on its own, so what is lost is little.

    It differs from the paper: values spread to the four neighbours and not to eight; share and gain are free, where
    there p (v − r) + r is one; there are several channels; gradients go through the last rounds only.

    Args:
        channels: of values that spread, ≥ 1.
        hidden_size: units of both small networks, ≥ 1.
        actions: how many, ≥ 1.
        rounds_learned: the last rounds, through which gradients go, ≥ 0.
        layer_norm: whether the hidden units of both small networks are normalised.
        dueling: whether a state's value and the actions' advantages are told apart.
    """

    def __init__(
        self,
        *,
        channels: int = 8,
        hidden_size: int = 64,
        actions: int = 4,
        rounds_learned: int = 4,
        layer_norm: bool = True,
        dueling: bool = False,
    ) -> None:
        super().__init__()
        self.actions = actions
        self.rounds_learned = rounds_learned
        self.dueling = dueling

        def layer(into: int, out: int) -> list[nn.Module]:
            return [nn.Linear(into, out), *([nn.LayerNorm(out)] if layer_norm else []), nn.ReLU()]

        final = nn.Linear(hidden_size, 3 * channels)
        self.look = EachSquare(*layer(NEIGHBOURHOOD * 2, hidden_size), final)
        self.read = EachSquare(
            *layer(NEIGHBOURHOOD * (channels + 2), hidden_size),
            *layer(hidden_size, hidden_size),
            nn.Linear(hidden_size, outputs_of(actions, dueling=dueling)),
        )
        with torch.no_grad():
            for place, value in enumerate((START, FLOW, GAIN)):
                final.bias[place * channels : (place + 1) * channels] = value

    def forward(self, scenes: Float[Tensor, "scenes 2 height width"]) -> Float[Tensor, "scenes squares actions"]:
        """What each action is worth at each square, numbered row by row; at the outermost, which are walls, 0.

        Args:
            scenes: planes of 0 and 1, walls and goal.
        """
        planes = scenes.permute(1, 2, 3, 0).contiguous()  # (2, height, width, scenes): a square's scenes lie together
        first, logits, gain = self.look(neighbourhoods(planes)).chunk(3)
        share = logits.sigmoid()
        start = framed(first, OUTSIDE)
        reached = self._reached(start.detach(), share.detach(), gain.detach())
        values = torch.where(reached == start, start, reached)  # the first value keeps its gradient where it stands
        for _ in range(self.rounds_learned):
            values = framed(spread(values, share, gain), OUTSIDE)
        outputs = self.read(neighbourhoods(torch.cat([values, planes])))  # (outputs, height - 2, width - 2, scenes)
        outputs = framed(outputs, 0.0).permute(3, 1, 2, 0).flatten(1, 2)  # (scenes, squares, outputs)
        return dueled(outputs) if self.dueling else outputs

    @torch.no_grad()
    def _reached(self, start: Tensor, share: Tensor, gain: Tensor) -> Tensor:
        """The values when nothing changes any more, or after half as many rounds as there are squares.

        About half of a maze's squares are walls, and no shortest way goes twice through any of the others.
        """
        values = start.clone()
        inner = values[:, 1:-1, 1:-1]
        for number in range(start.shape[1] * start.shape[2] // 2):
            if number % LOOK == 0:
                before = values.clone()
            inner.copy_(spread(values, share, gain))
            if number % LOOK == LOOK - 1 and torch.equal(before, values):
                break
        return values

    def forward_flops(self, scenes: Float[Tensor, "scenes 2 height width"]) -> float:
        """Two operations a weight and inner square; the rounds, which are comparisons above all, are not counted."""
        count, _, height, width = scenes.shape
        weights = sum(module.weight.numel() for module in self.modules() if isinstance(module, nn.Linear))
        return 2.0 * weights * (height - 2) * (width - 2) * count
