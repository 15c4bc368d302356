"""What the C library does with memory that was given back."""

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4  # glibc's malloc.h
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**26}
USUAL = {MMAP_MAX: 2**16, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17}
"""Where the thresholds, which glibc adapts by itself, end in a program that frees large blocks."""


def keep_freed_memory(*, keep: bool = True) -> bool:
    """Lets the process keep large blocks that were freed, for the next ones.

    glibc gives blocks of many megabytes back to the system at once, which fills each new one with zeros, page by
    page: a tenth of a step of a convolutional network on a processor, and more where several threads wait for it.
    Nothing changes in what is computed; the process stays as large as it once was.

    Args:
        keep: whether it is to; back to what is usual where not.

    Returns:
        Whether the C library is one that does this.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    values = KEEPING if keep else USUAL
    done = [mallopt(setting, value) for setting, value in values.items()]
    return all(done)
