"""Texts as token numbers, on disk, so that their size does not matter."""

import functools
import itertools
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from chainrule.data.splits import Split
from chainrule.data.text_tokens import AT_A_TIME, PAD_ID, UNKNOWN_ID
from chainrule.runtime import cache
from chainrule.runtime.files import storage_errors


@dataclass(frozen=True, kw_only=True)
class TokenStore:
    """The tokens of many texts, one after another, in a file without a name that goes when the store goes."""

    tokens: NDArray[np.int32]
    """All tokens, (tokens,), mapped."""
    offsets: NDArray[np.int64]
    """Text i has the tokens from offsets[i] to offsets[i + 1], at least one; (texts + 1,)."""
    max_length: int
    truncated: int
    """How many texts had more tokens than `max_length` and were cut."""
    unknown_characters: int
    characters: int
    """How many characters the texts have, white space not counted, and how many have no token."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @functools.cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text, (texts,)."""
        return np.diff(self.offsets)

    def padded_spans(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Spans of tokens side by side, padded with 0 at their ends to the longest, (spans, longest).

        Args:
            starts: where each begins among all tokens, such as `offsets[positions]`.
            lengths: of each.
        """
        steps = np.arange(lengths.max(initial=0))
        inside = steps < lengths[:, None]
        batch = np.full(inside.shape, PAD_ID, np.int64)
        batch[inside] = self.tokens[(starts[:, None] + steps)[inside]]
        return batch

    def sentence(self, split: Split | Literal["scored"]) -> str:
        """What the model does not see of the texts."""
        share = self.unknown_characters / max(self.characters, 1)
        cut = f"{self.truncated:,} of {len(self):,} texts are longer than {self.max_length} tokens and were cut"
        return f"{100 * share:.2f} % of the {split} texts' characters are unknown to the tokenizer; {cut}."


def encode(tokenizer: Tokenizer, texts: Iterable[str], *, max_length: int) -> TokenStore:
    """The tokens of all texts, each cut to `max_length`; a text without any becomes one [UNK]."""
    lengths = array("q")
    truncated = unknown = characters = 0
    with storage_errors(cache.folder()), cache.nameless_file() as file:
        remaining = iter(texts)
        while batch := list(itertools.islice(remaining, AT_A_TIME)):
            for text, encoding in zip(batch, tokenizer.encode_batch(batch, add_special_tokens=False), strict=True):
                ids = encoding.ids or [UNKNOWN_ID]
                characters += sum(map(len, text.split()))
                if UNKNOWN_ID in encoding.ids:
                    spans = itertools.compress(encoding.offsets, (i == UNKNOWN_ID for i in ids))
                    unknown += sum(end - start for start, end in spans)
                truncated += len(ids) > max_length
                lengths.append(min(len(ids), max_length))
                file.write(np.asarray(ids[:max_length], np.int32).tobytes())
        file.flush()
        tokens = np.memmap(file, np.int32, "r") if lengths else np.empty(0, np.int32)
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    return TokenStore(
        tokens=tokens,
        offsets=offsets,
        max_length=max_length,
        truncated=truncated,
        unknown_characters=min(unknown, characters),
        characters=characters,
    )
