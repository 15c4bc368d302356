"""An epoch of BERT's training in large pages of memory, beside one in small pages, on Linux with glibc.

    python -m benchmarks.large_pages

It is the epoch of `benchmarks.text`. A process whose addresses are limited sets none aside, see `runtime.memory`; that
is how the other gets small pages. The time to fill memory for the first time is in neither: the first round does not
count.
"""

import resource
from collections.abc import Callable
from functools import partial

from benchmarks.apart import apart
from benchmarks.text import our_turn
from benchmarks.turns import in_turns, print_table
from chainrule.runtime.devices import Compute, resolve_compute

TEXTS, ROUNDS = 256, 12
LIMIT = 2**40  # bytes of addresses, more than any training needs


def limited_turn(compute: Compute, texts: int) -> Callable[[], None]:
    """An epoch in a process whose addresses are limited."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    return our_turn(compute, texts)


def main() -> None:
    """Prints the times."""
    compute = resolve_compute()
    print_table(
        in_turns(
            {
                "small pages": apart(partial(limited_turn, compute, TEXTS), compute),
                "large pages": apart(partial(our_turn, compute, TEXTS), compute),
            },
            rounds=ROUNDS,
        )
    )


if __name__ == "__main__":
    main()
