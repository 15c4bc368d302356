"""Row by row: which split an example falls into, and which rows are left out as duplicates or conflicts.

Memory is 21 bytes a row, so that data need not fit into it.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.splits import BUCKETS, LEFT_OUT, SPLITS, example_digest, normalise_text

DIGEST_BYTES = 16  # of SHA-256: two of a thousand million examples agree by chance once in 10^20 such corpora
UNLABELLED = 0  # any class will do where none conflicts with another


class Judge:
    """Sees every row once, in order; then knows each row's split code and why rows were left out."""

    def __init__(self, *, unique: bool) -> None:
        """Begins with no rows.

        Args:
            unique: whether of equal examples only the first is kept, and none where their labels differ. So
                with texts; in tables, sequences and pictures equal examples stay, all in one split.
        """
        self._unique = unique
        self._digests = bytearray()
        self._labels = bytearray()
        self._reasons = bytearray()  # 0: judged by its content; else a place in _names + 1
        self._names: list[str] = []
        self.conflicts = 0
        """How many different examples carry several labels; known after the verdict."""

    def see(self, content: bytes, label: int = UNLABELLED) -> None:
        """Takes the next row: its canonical bytes and the index of its class."""
        self._add(example_digest(content)[:DIGEST_BYTES], label, 0)

    def see_text(self, text: str, label: int = UNLABELLED) -> None:
        """Takes the next row, a text; one without a letter or digit is left out as "empty"."""
        if normal := normalise_text(text):
            # Half a surrogate pair can stand in JSON; UTF-8 has no form for it.
            self.see(normal.encode("utf-8", "surrogatepass"), label)
        else:
            self.leave_out("empty")

    def leave_out(self, reason: str) -> None:
        """Takes the next row, which is left out for `reason` whatever it holds."""
        if reason not in self._names:
            self._names.append(reason)
        self._add(bytes(DIGEST_BYTES), UNLABELLED, self._names.index(reason) + 1)

    def _add(self, digest: bytes, label: int, reason: int) -> None:
        self._digests += digest
        self._labels += label.to_bytes(4, "little", signed=True)
        self._reasons.append(reason)

    def verdict(self) -> tuple[NDArray[np.uint8], dict[str, int]]:
        """One split code a row, and how many rows were left out, by reason."""
        starts = np.frombuffer(self._digests, ">u4").reshape(-1, DIGEST_BYTES // 4)[:, 0]
        codes = np.array(BUCKETS, np.uint8)[starts % len(BUCKETS)]
        reasons = np.frombuffer(self._reasons, np.uint8)
        codes[reasons > 0] = LEFT_OUT
        counts = Counter({name: int((reasons == i).sum()) for i, name in enumerate(self._names, 1)})
        if self._unique:
            judged = np.flatnonzero(reasons == 0)
            conflicting, duplicate = self._repeated(judged)
            codes[conflicting] = codes[duplicate] = LEFT_OUT
            counts += Counter({"duplicate": len(duplicate), "conflicting labels": len(conflicting)})
        return codes, dict(+counts)

    def _repeated(self, judged: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers of examples that carry different labels, and of further copies of the others."""
        if not len(judged):
            return judged, judged
        halves = np.frombuffer(self._digests, np.uint64).reshape(-1, 2)[judged]
        labels = np.frombuffer(self._labels, "<i4")[judged]
        order = np.lexsort((halves[:, 1], halves[:, 0]))  # stable: equal examples stay in the order of the rows
        first = np.concatenate([[True], (np.diff(halves[order], axis=0) != 0).any(axis=1)])
        starts = np.flatnonzero(first)
        ordered = labels[order]
        mixed = np.minimum.reduceat(ordered, starts) != np.maximum.reduceat(ordered, starts)
        self.conflicts = int(mixed.sum())
        conflicting = mixed[np.cumsum(first) - 1]
        return np.sort(judged[order[conflicting]]), np.sort(judged[order[~first & ~conflicting]])


def published_codes(contents_codes: NDArray[np.uint8], in_test: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Split codes where the publisher drew the test split.

    Args:
        contents_codes: what each example's content alone would give, (rows,).
        in_test: whether the publisher put the row into the test split, (rows,).

    Returns:
        The published test split as it is, and of the published training split what the content puts into
        validation as validation, all else as training.
    """
    validation = SPLITS.index("validation")
    inside = np.where(contents_codes == validation, validation, SPLITS.index("train"))
    return np.where(in_test, SPLITS.index("test"), inside).astype(np.uint8)


def table_contents(columns: Mapping[str, pa.Array]) -> list[bytes]:
    """The canonical bytes of each row of a table's features, whatever the order of the columns.

    A number is its float64 in little-endian order, where zero has no sign and all missing values are one; a
    category is the start of its text's SHA-256, or zeros where it is missing.

    Args:
        columns: a feature each, float64 or dictionary<int32, string>, all of one length.
    """
    pieces = [_column_bytes(columns[name]) for name in sorted(columns)]
    return [row.tobytes() for row in np.concatenate(pieces, axis=1)]


def _column_bytes(column: pa.Array) -> NDArray[np.uint8]:
    if pa.types.is_dictionary(column.type):
        hashes = [hashlib.sha256(value.encode()).digest()[:8] for value in column.dictionary.to_pylist()]
        table = np.frombuffer(b"".join([*hashes, bytes(8)]), np.uint8).reshape(-1, 8)
        coded: NDArray[np.uint8] = table[column.indices.fill_null(len(hashes)).to_numpy(zero_copy_only=False)]
        return coded
    numbers: NDArray[np.float64] = column.fill_null(np.nan).to_numpy(zero_copy_only=False) + 0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers.astype("<f8").view(np.uint8).reshape(-1, 8)
