"""`python -m chainrule` is the program `chainrule`."""

import contextlib
import os
import sys

from chainrule.cli import main
from chainrule.errors import Interrupted

if __name__ == "__main__":
    status = main()
    # A thread of gloo may still let go of a tensor, which aborts a Python that is being taken down. And CPython
    # remembers an interrupt that left `exec` of a string, as data classes use it: `python -m` would end by SIGINT.
    if os.environ.get("WORLD_SIZE", "1") != "1" or status == Interrupted.exit_status:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.flush()
        os._exit(status)
    sys.exit(status)
