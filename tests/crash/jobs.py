"""Runs that are made to die, each in a process of its own."""

import json
import multiprocessing
import os
import sys
import threading
from pathlib import Path
from typing import Any

# Loaded once in the server that the children are forked from; nothing may be computed before the fork.
import matplotlib.figure  # noqa: F401
import sklearn.feature_extraction.text
import sklearn.linear_model  # noqa: F401
import torch  # noqa: F401

from chainrule import api
from chainrule.recipes import running  # noqa: F401

KILLED = 137
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir"}

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.crash.jobs"])


class CrashPoint:
    """Ends the process at its n-th change of a file below a folder, or counts them all; Linux only."""

    def __init__(self, folder: Path, at: int | None) -> None:
        self.folder = str(folder)
        self.at = at
        self.count = 0
        self.lock = threading.RLock()  # checkpoints are written in a thread of their own
        fsync = os.fsync

        def counted_fsync(descriptor: int) -> None:
            # The cache outside the folder is written once or not at all, so it may not count.
            if str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(self.folder):
                self.reached()
            fsync(descriptor)

        os.fsync = counted_fsync
        sys.addaudithook(self.watch)

    def watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if (writes or event in CHANGES) and str(arguments[0]).startswith(self.folder):
            self.reached()

    def reached(self) -> None:
        with self.lock:
            self.count += 1
            if self.count == self.at:
                os._exit(KILLED)


def train_or_resume(recipe: str, settings: dict[str, Any], output: Path, at: int | None, counted: Path) -> None:
    """Takes the run up wherever it is; dies at change number `at`."""
    point = CrashPoint(output, at)
    if (output / "run.json").exists():
        api.resume(output)
    else:
        api.train(recipe, output=output, **settings)
    counted.write_text(json.dumps(point.count))


def in_child(*arguments: Any) -> int:
    """Runs `train_or_resume` in a forked child and returns its exit status."""
    child = CONTEXT.Process(target=train_or_resume, args=arguments)
    child.start()
    child.join()
    return child.exitcode
