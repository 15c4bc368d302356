"""Ctrl-C and SIGTERM as a request that the loop answers between two steps."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from chainrule.runtime.processes import Processes


class Stop(Protocol):
    """Whether the run is to stop, asked once before every step."""

    signal_name: str | None

    def __bool__(self) -> bool:
        """Whether somebody asked."""
        ...


class StopRequest:
    """Whether somebody asked the run to stop, and how."""

    def __init__(self) -> None:
        self.signal_name: str | None = None

    def __bool__(self) -> bool:
        return self.signal_name is not None


class AgreedStop:
    """Whether any process of a run was asked to stop: being asked is an exchange, so that all stop at the same step.

    Args:
        request: what this process was asked.
        processes: all of them.
    """

    def __init__(self, request: StopRequest, processes: Processes) -> None:
        self._request = request
        self._processes = processes
        self.signal_name: str | None = None

    def __bool__(self) -> bool:
        name = self._request.signal_name
        number = self._processes.largest(signal.Signals[name] if name else 0)
        self.signal_name = signal.Signals(number).name if number else None
        return number > 0


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Yields the request that SIGINT and SIGTERM set while the block runs; a second one interrupts at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread can receive signals
        return

    def note(number: int, _: FrameType | None) -> None:
        if request:
            raise KeyboardInterrupt
        request.signal_name = signal.Signals(number).name

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
