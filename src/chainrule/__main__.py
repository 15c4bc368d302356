"""`python -m chainrule` is the program `chainrule`."""

import os
import sys

from chainrule.cli import main

if __name__ == "__main__":
    status = main()
    if os.environ.get("WORLD_SIZE", "1") != "1":
        # A thread of gloo may still let go of a tensor, which aborts a Python that is being taken down.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status)
    sys.exit(status)
