"""Several processes that meet as those of `torchrun` do, without its start-up: forked where torch is loaded."""

import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from tests.crash.jobs import CONTEXT

TOO_LONG = 120  # seconds


def in_processes(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work(*arguments)` gives in each process, in the order of their ranks; it must be a module's function."""
    members = Crew(count, work, *arguments)
    return [members.result(rank) for rank in range(count)]


class Crew:
    """Processes at work; the test is the host of the store in which they meet, as torchrun's agent is."""

    def __init__(self, count: int, work: Callable[..., Any], *arguments: Any) -> None:
        from torch.distributed import TCPStore

        self.store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.pipes: list[Connection] = []
        self.processes = []
        for rank in range(count):
            ours, theirs = CONTEXT.Pipe(duplex=False)
            environment = {} if count == 1 else as_torchrun_says(rank, count, self.store.port)
            process = CONTEXT.Process(target=_member, args=(theirs, environment, work, arguments))
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def result(self, rank: int) -> Any:
        """What one of them gave."""
        kind, value = self.wait(rank)
        if kind == "error":
            pytest.fail(f"process {rank}: {value}")
        return value

    def wait(self, rank: int) -> tuple[str, Any]:
        """("value", what it gave), ("error", its traceback) or ("killed", its exit status)."""
        process, pipe = self.processes[rank], self.pipes[rank]
        if not pipe.poll(TOO_LONG):
            for each in self.processes:
                each.kill()
            pytest.fail(f"process {rank} of {len(self.processes)} did not end")
        try:
            outcome = pipe.recv()
        except EOFError:
            outcome = None
        process.join()
        return outcome or ("killed", process.exitcode)


def as_torchrun_says(rank: int, count: int, port: int) -> dict[str, str]:
    """What `torchrun` puts into the environment of one of its processes."""
    said = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": True}
    return {name: str(value) for name, value in (said | place).items()}


def _member(
    pipe: Connection, environment: dict[str, str], work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    os.environ.update(environment)
    try:
        pipe.send(("value", work(*arguments)))
    except BaseException:  # noqa: BLE001 - the test that started this raises it
        pipe.send(("error", traceback.format_exc()))
    pipe.close()
