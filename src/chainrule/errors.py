"""Every error the package raises.

ChainruleError                    exit status 1
├── UsageError                    exit status 2: the call itself is wrong
│   ├── UnknownNameError          no such recipe, data set, model family …
│   └── OptionError               a value out of its range, or options that exclude each other
├── DataError
│   ├── OriginError               a data set that could be had from nowhere
│   ├── ArchiveError              an archive that may not be opened: damaged, hostile, too large
│   ├── FileFormatError           an own file that cannot be read
│   └── ColumnError               a column that is missing or holds the wrong thing
├── ModelFolderError              a model folder that is incomplete, damaged or of another version
├── RunError
│   ├── OutputFolderError         a folder that may not be written to
│   ├── CheckpointError           no checkpoint to go on from
│   ├── ResumeError               a run that cannot go on here
│   ├── NotFiniteError            a loss or gradient that is infinite or not a number
│   ├── StorageError              the disk is full or refuses to write
│   ├── MemoryShortageError       the machine has less memory than is asked for
│   ├── ProcessLostError          another process of the run has ended or cannot be reached
│   └── ToldByAnother             another process of the run says what went wrong; exit status 0
├── AutogradError
│   ├── OperandError              arrays an operation cannot take: their shapes, types or values
│   ├── GraphError                a gradient that cannot be had: nothing recorded it, or it was freed
│   └── GradientError             a gradient rule that finite differences contradict
└── Interrupted                   exit status 130: stopped by Ctrl-C or SIGTERM, after a checkpoint

Every message is one sentence or two: what was given, what was needed, what to do.
"""

from typing import ClassVar


class ChainruleError(Exception):
    """The root of all errors the package raises on purpose."""

    exit_status: ClassVar[int] = 1
    is_for_this_process: bool = False
    """Of the processes of a run that had joined, the one to tell the user has this set in its error."""


class UsageError(ChainruleError):
    """The call itself is wrong."""

    exit_status = 2


class UnknownNameError(UsageError):
    """A name that is not in the table it was looked up in."""

    def __init__(self, kind: str, given: str, known: "list[str] | tuple[str, ...]") -> None:
        from difflib import get_close_matches

        near = get_close_matches(given, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}."
        super().__init__(f"there is no {kind} named {given!r}; {hint}")


class OptionError(UsageError):
    """An option's value is out of its range, or options exclude each other."""


class DataError(ChainruleError):
    """Data that cannot be had or used."""


class OriginError(DataError):
    """A data set that could be had from none of its origins."""


class ArchiveError(DataError):
    """An archive that may not be opened: damaged, hostile or too large."""


class FileFormatError(DataError):
    """A file of the user's that cannot be read."""


class ColumnError(DataError):
    """A column that is missing or holds the wrong thing."""


class ModelFolderError(ChainruleError):
    """A model folder that is incomplete, damaged or of another version."""


class RunError(ChainruleError):
    """A run that cannot begin or go on."""


class OutputFolderError(RunError):
    """A folder that may not be written to."""


class CheckpointError(RunError):
    """There is no whole checkpoint to go on from."""


class ResumeError(RunError):
    """A run that cannot go on here."""


class NotFiniteError(RunError):
    """A loss or a gradient that is infinite or not a number."""


class StorageError(RunError):
    """The disk is full or refuses to write."""


class MemoryShortageError(RunError):
    """The machine has less memory than is asked for."""


class ProcessLostError(RunError):
    """Another process of the run has ended or cannot be reached."""


class ToldByAnother(RunError):  # noqa: N818 - nothing went wrong that is not said elsewhere
    """Another process of the run says what went wrong; its exit status counts, so that this one has none."""

    exit_status = 0


class AutogradError(ChainruleError):
    """Something the autograd cannot compute."""


class OperandError(AutogradError):
    """Arrays whose shapes, types or values an operation cannot take."""


class GraphError(AutogradError):
    """A gradient that cannot be had: nothing recorded it, or it was freed."""


class GradientError(AutogradError):
    """A gradient rule that finite differences contradict."""


class Interrupted(ChainruleError):  # noqa: N818 - nothing went wrong
    """The run was stopped by Ctrl-C or SIGTERM, after a checkpoint."""

    exit_status = 130
