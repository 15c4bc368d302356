"""What a generator makes, drawn at every evaluation: pictures in a folder, and an animation of them in the end."""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import StorageError
from chainrule.runtime.files import remove_partial, storage_errors, write_atomically
from chainrule.runtime.progress import say
from chainrule.training.loop import Position

FOLDER, ANIMATION = "samples", "training.gif"


class Album:
    """Keeps a picture of each evaluation as `samples/step-N.png`, and `training.gif` when the loop has ended.

    A picture is drawn from the state of that moment alone and is there before the checkpoint is, so that a run that
    was killed and goes on leaves the same pictures.

    Args:
        run: the folder of the run.
        draw: the bytes of a PNG of the present state.
        animate: from those of all pictures so far to the bytes of an animation.
        warn: from a line of figures to a sentence on what goes wrong, or None.
        quiet_until: the step before which nothing is said: at first every generator makes all alike.
    """

    def __init__(
        self,
        run: Path,
        *,
        draw: Callable[[], bytes],
        animate: Callable[[Sequence[bytes]], bytes],
        warn: Callable[[Mapping[str, Any]], str | None],
        quiet_until: int = 0,
    ) -> None:
        self._run = run
        self._folder = run / FOLDER
        self._draw = draw
        self._animate = animate
        self._warn = warn
        self._quiet_until = quiet_until
        self._told: set[str] = set()  # the splits whose last line went wrong
        if self._folder.is_dir():
            remove_partial(self._folder)

    def figures(self, position: Position, line: Mapping[str, Any]) -> None:
        """Draws the picture of an evaluation, and says what goes wrong, once until it is well again."""
        split = line["split"]
        sentence = self._warn(line) if position.step >= self._quiet_until else None
        if sentence is None:
            self._told.discard(split)
        elif split not in self._told:
            self._told.add(split)
            say(f"step {position.step:,}: {sentence}")
        if split == "validation":
            with storage_errors(self._folder):
                self._folder.mkdir(exist_ok=True)
            write_atomically(self._folder / f"step-{position.step}.png", self._draw())

    def stepped(self, position: Position) -> None:
        """Nothing is drawn between evaluations."""

    def close(self) -> None:
        """Makes the animation of the pictures there are."""
        found = (re.fullmatch(r"step-(\d+)", path.stem) for path in self._folder.glob("*.png"))
        numbers = sorted(int(match[1]) for match in found if match)
        if numbers:
            # A damaged picture or a full disk costs the animation, not the run.
            with contextlib.suppress(OSError, ValueError, StorageError):
                frames = [(self._folder / f"step-{number}.png").read_bytes() for number in numbers]
                write_atomically(self._run / ANIMATION, self._animate(frames))
