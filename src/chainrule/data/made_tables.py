"""The tables that are made by a formula and not fetched: points in a plane, of two classes.

Each draw is a hash of what it is for, and coordinates are rounded, so that the bytes are the same on every machine and
in every version of whatever is installed.
"""

import hashlib
import math
from collections.abc import Iterable

POINTS = 1000
DECIMALS = 4
MOONS_NOISE = 0.2
SPIRALS_NOISE = 0.02
TURNS = 1.75  # of a spiral's arm
INNER, OUTER = 0.08, 1.0  # its distance from the middle, at its beginning and its end

Point = tuple[float, float, int]


def article_points() -> bytes:
    """Three corners of a square: 0 where only the first coordinate is 1, else 1."""
    return _csv([(1, 0, 0), (0, 1, 1), (1, 1, 1)], decimals=0)


def two_moons() -> bytes:
    """Two half circles of radius 1 that reach into each other, with normal noise on both coordinates."""

    def moon(number: int) -> Point:
        label = number % 2
        angle = math.pi * _even("two-moons", number, "angle")
        x, y = (1 - math.cos(angle), 0.5 - math.sin(angle)) if label else (math.cos(angle), math.sin(angle))
        return (*_moved("two-moons", number, (x, y), MOONS_NOISE), label)

    return _csv(map(moon, range(POINTS)), decimals=DECIMALS)


def spirals() -> bytes:
    """Two arms of a spiral, one the other turned by half a circle, with a little normal noise on both coordinates."""

    def arm(number: int) -> Point:
        label = number % 2
        way = math.sqrt(_even("spirals", number, "way"))  # so that the arm is as dense outside as inside
        radius = INNER + (OUTER - INNER) * way
        angle = 2 * math.pi * TURNS * way + math.pi * label
        place = (radius * math.cos(angle), radius * math.sin(angle))
        return (*_moved("spirals", number, place, SPIRALS_NOISE), label)

    return _csv(map(arm, range(POINTS)), decimals=DECIMALS)


def _even(*place: str | int) -> float:
    """A number drawn evenly from between 0 and 1, for one place."""
    digest = hashlib.sha256("\0".join(map(str, place)).encode()).digest()
    return (int.from_bytes(digest[:6], "big") + 0.5) / 2**48


def _moved(name: str, number: int, point: tuple[float, float], noise: float) -> tuple[float, float]:
    """A point with normal noise of this deviation on both coordinates."""
    from statistics import NormalDist

    x, y = (
        value + noise * NormalDist().inv_cdf(_even(name, number, axis)) for value, axis in zip(point, "xy", strict=True)
    )
    return x, y


def _csv(points: Iterable[Point], *, decimals: int) -> bytes:
    lines = [f"{x:.{decimals}f},{y:.{decimals}f},{label}\n" for x, y, label in points]
    return "".join(["x1,x2,label\n", *lines]).encode("ascii")
