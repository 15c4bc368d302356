"""Contestants in processes of their own: what one sets for its process, such as how memory is kept, helps no other."""

import atexit
import contextlib
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch

from chainrule.runtime.devices import Compute

SECONDS_TO_END = 10.0
CONTEXT = multiprocessing.get_context("spawn")
Turn = Callable[[], object]


def _work(make: Callable[[], Turn], compute: Compute, line: Connection) -> None:
    torch.set_num_threads(compute.threads)
    turn = make()
    line.send("ready")
    with contextlib.suppress(EOFError):  # the other end closes when its process ends
        while line.recv():
            turn()
            line.send("done")


def apart(make: Callable[[], Turn], compute: Compute) -> Callable[[], None]:
    """A turn done in a process of its own, which ends with this one.

    Args:
        make: makes the contestant there; a function of a module, or a partial of one.
        compute: with how many threads.
    """
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_work, args=(make, compute, there), daemon=True)
    process.start()
    there.close()
    assert here.recv() == "ready"

    @atexit.register
    def end() -> None:  # before multiprocessing's own end, which would leave what the process holds to the system
        here.close()
        process.join(SECONDS_TO_END)

    def turn() -> None:
        here.send("go")
        here.recv()

    return turn
