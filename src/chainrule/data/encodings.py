"""Which encoding a text file is in, found by reading it through, a piece at a time."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chainrule.errors import FileFormatError

PIECE = 1 << 20  # bytes
SAMPLE = 1 << 16  # bytes that charset-normalizer is given
COMMON_SHARE = 0.8  # of the characters beyond ASCII, in GB2312, where the text is Chinese and not by chance
UTF8_BYTES = 30  # beyond ASCII and valid as UTF-8, not by chance: what follows is damage, not another encoding
OTHERS = ("big5", "cp1252", "cp1251", "shift_jis", "euc_jp", "cp949")  # that charset-normalizer chooses among


class Encoding(NamedTuple):
    """An encoding, as people call it and as Python does."""

    name: str
    codec: str


UTF8, GBK, GB18030 = Encoding("UTF-8", "utf-8"), Encoding("GBK", "gbk"), Encoding("GB18030", "gb18030")
MARKED = {
    codecs.BOM_UTF8: Encoding("UTF-8 with a byte-order mark", "utf-8-sig"),
    codecs.BOM_UTF16_LE: Encoding("UTF-16", "utf-16"),
    codecs.BOM_UTF16_BE: Encoding("UTF-16", "utf-16"),
}


class _NotValidError(Exception):
    """A byte that the encoding does not allow."""

    def __init__(self, encoding: Encoding, position: int, byte: int) -> None:
        super().__init__(f"as {encoding.name}, byte 0x{byte:02x} at position {position:,} is wrong")
        self.position = position


def detect_encoding(path: Path) -> Encoding:
    """The encoding of a text file: by its mark, else the first of UTF-8, GBK and GB18030 that fits all of it.

    Text in other encodings can be valid GBK by chance. Where the characters would be unusual ones, or where
    none of the three fits, charset-normalizer is asked.

    Raises:
        FileFormatError: the file is in no encoding that is known here, or holds NUL characters.
    """
    with path.open("rb") as file:
        head = file.read(PIECE)
    if marked := [encoding for mark, encoding in MARKED.items() if head.startswith(mark)]:
        tried = marked
    elif _begins_as_utf8(head):
        tried = [UTF8]
    else:
        tried = [UTF8, GBK, GB18030]
    failures: list[_NotValidError] = []
    unusual = None
    for encoding in tried:
        try:
            if _common_share(path, encoding) >= COMMON_SHARE:
                return encoding
            unusual = unusual or encoding
        except _NotValidError as error:
            failures.append(error)
    guess = _guessed(path, failures[0].position) if GBK in tried else None
    if found := guess or unusual:
        return found
    furthest = max(failures, key=lambda error: error.position)
    raise FileFormatError(
        f"{path} is in no encoding that is known here (UTF-8, UTF-16 with its mark, GB18030, GBK): "
        f"{furthest}; save the file as UTF-8."
    ) from furthest


def _begins_as_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        valid = head
    except UnicodeDecodeError as error:
        valid = head[: error.start]
    return len(valid) - len(valid.decode("ascii", "ignore")) >= UTF8_BYTES


def _guessed(path: Path, position: int) -> Encoding | None:
    """What charset-normalizer makes of the part around the first byte that is not UTF-8."""
    from charset_normalizer import from_bytes

    with path.open("rb") as file:
        file.seek(max(0, position - SAMPLE // 2))
        best = from_bytes(file.read(SAMPLE), cp_isolation=list(OTHERS)).best()
    if best is None:
        return None
    encoding = Encoding(f"{best.encoding} (a guess)", best.encoding)
    try:
        _common_share(path, encoding)
    except _NotValidError:
        return None
    return encoding


def _common_share(path: Path, encoding: Encoding) -> float:
    """Decodes all of a file; of what is beyond ASCII, the share in GB2312, or 1 where that says nothing.

    Raises:
        _NotValidError: a byte does not fit.
    """
    beyond = common = 0
    line = 1
    for text in _decoded(path, encoding):
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise FileFormatError(f"{path} holds a NUL character in line {line:,}, so it is not text.")
        line += text.count("\n")
        if encoding in {GBK, GB18030}:
            ascii_count = len(text.encode("ascii", "ignore"))
            beyond += len(text) - ascii_count
            common += (len(text.encode("gb2312", "ignore")) - ascii_count) // 2
    return common / beyond if beyond else 1.0


def _decoded(path: Path, encoding: Encoding) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
    position = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield _decode(decoder, piece, encoding, position)
            position += len(piece)
    yield _decode(decoder, b"", encoding, position)


def _decode(decoder: codecs.IncrementalDecoder, piece: bytes, encoding: Encoding, position: int) -> str:
    held = len(decoder.getstate()[0])
    try:
        return decoder.decode(piece, final=not piece)
    except UnicodeDecodeError as error:
        raise _NotValidError(encoding, position - held + error.start, error.object[error.start]) from error
