"""Texts as token numbers, on disk, so that their size does not matter."""

import functools
import itertools
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from chainrule.data.splits import Split
from chainrule.data.text_tokens import AT_A_TIME, PAD_ID, UNKNOWN_ID
from chainrule.runtime import cache
from chainrule.runtime.files import storage_errors

TOKENS_AT_A_TIME = 1 << 20  # in memory


class Frame(NamedTuple):
    """What stands around the tokens of every text."""

    unknown: int = UNKNOWN_ID
    """The number of the unknown token."""
    before: tuple[int, ...] = ()
    """Tokens before the first one of a text."""
    after: tuple[int, ...] = ()
    """Tokens after its last one."""


BARE = Frame()


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

    def packed(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Texts one after another, without padding, (tokens,).

        Args:
            positions: which, in the order wanted.
        """
        lengths = self.lengths[positions]
        ends = lengths.cumsum()
        moved = np.repeat(self.offsets[positions] - (ends - lengths), lengths)
        tokens: NDArray[np.int64] = self.tokens[moved + np.arange(len(moved))].astype(np.int64)
        return tokens

    def occurring(self, vocabulary_size: int) -> NDArray[np.bool_]:
        """Which tokens of a vocabulary occur in the texts, (vocabulary_size,)."""
        occurs = np.zeros(vocabulary_size, np.bool_)
        for start in range(0, len(self.tokens), TOKENS_AT_A_TIME):
            occurs[self.tokens[start : start + TOKENS_AT_A_TIME]] = True
        return occurs

    def sentence(self, split: Split | Literal["scored"]) -> str:
        """What the model does not see of the texts."""
        share = self.unknown_characters / max(self.characters, 1)
        cut = f"{self.truncated:,} of {len(self):,} texts are longer than {self.max_length} tokens and were cut"
        return f"{100 * share:.2f} % of the {split} texts' characters are unknown to the tokenizer; {cut}."


def encode(tokenizer: Tokenizer, texts: Iterable[str], *, max_length: int, frame: Frame = BARE) -> TokenStore:
    """The tokens of all texts, each cut to `max_length` with its frame; a text without any becomes one [UNK]."""
    room = max_length - len(frame.before) - len(frame.after)
    lengths = array("q")
    truncated = unknown = characters = 0
    with storage_errors(cache.folder()), cache.nameless_file() as file:
        remaining = iter(texts)
        while batch := list(itertools.islice(remaining, AT_A_TIME)):
            for text, encoding in zip(batch, tokenizer.encode_batch(batch, add_special_tokens=False), strict=True):
                ids = encoding.ids or [frame.unknown][: not (frame.before or frame.after)]
                characters += sum(map(len, text.split()))
                if frame.unknown in encoding.ids:
                    spans = itertools.compress(encoding.offsets, (i == frame.unknown for i in ids))
                    unknown += sum(end - start for start, end in spans)
                truncated += len(ids) > room
                framed = [*frame.before, *ids[:room], *frame.after]
                lengths.append(len(framed))
                file.write(np.asarray(framed, np.int32).tobytes())
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
