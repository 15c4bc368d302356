"""How the recipes for texts read and cut them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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
    def reading(self) -> dict[str, Any]:
        """What `open_examples` is told of the data."""
        return {"kind": "text", "text_column": self.text_column, "label_column": self.label_column}

    def open(self, setting: "Setting") -> "Dataset":
        """The texts of a run."""
        from chainrule.data.opening import open_examples

        return open_examples(setting.dataset, setting.data, **self.reading)
