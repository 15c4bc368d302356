"""Which split an example belongs to, as a function of the example alone.

So a text falls into the same split in every corpus that holds it, and what was learned from one corpus cannot have
seen another's test texts.
"""

import hashlib
import unicodedata
from typing import Literal, get_args

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
BUCKETS = tuple(map(SPLITS.index, ("test", "test", "validation", *("train",) * 7)))
"""The split of the examples whose digest's first 32 bits are 0, 1, 2 … modulo 10, as a place in `SPLITS`."""
LEFT_OUT = 255  # the code of a row that is in no split; the others' codes are their places in SPLITS


def normalise_text(text: str) -> str:
    """The form in which two texts count as the same: NFKC, lower case, letters and digits only."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))


def example_digest(content: bytes) -> bytes:
    """SHA-256 of an example's canonical bytes: a text's normalised form, a picture's pixels, a row's features."""
    return hashlib.sha256(content).digest()


def split_code(digest: bytes) -> int:
    """The place in `SPLITS` of the example with this digest."""
    return BUCKETS[int.from_bytes(digest[:4], "big") % len(BUCKETS)]
