"""The folder of one run: what lies where, who may write, what was resolved at its start."""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import OutputFolderError, ResumeError
from chainrule.runtime.files import PARTIAL, remove_partial, storage_errors, write_json
from chainrule.runtime.locks import take

FORMAT = 1  # of run.json and the checkpoints; raised when an older run can no longer go on
PARTS = ("configuration", "options", "compute", "data", "versions")  # of run.json, each a mapping
PARENT = Path("runs")
LOCK = ".lock"  # a run that ended before its first record left nothing else


class RunFolder:
    """The paths of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "run.json"
        self.metrics = path / "metrics.jsonl"
        self.timings = path / "timings.jsonl"
        self.checkpoints = path / "checkpoints"
        self.tensorboard = path / "tensorboard"
        self.model = path / "model"
        self.report = path / "report.json"

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Writes everything resolved at the start: configuration, versions, seed, precision, data."""
        write_json(self.record, {"format": FORMAT, **record})

    def read_record(self) -> dict[str, Any]:
        """What was resolved at the start.

        Raises:
            ResumeError: there is no run here, or one of another format.
        """
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
            run_format = record["format"]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ResumeError(
                f"{self.path} is not the folder of a run (it has no run.json); "
                "give the folder that `chainrule train` printed."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ResumeError(f"{self.record} cannot be read ({error}); start the run anew.") from error
        if run_format != FORMAT:
            raise ResumeError(
                f"{self.path} was written in format {run_format}, this version reads format {FORMAT}; "
                f"use chainrule {record.get('versions', {}).get('chainrule', 'of that time')} for it."
            )
        if missing := [part for part in PARTS if not isinstance(record.get(part), dict)]:
            raise ResumeError(f"{self.record} is damaged: it does not say the {missing[0]}; start the run anew.")
        return dict(record)

    def read_report(self) -> dict[str, Any]:
        """The report of a finished run.

        Raises:
            ResumeError: it cannot be read.
        """
        try:
            return dict(json.loads(self.report.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ResumeError(f"{self.report} cannot be read ({error}); remove it and resume the run.") from error


def new_run_folder(output: Path | None, recipe: str, seed: int) -> RunFolder:
    """Makes the folder of a new run: `output`, or one named after the time.

    Raises:
        OutputFolderError: it is there and not empty, or is no folder.
        StorageError: it may not be made.
    """
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{seed}"
    folder = output or PARENT / recipe / stem
    with storage_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise OutputFolderError(f"--output {folder} is a file; give a folder that is new or empty.")
        if output is None:
            folder = _made_apart(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
        if any(path.name != LOCK and not path.name.startswith(PARTIAL) for path in folder.iterdir()):
            raise OutputFolderError(
                f"--output {folder} is not empty; give a new folder, or go on with `chainrule resume {folder}`."
            )
    return RunFolder(folder)


def _made_apart(folder: Path) -> Path:
    """A folder of this name, or with a number where two runs began in the same second."""
    for number in range(1, 1000):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        with contextlib.suppress(FileExistsError):
            candidate.mkdir(parents=True)
            return candidate
    raise OutputFolderError(f"{folder} and 998 others after it are taken; give another with --output.")


@contextlib.contextmanager
def only_writer(run: RunFolder) -> Iterator[None]:
    """Holds the run's lock while the block runs; the system lets go of it however the process ends.

    Raises:
        OutputFolderError: another process is writing to this run.
    """
    with storage_errors(run.path):
        lock = os.open(run.path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not take(lock):
            raise OutputFolderError(f"another process is writing to {run.path}; wait until it ends, or stop it first.")
        remove_partial(run.path)
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def removed_unless_recorded(run: RunFolder) -> Iterator[None]:
    """Takes the folder away again where the block fails before the run has its record: nothing in it is of use."""
    try:
        yield
    except BaseException:
        if not run.record.exists():
            (run.path / LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else lies there
                run.path.rmdir()
        raise
