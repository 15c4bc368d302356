"""Checkpoints: there whole or not at all, written beside the training, the last few and the best kept."""

import contextlib
import json
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import CheckpointError
from chainrule.runtime.files import atomic_folder, remove_partial, sha256_file, storage_errors, write_json
from chainrule.runtime.progress import say
from chainrule.training.state_tree import copy_tree, read_tree, write_tree

MANIFEST = "checkpoint.json"


class Checkpoints:
    """The checkpoints of one run, in one folder, as `step-N`.

    Args:
        folder: where they lie; made when the first is written.
        keep: how many of the last stay, ≥ 1; beside them stays the best that each of them knows.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self.folder = folder
        self.keep = keep
        self._writer: threading.Thread | None = None
        self._failure: BaseException | None = None

    def write(self, step: int, tree: Mapping[str, Any], *, best: int | None) -> None:
        """Copies the state at once and writes it in the background, after the one before is there.

        Raises:
            StorageError: the checkpoint before this one could not be written.
        """
        self.wait()
        copied = copy_tree(tree)
        writer = threading.Thread(target=self._write, args=(step, copied, best), name="checkpoint")
        writer.start()
        self._writer = writer

    def wait(self) -> None:
        """Until the last checkpoint is on the disk.

        Raises:
            StorageError: it could not be written.
        """
        if self._writer:
            self._writer.join()
            self._writer = None
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure

    def _write(self, step: int, tree: Mapping[str, Any], best: int | None) -> None:
        try:
            with atomic_folder(self.folder / f"step-{step}") as folder:
                with storage_errors(folder):
                    write_tree(folder, tree)
                hashes = {path.name: sha256_file(path) for path in sorted(folder.iterdir())}
                write_json(folder / MANIFEST, {"step": step, "best": best, "sha256": hashes})
            self._remove_old()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that trains
            self._failure = error

    def _remove_old(self) -> None:
        """Removes all but the last few and those that were the best when one of them was written."""
        remove_partial(self.folder)
        steps = self.steps()
        kept = set(steps[-self.keep :])
        for step in tuple(kept):
            with contextlib.suppress(OSError, ValueError, KeyError):  # a damaged one needs no best
                kept.add(json.loads((self.folder / f"step-{step}" / MANIFEST).read_text(encoding="utf-8"))["best"])
        for step in steps:
            if step not in kept:
                shutil.rmtree(self.folder / f"step-{step}")

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, whole or not, in ascending order."""
        numbers = (path.name.removeprefix("step-") for path in self.folder.glob("step-*"))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def read(self, step: int) -> Any:
        """The state at one step.

        Raises:
            CheckpointError: its files are not those that were written.
        """
        self._manifest(step)
        return read_tree(self.folder / f"step-{step}")

    def _manifest(self, step: int) -> dict[str, Any]:
        """What `checkpoint.json` says, after every file was found to be what was written."""
        folder = self.folder / f"step-{step}"
        try:
            manifest = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
            torn = [name for name, expected in manifest["sha256"].items() if sha256_file(folder / name) != expected]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"the checkpoint {folder} is damaged ({error}).") from error
        if torn:
            raise CheckpointError(f"the checkpoint {folder} is damaged: {torn[0]} is not what was written.")
        return manifest

    def read_newest(self) -> Any | None:
        """The state at the newest checkpoint that is whole, and whose best one is whole too.

        Damaged ones are removed, as are those after the one that is read: the run writes them again, with the same
        bytes. None where no checkpoint is left or was ever written: then the run begins again.
        """
        for step in reversed(self.steps()):
            try:
                best = self._manifest(step)["best"]
                if best not in {None, step}:
                    self._manifest(best)
                return self.read(step)
            except CheckpointError as error:
                say(f"{error} Going back to the one before it.")
                shutil.rmtree(self.folder / f"step-{step}")
        return None
