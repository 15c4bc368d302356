"""The group in which the processes of a run meet: joined before they exchange anything, left before the report."""

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from chainrule.errors import ChainruleError, OptionError, ProcessLostError, ToldByAnother, UsageError
from chainrule.runtime.processes import Processes

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

LONGEST_WAIT = timedelta(hours=1)  # for a process that is there and does not answer; it may be converting data
TO_MEET = timedelta(minutes=5)
TO_TELL = timedelta(seconds=30)
HEAD_START = 0.5  # seconds

_numbers = itertools.count()


@contextlib.contextmanager
def joined(processes: Processes) -> Iterator[Processes]:
    """Joins the group of a run while the block runs: gloo for what is on the host, NCCL for what is on a GPU.

    Where the block fails, one process alone raises its error, the first where all of them met the same.

    Args:
        processes: this process and how many there are, as it yields them; with one nothing happens.

    Raises:
        ProcessLostError: the processes cannot reach each other.
        ToldByAnother: the block failed, and another process says why.
        UsageError: there are more processes than GPUs, or the program has a group of its own.
    """
    if processes.count == 1:
        yield processes
        return
    from torch import distributed

    if distributed.is_initialized():
        raise UsageError(
            "this program has a process group of its own, and chainrule needs to make one; "
            "call torch.distributed.destroy_process_group() before."
        )
    store = _join(processes)
    try:
        yield processes
    except Exception as error:
        with _not_terminated():
            is_to_tell = _may_tell(store, processes, error)
        if not is_to_tell:
            raise ToldByAnother("another process of this run says what went wrong.") from error
        if isinstance(error, ChainruleError):
            error.is_for_this_process = True
        raise
    finally:
        with contextlib.suppress(RuntimeError):
            distributed.destroy_process_group()


def check_device(device: str, processes: Processes) -> None:
    """Refuses a device on which several processes cannot compute together, and takes this one's GPU.

    Raises:
        OptionError: the device is MPS, or there are too few GPUs.
    """
    if processes.count == 1 or device == "cpu":
        return
    if device != "cuda":
        raise OptionError(f"several processes do not compute on {device}; give --device cpu, or start one process.")
    import torch

    if processes.local_count > torch.cuda.device_count():
        raise OptionError(
            f"{processes.local_count} processes were started on a machine with {torch.cuda.device_count()} GPUs; "
            "start as many as there are GPUs, or give --device cpu."
        )
    torch.cuda.set_device(processes.local_rank)


def _join(processes: Processes) -> "Store":
    """Makes the group, and returns the store through which it was made."""
    import torch
    import torch.distributed.nn.functional  # loaded later it would keep the group in its functions' defaults
    from torch import distributed
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    try:
        met: Store = next(rendezvous("env://", timeout=TO_MEET))[0]
        # A number, because a Python program may train more than once.
        store = PrefixStore(f"chainrule-{next(_numbers)}", met)
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
            store=store,
            rank=processes.rank,
            world_size=processes.count,
            timeout=LONGEST_WAIT,
        )
    except RuntimeError as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise ProcessLostError(
            f"process {processes.rank} of {processes.count} cannot reach the others by way of {place} "
            f"({str(error).splitlines()[0]}); check that all of them were started and that the network lets them talk."
        ) from error
    return store


@contextlib.contextmanager
def _not_terminated() -> Iterator[None]:
    """Lets SIGTERM pass: torchrun sends it to those that are left as soon as one has ended, and they are ending."""
    if threading.current_thread() is not threading.main_thread():  # no other may change handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _may_tell(store: "Store", processes: Processes, error: Exception) -> bool:
    """Whether this is the process that tells the user what went wrong: whoever asks the store first.

    The first process has a head start: what all met, it tells. That another is lost, those that are left tell at once.
    """
    if not processes.is_first and not isinstance(error, ProcessLostError):
        time.sleep(HEAD_START)
    try:
        store.set_timeout(TO_TELL)
        return int(store.add("told", 1)) == 1
    except RuntimeError:  # the machine that held it is gone
        return processes.local_rank == 0
