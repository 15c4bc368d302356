"""What a Transformer's layer does between its products, beside torch's own functions, in bfloat16.

    python -m benchmarks.between_products

Dropout with its gradient and its draws alone; the softmax of attention's scores.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.turns import in_turns, print_table
from chainrule.models.attention_products import PLACES, softmax
from chainrule.models.dropout import DRAWN_AT_ONCE, draw, draw_by_torch, dropout
from chainrule.runtime.devices import resolve_compute
from chainrule.runtime.memory import keep_freed_memory

TOKENS, HIDDEN, SHARE = 4096, 384, 0.1
HEADS, WIDTHS = 12, (64, 112, 128, 256, 352)  # places of a text
REPEATS = 40


def print_turns(contestants: dict[str, Callable[[], object]]) -> None:
    """The times of so many calls of each."""

    def repeated(work: Callable[[], object]) -> None:
        for _ in range(REPEATS):
            work()

    print_table(in_turns({name: partial(repeated, work) for name, work in contestants.items()}))


def dropouts() -> dict[str, Callable[[], object]]:
    """Of as many values as the vectors of so many tokens have, with the gradient."""
    values = torch.randn(TOKENS, HIDDEN).bfloat16().requires_grad_()
    gradient = torch.randn_like(values)

    def with_gradient(function: Callable[[Tensor, float], Tensor]) -> None:
        torch.autograd.grad(function(values, SHARE), values, gradient)

    return {
        "dropout, torch's": partial(with_gradient, nn.functional.dropout),
        "dropout": partial(with_gradient, dropout),
    }


def draws() -> dict[str, Callable[[], object]]:
    """As many as that dropout makes."""
    wanted = TOKENS * HIDDEN // DRAWN_AT_ONCE, torch.device("cpu")
    return {"its draws by torch's generator": partial(draw_by_torch, *wanted), "its draws": partial(draw, *wanted)}


def softmaxes(width: int) -> dict[str, Callable[[], object]]:
    """Of as many texts' scores as are computed together."""
    scores = torch.randn(max(1, PLACES // width**2) * HEADS, width, width).bfloat16()
    return {
        f"softmax, {width} places, torch's": partial(torch.softmax, scores, -1),
        f"softmax, {width} places": partial(softmax, scores),
    }


def main() -> None:
    """Prints the times."""
    keep_freed_memory()  # as a run does
    torch.set_num_threads(resolve_compute().threads)
    print_turns(dropouts())
    print_turns(draws())
    for width in WIDTHS:
        print_turns(softmaxes(width))


if __name__ == "__main__":
    main()
