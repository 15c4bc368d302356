"""The step of an LSTM."""

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from chainrule.autograd.layer_operations import linear
from chainrule.autograd.layers import inverse_root, uniform
from chainrule.autograd.module import Module
from chainrule.autograd.tensor import Tensor


class LSTMCell(Module):
    """One step of a long short-term memory.

        i, f, o = σ(W x + b + U h + b') each with weights of its own     what to write, keep and show
        g = tanh(W x + b + U h + b')                                     what could be written
        c ← f ⊙ c + i ⊙ g,   h ← o ⊙ tanh(c)

    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997. The weights of i, f, g and o
    stand below each other, as in torch.

    Args:
        input_size: values of an input.
        hidden_size: values of h and of c.
        bias: whether there are b and b'.
        generator: draws the first weights, evenly within ±1 / √hidden_size.
        dtype: of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        generator: Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        bound, rows = inverse_root(hidden_size), 4 * hidden_size
        self.hidden_size = hidden_size
        self.weight_ih = uniform(generator, bound, rows, input_size, dtype=dtype)
        self.weight_hh = uniform(generator, bound, rows, hidden_size, dtype=dtype)
        self.bias_ih = uniform(generator, bound, rows, dtype=dtype) if bias else None
        self.bias_hh = uniform(generator, bound, rows, dtype=dtype) if bias else None

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The next (h, c).

        Args:
            x: (n, input_size), or (input_size,).
            state: (h, c) of (n, hidden_size) each, or of (hidden_size,); zeros where left out.
        """
        if state is None:
            zeros = Tensor(np.zeros((*x.shape[:-1], self.hidden_size), x.dtype))
            state = (zeros, zeros)
        h, c = state
        gates = linear(x, self.weight_ih, self.bias_ih) + linear(h, self.weight_hh, self.bias_hh)  # (n, 4 hidden)
        size = self.hidden_size
        i, f, g, o = (gates[..., place * size : (place + 1) * size] for place in range(4))  # (n, hidden) each
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
