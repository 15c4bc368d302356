"""Figures as TensorBoard events, for those who watch with it; outside the promise of equal bytes."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.training.loop import Position


class TensorBoardEvents:
    """Writes every line of figures as events below `folder`.

    Args:
        folder: TensorBoard's log folder for this run.
        first_step: events after it, from before a crash, are hidden by TensorBoard.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event = Event
        self._writer = EventFileWriter(str(folder))
        start = SessionLog(status=SessionLog.START)
        self._writer.add_event(Event(wall_time=time.time(), step=first_step + 1, session_log=start))

    def figures(self, position: Position, line: Mapping[str, Any]) -> None:
        """Adds one event a figure, named `split/figure`."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        numbers = {name: value for name, value in line.items() if isinstance(value, float)}
        values = [Summary.Value(tag=f"{line['split']}/{name}", simple_value=v) for name, v in numbers.items()]
        event = self._event(wall_time=time.time(), step=position.step, summary=Summary(value=values))
        # A full disk ends the run through its own files; here it only costs the events.
        with contextlib.suppress(OSError):
            self._writer.add_event(event)

    def stepped(self, position: Position) -> None:
        """Nothing is written between lines."""

    def close(self) -> None:
        """Writes what is still held back."""
        with contextlib.suppress(OSError):
            self._writer.close()
