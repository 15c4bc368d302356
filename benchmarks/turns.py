"""Fair timing on a machine whose speed drifts: the contestants take turns, and their ratio is what counts."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence


def in_turns(contestants: Mapping[str, Callable[[], object]], *, rounds: int = 7) -> dict[str, list[float]]:
    """Times each contestant once a round, in the order given, after one round that does not count.

    Args:
        contestants: name → one piece of work, the same amount for all.
        rounds: how often each is timed.

    Returns:
        Seconds of each round, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, work in contestants.items():
            started = time.perf_counter()
            work()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def print_overhead(seconds: Mapping[str, list[float]], floor: Sequence[float], unit: str) -> None:
    """What each takes beyond the work that none can do without, and that as a multiple of the first's.

    Args:
        seconds: of each round, by name.
        floor: what that work takes, in the same rounds.
        unit: of what the times are.
    """
    first = next(iter(seconds))
    width = max(map(len, seconds))
    beyond = {name: [time - least for time, least in zip(times, floor, strict=True)] for name, times in seconds.items()}
    for name, times in beyond.items():
        ratios = [other / own for own, other in zip(beyond[first], times, strict=True)]
        print(
            f"{name:<{width}}  {statistics.median(times) * 1e3:10.2f} ms beyond {unit}   "
            f"{statistics.median(ratios):6.2f} times the first"
        )


def print_table(seconds: Mapping[str, list[float]]) -> None:
    """Median and range of each, and how many times faster the first is than it, round by round."""
    first = next(iter(seconds))
    width = max(map(len, seconds))
    for name, times in seconds.items():
        ratios = [other / own for own, other in zip(seconds[first], times, strict=True)]
        print(
            f"{name:<{width}}  {statistics.median(times) * 1e3:10.2f} ms "
            f"[{min(times) * 1e3:.2f}, {max(times) * 1e3:.2f}]   "
            f"{statistics.median(ratios):6.2f} times the first"
        )
