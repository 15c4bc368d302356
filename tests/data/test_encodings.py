import subprocess
import sys

import pytest

from chainrule.data.encodings import PIECE, Encoding, detect_encoding
from chainrule.errors import FileFormatError

CHINESE = "这个酒店很好,我很喜欢。\n"
TRADITIONAL = "這個飯店很好,我很喜歡,早餐不錯,價錢公道,服務態度親切。\n"
KNOWN = r"is in no encoding that is known here \(UTF-8, UTF-16 with its mark, GB18030, GBK\): "


@pytest.mark.parametrize(
    ("text", "codec", "expected"),
    [
        ("plain,1\n", "ascii", Encoding("UTF-8", "utf-8")),
        (CHINESE, "utf-8", Encoding("UTF-8", "utf-8")),
        (CHINESE, "utf-8-sig", Encoding("UTF-8 with a byte-order mark", "utf-8-sig")),
        (CHINESE, "utf-16", Encoding("UTF-16", "utf-16")),
        ("\ufeff" + CHINESE, "utf-16-be", Encoding("UTF-16", "utf-16")),
        (CHINESE, "gbk", Encoding("GBK", "gbk")),
        (CHINESE, "gb2312", Encoding("GBK", "gbk")),
        (CHINESE + "𠀀\n", "gb18030", Encoding("GB18030", "gb18030")),
        (TRADITIONAL * 9, "big5", Encoding("big5 (a guess)", "big5")),
        ("The café was “très bien”, naïve.\n" * 9, "cp1252", Encoding("cp1252 (a guess)", "cp1252")),
    ],
)
def test_encodings_are_told_apart(tmp_path, text, codec, expected):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(codec))
    assert detect_encoding(path) == expected


def test_traditional_characters_in_gbk_are_gbk(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes((TRADITIONAL * 9).encode("gbk"))
    assert detect_encoding(path).codec == "gbk"


@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
def test_characters_may_be_cut_by_the_pieces_that_are_read(tmp_path, codec):
    path = tmp_path / "a.csv"
    for offset in (0, 1, 2):
        path.write_bytes(b"a" * (PIECE - 1 - offset) + "酒店很好".encode(codec) + b"\n")
        assert detect_encoding(path).codec == codec


def test_a_wrong_byte_is_named_with_its_position(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CHINESE.encode() * 10 + b"\xff" + CHINESE.encode())
    position = len(CHINESE.encode()) * 10
    with pytest.raises(FileFormatError, match=KNOWN + rf"as UTF-8, byte 0xff at position {position} is wrong; save "):
        detect_encoding(path)
    path.write_bytes(CHINESE.encode("gbk") * 90_000 + b"\xff")
    position = len(CHINESE.encode("gbk")) * 90_000
    assert position > PIECE
    with pytest.raises(FileFormatError, match=KNOWN + f"as GBK, byte 0xff at position {position:,} is wrong"):
        detect_encoding(path)
    path.write_bytes(b"\xff\xfea\x00b")
    with pytest.raises(FileFormatError, match=KNOWN + "as UTF-16, byte 0x62 at position 4 is wrong"):
        detect_encoding(path)


@pytest.mark.parametrize("codec", ["utf-8", "gbk", "utf-16"])
def test_nul_characters_are_named_with_their_line(tmp_path, codec):
    path = tmp_path / "a.csv"
    path.write_bytes((CHINESE * 120_000 + "a\0b\n").encode(codec))
    with pytest.raises(FileFormatError, match=r"a\.csv holds a NUL character in line 120,001, so it is not text"):
        detect_encoding(path)


def test_little_memory_is_needed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CHINESE.encode("gbk") * 4_000_000)  # 100 MB
    code = (
        "import resource, sys; from pathlib import Path; from chainrule.data.encodings import detect_encoding;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "print(detect_encoding(Path(sys.argv[1])).name);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    name, growth = done.stdout.split()
    assert name == "GBK"
    assert int(growth) * 1024 < 40 * PIECE
