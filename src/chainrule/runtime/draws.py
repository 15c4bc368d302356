"""Random draws that depend on the seed and the place they are drawn for, never on what was drawn before.

A run that is cut off anywhere goes on with the same numbers, because no generator carries a state from one step
to the next: each step begins by seeding every generator anew.
"""

import contextlib
import hashlib
import random
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
MIXING = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))


def derive_seed(seed: int, *place: int | str) -> int:
    """A seed for one place, from the run's seed: 63 bits of SHA-256.

    Args:
        seed: the run's seed, any integer ≥ 0.
        place: what tells this place from all others, such as ("order", epoch).
    """
    text = "\0".join(map(repr, (seed, *place)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *place: int | str) -> np.random.Generator:
    """A NumPy generator for one place."""
    return np.random.default_rng(derive_seed(seed, *place))


def draws_of_each(seed: int, *place: int | str, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """64 random bits for each of many things: what one gets depends on its number and the place alone.

    So it does not matter with which others it is asked for. SplitMix64 (Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", OOPSLA 2014).

    Args:
        seed: the run's seed.
        place: what tells this place from all others.
        numbers: (things,) that tell them apart, ≥ 0.

    Returns:
        (things,).
    """
    with np.errstate(over="ignore"):
        return _mixed(np.uint64(derive_seed(seed, *place)) + (numbers.astype(np.uint64) + np.uint64(1)) * GOLDEN)


def words_of_each(seeds: NDArray[np.int64], count: int) -> NDArray[np.uint64]:
    """The first words of many streams of SplitMix64 at once.

    Args:
        seeds: (streams,) where each begins, ≥ 0.
        count: words of each, 64 random bits a word.

    Returns:
        (streams, count).
    """
    with np.errstate(over="ignore"):
        return _mixed(seeds.astype(np.uint64)[:, None] + np.arange(1, count + 1, dtype=np.uint64) * GOLDEN)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's output function."""
    for shift, factor in MIXING:
        bits = (bits ^ (bits >> shift)) * factor
    return bits ^ (bits >> np.uint64(31))


def reseed_all(seed: int, *place: int | str) -> None:
    """Seeds Python's, NumPy's and torch's global generators for one place, on every device.

    torch is seeded only where it is loaded, so that a learner in NumPy alone does not pay for it.
    """
    derived = derive_seed(seed, *place)
    random.seed(derived)
    np.random.seed(derived % 2**32)  # noqa: NPY002 - libraries draw from the global generator
    if torch := sys.modules.get("torch"):
        # torch.manual_seed writes a stack trace for each kind of device that is not there, half a step of a small net.
        torch.default_generator.manual_seed(derived)
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(derived)
        if torch.backends.mps.is_available():
            torch.mps.manual_seed(derived)


def part_ways(process: int) -> None:
    """Gives one of several processes, all seeded alike, draws of its own; the first, 0, keeps those it was seeded for.

    What it gets depends on the seeding and on its number alone.
    """
    if process:
        reseed_all(random.getrandbits(63), "process", process)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Puts the global generators back to where they were when the block ends, however it ends.

    For what is called inside a program that draws by itself: numbers that repeat after every call would be no
    random numbers. torch's generators, on the CPU and on CUDA, only where it is loaded before.
    """
    torch = sys.modules.get("torch")
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global generator is meant
    devices = range(torch.cuda.device_count()) if torch else ()
    with torch.random.fork_rng(devices) if torch else contextlib.nullcontext():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
