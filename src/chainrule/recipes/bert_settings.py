"""How BERT's recipes read and cut texts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.recipes.supervised import LARGEST, check_ranges
from chainrule.recipes.text_settings import TextSettings

if TYPE_CHECKING:
    from chainrule.data.dataset import Dataset
    from chainrule.recipes.contract import Setting

LAYER_RATE = 0.9  # of a layer that was taken over, as a share of the rate of the layer above it


@dataclass(frozen=True, kw_only=True)
class BertTexts:
    """How texts are read and cut."""

    text_column: str | None = None
    """Column of an own file that holds the texts; guessed where it is plain."""
    label_column: str | None = None
    """Column of an own file that holds the labels; guessed where it is plain."""
    vocabulary_size: int | None = None
    """Most tokens a tokenizer of the training texts may know, with --from nothing (8000), ≥ 7."""
    max_length: int = 256
    """Tokens after which a text is cut, [CLS] and [SEP] among them, ≥ 3."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, max_length=(3, LARGEST), vocabulary_size=(7, LARGEST))

    @property
    def reading(self) -> dict[str, Any]:
        """What `open_examples` is told of the data."""
        return self._columns.reading

    def open(self, setting: "Setting") -> "Dataset":
        """The texts of a run."""
        return self._columns.open(setting)

    @property
    def _columns(self) -> TextSettings:
        return TextSettings(text_column=self.text_column, label_column=self.label_column)
