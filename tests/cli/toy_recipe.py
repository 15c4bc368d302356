"""A recipe with a field of every kind that may become a flag, and annotations that are text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - read from the annotations at run time
from typing import TYPE_CHECKING, ClassVar, Literal

from chainrule.errors import OptionError

if TYPE_CHECKING:
    from chainrule.evaluation.band import Band

Shade = Literal["light", "dark"]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A group."""

    rate: float
    """Of learning, > 0."""
    rounds: int = 3
    """How often."""


@dataclass(frozen=True, kw_only=True)
class Toy:
    """Learns nothing.

    It is here for its flags.
    """

    name: ClassVar[str] = "toy"
    summary: ClassVar[str] = "a toy"
    dataset: ClassVar[str] = "digits"
    expected: ClassVar[tuple[Band, ...]] = ()

    width: int = 8
    """Of the layer, from 1 to `64`."""
    shade: Shade = "light"
    """How it looks."""
    both_ways: bool = True
    """Whether it is read backwards too."""
    word_list: Path | None = None
    """A file of words."""
    columns: tuple[str, ...] = ()
    """Which columns are left out."""
    sizes: tuple[int, ...] = field(default_factory=lambda: (3, 5))
    """Of the layers."""
    turns: list[int] = field(default_factory=list)
    """Which are taken."""
    limit: float | None = 1.0
    """Largest value."""
    fit: Fit = Fit(rate=0.5)
    """How it learns."""

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 64:
            raise OptionError(f"--width is {self.width}; it must be from 1 to 64.")


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Has a field that every run has."""

    name: ClassVar[str] = "clash"
    summary: ClassVar[str] = "a clash"
    dataset: ClassVar[str] = "digits"

    steps: int = 1
    """Of its own."""


@dataclass(frozen=True, kw_only=True)
class Terse:
    name: ClassVar[str] = "terse"
    summary: ClassVar[str] = "says little"
    dataset: ClassVar[str] = "digits"

    width: int
