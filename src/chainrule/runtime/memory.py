"""What the C library does with memory that was given back."""

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # glibc's malloc.h
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**26}


def keep_freed_memory() -> bool:
    """Lets the process keep large blocks that were freed, for the next ones.

    glibc gives blocks of many megabytes back to the system at once, which fills each new one with zeros, page by
    page: time that a convolutional network's step on a processor feels, more so where several threads wait for it.
    Nothing changes in what is computed; the process stays as large as it once was.

    Returns:
        Whether the C library is one that does this.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    done = [mallopt(setting, value) for setting, value in KEEPING.items()]
    return all(done)
