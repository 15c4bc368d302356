"""`python -m chainrule` is the program `chainrule`."""

import os
import sys

from chainrule.cli import main
from chainrule.errors import Interrupted

if __name__ == "__main__":
    status = main()
    # A thread of gloo may still let go of a tensor, which aborts a Python that is being taken down. And after an
    # interrupt inside a class that a module is just generating, `python -m` would end by SIGINT in place of a status.
    if os.environ.get("WORLD_SIZE", "1") != "1" or status == Interrupted.exit_status:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status)
    sys.exit(status)
