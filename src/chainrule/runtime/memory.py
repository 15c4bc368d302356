"""What the C library does with memory, for processes that compute with large blocks."""

import ctypes
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # glibc's malloc.h
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**26}
HUGEPAGE = 14  # Linux's mman.h
LARGE = 2**21  # bytes of a large page; whole ones of other sizes lie in a range of whole ones of this
ROOM = 2**31 - 2**28  # bytes that are to lie in large pages; of more the C library would give some back at once


def keep_freed_memory() -> bool:
    """Lets the process keep large blocks that were freed, for the next ones, and asks for large pages for them.

    glibc gives blocks of many megabytes back to the system at once, which fills each new one with zeros, page by
    page: time that a convolutional network's step on a processor feels, more so where several threads wait for it.
    In large pages the processor finds a block's places sooner. Nothing changes in what is computed; the process stays
    as large as it once was.

    Returns:
        Whether the C library is one that does this; of large pages the system alone decides.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    try:
        done = [library.mallopt(setting, value) for setting, value in KEEPING.items()]
    except AttributeError:
        return False
    _ask_for_large_pages(library)
    return all(done)


def _ask_for_large_pages(library: ctypes.CDLL) -> None:
    """For the first blocks that the library will give: a block that is freed at once marks their place."""
    library.malloc.restype = ctypes.c_void_p
    block = library.malloc(ctypes.c_size_t(ROOM))
    if block is None:  # less memory may be promised here
        return
    first, end = -(-block // LARGE) * LARGE, (block + ROOM) // LARGE * LARGE
    library.madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), HUGEPAGE)
    library.free(ctypes.c_void_p(block))
