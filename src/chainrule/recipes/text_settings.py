"""How the recipes for texts read and cut them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from chainrule.errors import OptionError
from chainrule.recipes.setting_types import flag_of
from chainrule.recipes.supervised import COUNT, LARGEST, check_ranges

if TYPE_CHECKING:
    from chainrule.data.dataset import Dataset
    from chainrule.recipes.contract import Setting


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How texts are read and cut."""

    text_column: str | None = None
    """Column of an own file that holds the texts; guessed where it is plain."""
    label_column: str | None = None
    """Column of an own file that holds the labels; guessed where it is plain."""
    tokenizer: Literal["characters", "subwords", "words"] = "characters"
    """What a token is."""
    vocabulary_size: int = 8000
    """Most tokens the tokenizer may know, ≥ 3."""
    max_length: int = 128
    """Tokens after which a text is cut, ≥ 1."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, max_length=COUNT, vocabulary_size=(3, LARGEST))

    @property
    def longest_run(self) -> int:
        """Tokens of the longest run that may have a vector of its own: of two words, or of three shorter tokens."""
        return 2 if self.tokenizer == "words" else 3

    @property
    def reading(self) -> dict[str, Any]:
        """What `open_examples` is told of the data."""
        return {"kind": "text", "text_column": self.text_column, "label_column": self.label_column}

    def open(self, setting: "Setting") -> "Dataset":
        """The texts of a run."""
        from chainrule.data.opening import open_examples

        return open_examples(setting.dataset, setting.data, **self.reading)


def check_heads(size: int, heads: int, positions: str) -> None:
    """Refuses vectors that cannot be cut into heads, or cannot be told places.

    Raises:
        OptionError: they cannot.
    """
    if size % heads:
        raise OptionError(f"--size {size} cannot be cut into --heads {heads}; take a multiple of {heads}.")
    if positions == "sinusoidal" and size % 2:
        raise OptionError(f"--positions sinusoidal needs pairs of values, and --size is {size}; take an even number.")
    if positions == "rotary" and size // heads % 2:
        raise OptionError(
            f"--positions rotary turns pairs of values, and a head has {size // heads}; take an even number for each."
        )


def refuse_idle(settings: object, idle: Mapping[str, tuple[str, ...]]) -> None:
    """Refuses settings that were given and do nothing beside the others.

    Args:
        settings: the dataclass that holds them.
        idle: what they are for, as a flag → the fields.

    Raises:
        OptionError: one has another value than its default.
    """
    defaults = {field.name: field.default for field in fields(settings)}  # type: ignore[arg-type]
    for place, names in idle.items():
        for name in names:
            if getattr(settings, name) != defaults[name]:
                raise OptionError(f"{flag_of(name)} is for {place}; leave it out.")
