"""The rate at which the machine does one kind of arithmetic, measured in bounded time however slow it is."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

Work = Callable[[], object]

REPEATS = 5


class Arithmetic(Protocol):
    """One kind of arithmetic in any size."""

    def prepare(self, size: int) -> Work:
        """Makes the operands, and returns what computes with them."""
        ...

    def operations(self, size: int) -> int:
        """How many additions and multiplications that is."""
        ...


def waiter(device: str) -> Callable[[], None]:
    """What waits until the device has done all it was given; nothing on a processor: it never runs ahead."""
    import torch

    return {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)


def rate(
    arithmetic: Arithmetic,
    sizes: Sequence[int],
    *,
    target: float,
    wait: Callable[[], None] = lambda: None,
    choose: Callable[[Sequence[float]], float] = statistics.median,
) -> float:
    """Operations a second in the largest of the sizes that is expected to take no longer than `target`.

    Args:
        arithmetic: what is measured.
        sizes: ascending; the growth begins with the first, so that slow arithmetic shows itself cheaply.
        target: seconds one computation may take; all of them together take about three times that at most.
        wait: see `waiter`.
        choose: which of the times measured counts: the median, or `min` for the best.
    """
    growth = [arithmetic.operations(large) / arithmetic.operations(small) for small, large in pairwise(sizes)]
    for size, factor in zip(sizes, [*growth, math.inf], strict=True):
        work = arithmetic.prepare(size)
        _seconds(work, wait)  # the first call chooses kernels and takes memory
        times = [_seconds(work, wait)]
        while len(times) < REPEATS and sum(times) < target:
            times.append(_seconds(work, wait))
        # The fastest, because on a busy machine a single small product may take a thousand times too long.
        if min(times) * factor > target:
            break
    return arithmetic.operations(size) / choose(times)


def _seconds(work: Work, wait: Callable[[], None]) -> float:
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start
