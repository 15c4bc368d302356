"""A Q-network for mazes of any size: value iteration with rules that are learned.

After value iteration networks (Tamar et al., arXiv 1602.02867), which plan within the network.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chainrule.models.q_network import dueled, outputs_of

ACTIONS = 4  # up, right, down, left
NEIGHBOURHOOD = 9  # squares
# At the beginning a step costs a little and leads on: so what is good somewhere, such as at a goal, is seen from afar.
GAIN, ARRIVES = -0.05, 3.0
CALM = 0.3  # of the usual size of fresh weights, so that at first all squares are nearly alike
LOOK, STILL = 8, 1e-5  # rounds from one look at whether anything still changes to the next, and what counts as nothing


def neighbourhoods(maps: Float[Tensor, "channels height width scenes"]) -> Float[Tensor, "more inner_h inner_w scenes"]:
    """What is at each square but the outermost and at the eight around it: with a linear layer a 3x3 convolution."""
    _, height, width, _ = maps.shape
    moved = [maps[:, row : row + height - 2, column : column + width - 2] for row in range(3) for column in range(3)]
    return torch.cat(moved)  # (9 channels, height - 2, width - 2, scenes)


def beside(values: Float[Tensor, "height width scenes"]) -> Float[Tensor, "4 inner_h inner_w scenes"]:
    """The values of the four squares to which the actions lead, of each square but the outermost."""
    return torch.stack([values[:-2, 1:-1], values[1:-1, 2:], values[2:, 1:-1], values[1:-1, :-2]])


def framed(inner: Float[Tensor, "*more inner_h inner_w scenes"], value: float) -> Float[Tensor, "*more h w scenes"]:
    """The same with the outermost squares around it."""
    return nn.functional.pad(inner, (0, 0, 1, 1, 1, 1), value=value)


class EachSquare(nn.Sequential):
    """Layers applied to what is at each square: a convolution of 1x1, for maps with the scenes last."""

    def forward(self, maps: Float[Tensor, "into height width scenes"]) -> Float[Tensor, "out height width scenes"]:
        """The outputs at each square."""
        outputs = maps.flatten(1).T  # (height · width · scenes, into)
        for layer in self:
            outputs = layer(outputs)
        return outputs.T.reshape(-1, *maps.shape[1:])


class ValueIteration(nn.Module):
    """Walls and goal → what each step is worth, at every square of a maze at once.

    What a square and the eight around it hold gives, by a small network, for each action a a gain b_a and the chances
    that the action leads to the square beside, m_a, that it leads nowhere, c_a, or that nothing comes after it. Then
    values spread, the same rule in every round and at every square, until nothing changes:

        Q_k(s, a) = b_a(s) + γ (m_a(s) V_k(n_a) + c_a(s) V_k(s)),   V_{k+1}(s) = max over a of Q_k(s, a)

    n_a is the square in the direction of a. That is value iteration with rewards and transitions that are learned: b, m
    and c come from what the agents live through, and hold at squares of mazes never seen. What is given is that an
    action leads to the square beside or nowhere; at first it mostly does, and costs a little.

    There are as many rounds as the maze asks for, up to ways of some hundred steps, where a value discounted by 0.98 a
    step is too little to be seen; each is a few products and comparisons a square. Only the last few keep what a
    gradient needs; those before are taken as given, as in Jacobian-free backpropagation through a fixed point (Fung et
    al., arXiv 2103.12803).

    It differs from the paper: rules differ from square to square with what is there, as chances, where there one
    kernel moves values the same way everywhere; the rounds end by themselves; and the last Q is the answer, with no
    network after it.

    Args:
        lowest: a value that no square's true one is below, with which all begin.
        discount: γ, at most what a reward a step later counts, in [0, 1).
        hidden_size: units of the small network, ≥ 1.
        rounds_learned: the last rounds, through which gradients go, ≥ 1.
        layer_norm: whether the hidden units are normalised.
        dueling: whether gains are a value of the square and advantages of the actions, see `dueled`.
    """

    def __init__(
        self,
        *,
        lowest: float,
        discount: float,
        hidden_size: int = 64,
        rounds_learned: int = 12,
        layer_norm: bool = True,
        dueling: bool = False,
    ) -> None:
        super().__init__()
        self.actions = ACTIONS
        self.lowest, self.discount = lowest, discount
        self.rounds_learned = rounds_learned
        self.dueling = dueling
        self.gains = outputs_of(ACTIONS, dueling=dueling)
        final = nn.Linear(hidden_size, self.gains + 3 * ACTIONS)
        self.look = EachSquare(
            nn.Linear(2 * NEIGHBOURHOOD, hidden_size),
            *([nn.LayerNorm(hidden_size)] if layer_norm else []),
            nn.ReLU(),
            final,
        )
        with torch.no_grad():
            final.weight *= CALM
            final.bias.zero_()
            final.bias[: self.gains] = GAIN
            final.bias[self.gains : self.gains + ACTIONS] = ARRIVES

    def forward(self, scenes: Float[Tensor, "scenes 2 height width"]) -> Float[Tensor, "scenes squares 4"]:
        """What each action is worth at each square, numbered row by row; at the outermost, which are walls, 0.

        Args:
            scenes: planes of 0 and 1, walls and goal.
        """
        planes = scenes.permute(1, 2, 3, 0).contiguous()  # (2, height, width, scenes): a square's scenes lie together
        rules = self.rules(planes)
        values = self._settled([rule.detach() for rule in rules], scenes.shape)
        for _ in range(self.rounds_learned - 1):
            values = framed(self.judged(values, *rules).amax(dim=0), self.lowest)
        found = framed(self.judged(values, *rules), 0.0)  # (4, height, width, scenes)
        return found.permute(3, 1, 2, 0).flatten(1, 2)  # (scenes, squares, 4)

    def rules(self, planes: Float[Tensor, "2 height width scenes"]) -> tuple[Tensor, Tensor, Tensor]:
        """b, γm and γc of each action, each (4, height - 2, width - 2, scenes)."""
        outputs = self.look(neighbourhoods(planes))
        gain, chances = outputs[: self.gains], outputs[self.gains :].unflatten(0, (3, ACTIONS)).softmax(dim=0)
        if self.dueling:
            gain = dueled(gain.movedim(0, -1)).movedim(-1, 0)
        return gain, self.discount * chances[0], self.discount * chances[1]

    def judged(self, values: Tensor, gain: Tensor, moves: Tensor, stays: Tensor) -> Tensor:
        """One round: Q of each action at all squares but the outermost, (4, height - 2, width - 2, scenes)."""
        return gain + moves * beside(values) + stays * values[1:-1, 1:-1]

    @torch.no_grad()
    def _settled(self, rules: list[Tensor], shape: torch.Size) -> Float[Tensor, "height width scenes"]:
        """The values when nothing changes any more, or after half as many rounds as there are squares.

        About half of a maze's squares are walls, and no shortest way goes twice through any of the others.
        """
        count, _, height, width = shape
        values = rules[0].new_full((height, width, count), self.lowest)
        inner = values[1:-1, 1:-1]
        for number in range(height * width // 2):
            if number % LOOK == 0:
                before = values.clone()
            inner.copy_(torch.maximum(inner, self.judged(values, *rules).amax(dim=0)))
            if number % LOOK == LOOK - 1 and bool((values - before).amax() <= STILL):
                break
        return values

    def forward_flops(self, scenes: Float[Tensor, "scenes 2 height width"]) -> float:
        """Two operations a weight and inner square; the rounds, a few operations a square each, are not counted."""
        count, _, height, width = scenes.shape
        weights = sum(module.weight.numel() for module in self.modules() if isinstance(module, nn.Linear))
        return 2.0 * weights * (height - 2) * (width - 2) * count
