"""What the C library does with memory that was given back, and in which pages it has it."""

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # glibc's malloc.h
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**26}
ADVISE_LARGE_PAGES = 14  # Linux's MADV_HUGEPAGE
LARGE_PAGE = 2**21  # bytes, where pages are of 4 KiB
AT_HAND = 7 * 2**28  # bytes that are asked for in large pages; more than `TRIM_THRESHOLD` would go back at once


@cache  # once a process: what was set aside is there for the next run
def keep_freed_memory() -> bool:
    """Lets the process keep large blocks that were freed, for the next ones, in large pages where the system has them.

    glibc gives blocks of many megabytes back to the system at once, which fills each new one with zeros, page by
    page: time that a convolutional network's step on a processor feels, more so where several threads wait for it.
    A processor finds its way faster through large pages: by `python -m benchmarks.large_pages` on two cores of an AMD
    EPYC (Zen 5) an epoch of BERT's takes 0.98 of its time. Nothing changes in what is computed; the process stays as
    large as it once was.

    Returns:
        Whether the C library is one that does this.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None)
        done = [libc.mallopt(setting, value) for setting, value in KEEPING.items()]
        if not _is_limited():
            _prefer_large_pages(libc)
    except (OSError, AttributeError):
        return False
    return all(done)


def _is_limited() -> bool:
    """Whether the process may have so many addresses and no more: then none are set aside."""
    import resource  # not on every system

    limits = (resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return any(limit != resource.RLIM_INFINITY for limit in limits)


def _prefer_large_pages(libc: ctypes.CDLL) -> None:
    """Asks for them in what the next blocks are cut from. Until it is written to, that takes no memory."""
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if (block := libc.malloc(AT_HAND)) is None:
        return
    first = -(-block // LARGE_PAGE) * LARGE_PAGE  # whole pages alone
    last = (block + AT_HAND) // LARGE_PAGE * LARGE_PAGE
    libc.madvise(first, last - first, ADVISE_LARGE_PAGES)  # a system without them says no, and all stays as it was
    libc.free(block)
