"""A linear map in bfloat16 as a convolution beside torch's product, both with all gradients.

    python -m benchmarks.linear_rows

At the sizes of MiniLM-L6 and over several numbers of rows; `models.linear_rows.MANY` goes by it. As in a network a map
does not read what the one before it read, so that its operands come from memory.
"""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.turns import in_turns
from chainrule.models.linear_rows import map_by_convolution
from chainrule.runtime.devices import resolve_compute

MAPS = {"query, key, value": (384, 1152), "output": (384, 384), "wide": (384, 1536), "narrow": (1536, 384)}
ROWS = (256, 512, 1024, 2048, 4096, 8192)
ROWS_A_TURN = 65_536
OPERANDS = 16  # of each kind, in memory at once

Map = Callable[[Tensor, Tensor, Tensor], Tensor]


def turn(compute: Map, rows: int, inputs: int, outputs: int) -> Callable[[], None]:
    """As many maps as have so many rows together, with the gradients of x, W and b."""

    def operand(*shape: int) -> Tensor:
        return torch.randn(shape).bfloat16().requires_grad_()

    xs = [operand(rows, inputs) for _ in range(OPERANDS)]
    gradients = [operand(rows, outputs).detach() for _ in range(OPERANDS)]
    weight, bias = operand(outputs, inputs), operand(outputs)

    def work() -> None:
        for number in range(ROWS_A_TURN // rows):
            y = compute(xs[number % OPERANDS], weight, bias)
            torch.autograd.grad(y, (xs[number % OPERANDS], weight, bias), gradients[number % OPERANDS])

    return work


def main() -> None:
    """Prints what part of the product's time the convolution takes."""
    torch.set_num_threads(resolve_compute().threads)
    for name, (inputs, outputs) in MAPS.items():
        for rows in ROWS:
            sizes = rows, inputs, outputs
            seconds = in_turns(
                {"product": turn(nn.functional.linear, *sizes), "convolution": turn(map_by_convolution, *sizes)}
            )
            ratios = [own / other for own, other in zip(seconds["convolution"], seconds["product"], strict=True)]
            rate = 6 * ROWS_A_TURN * inputs * outputs / statistics.median(seconds["convolution"])
            print(
                f"{name:<17}  {inputs:>5} → {outputs:<5}  {rows:>5} rows   {rate / 1e9:5.0f} GFLOP/s, "
                f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}] of the product's time"
            )


if __name__ == "__main__":
    main()
