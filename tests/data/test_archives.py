"""Archives: honest ones give their members, hostile ones one sentence and little memory."""

import bz2
import contextlib
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import archives
from chainrule.errors import ArchiveError

FILES = {"a/one.txt": b"one", "two.bin": bytes(range(256)) * 7, "empty": b""}
MIB = 2**20


def tar_of(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, method)
    return sink.getvalue()


def deb_of(files: dict[str, bytes], pack: Callable[[bytes], bytes] = lzma.compress) -> bytes:
    """An `ar` archive whose first member has an odd size, so that its padding is met."""
    result = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0"), ("data.tar.xz", pack(tar_of(files)))):
        header = f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(content):<10}`\n"
        result += header.encode() + content + b"\n" * (len(content) % 2)
    return result


def tar_with(entry: tarfile.TarInfo) -> bytes:
    return entry.tobuf() + bytes(1024)


def contents(archive: bytes, limits: archives.Limits = archives.LIMITS) -> dict[str, bytes]:
    walk = archives.members(io.BytesIO(archive), "it", limits)
    return {member.path: member.read(largest=400 * MIB) for member in walk}


def refusal(archive: bytes, limits: archives.Limits = archives.LIMITS) -> str:
    with pytest.raises(ArchiveError) as caught:
        contents(archive, limits)
    return str(caught.value)


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


@pytest.mark.parametrize(
    "archive",
    [
        zip_of(FILES),
        zip_of(FILES, zipfile.ZIP_STORED),
        tar_of(FILES),
        gzip.compress(tar_of(FILES)),
        bz2.compress(tar_of(FILES)),
        lzma.compress(tar_of(FILES)),
        zstd(tar_of(FILES)),
        deb_of(FILES),
        deb_of(FILES, zstd),
    ],
    ids=["zip", "zip-stored", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "deb-xz", "deb-zst"],
)
def test_every_format_gives_all_members(archive: bytes) -> None:
    assert contents(archive) == FILES


@given(st.dictionaries(st.text("abc/é", min_size=1).filter(lambda p: "/" not in (p[0], p[-1])), st.binary()))
def test_any_members_come_back(files: dict[str, bytes]) -> None:
    assert contents(zip_of(files)) == files
    assert contents(gzip.compress(tar_of(files))) == files


def test_one_member_is_read() -> None:
    assert archives.read_member(io.BytesIO(zip_of(FILES)), "it.zip", "a/one.txt", largest=3) == b"one"
    dotted = tar_of({"./a/one.txt": b"one"})
    assert archives.read_member(io.BytesIO(dotted), "it.tar", "a/one.txt", largest=3) == b"one"


def test_a_member_that_is_missing_or_too_large() -> None:
    with pytest.raises(ArchiveError, match=r"^it\.zip holds no three; it is damaged or another version\.$"):
        archives.read_member(io.BytesIO(zip_of(FILES)), "it.zip", "three", largest=3)
    with pytest.raises(ArchiveError, match=r"^two\.bin in it\.zip has 1,792 bytes; at most 1,791 are allowed\.$"):
        archives.read_member(io.BytesIO(zip_of(FILES)), "it.zip", "two.bin", largest=1791)


@pytest.mark.parametrize(
    "path", ["../out", "a/../../out", "/etc/passwd", "C:/out", "c:out", "a\\..\\out", "..", "a/.."]
)
@pytest.mark.parametrize("pack", [zip_of, tar_of], ids=["zip", "tar"])
def test_a_path_that_leaves_the_folder(path: str, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    archive = pack({"innocent": b"x", path: b"y"})
    assert refusal(archive) == f"it was refused: its member {path!r} would leave the folder."


def test_a_hidden_path_after_a_zero_byte() -> None:
    archive = zip_of({"aX../../out": b"y"}).replace(b"aX../../out", b"a\0../../out")
    assert refusal(archive) == "it was refused: its member 'a\\x00../../out' would leave the folder."


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_tar_member_that_is_no_file(kind: bytes) -> None:
    entry = tarfile.TarInfo("passwords")
    entry.type, entry.linkname = kind, "/etc/passwd"
    assert refusal(tar_with(entry)) == ("it was refused: its member 'passwords' is a link or device, not a file.")


def test_a_zip_member_that_is_a_link() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        entry = zipfile.ZipInfo("passwords")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert refusal(sink.getvalue()) == ("it was refused: its member 'passwords' is a link or device, not a file.")


def test_an_encrypted_zip() -> None:
    archive = bytearray(zip_of({"secret": b"x"}))
    archive[6] |= 1  # the flags in the member's own header and in the directory
    archive[archive.index(b"PK\1\2") + 8] |= 1
    assert refusal(bytes(archive)) == "it is encrypted; give it without a password."


def test_an_unknown_way_of_packing() -> None:
    archive = bytearray(zip_of({"secret": b"x"}))
    archive[archive.index(b"PK\1\2") + 10] = 97
    assert refusal(bytes(archive)).startswith("it is damaged or no archive: That compression method")


@pytest.mark.parametrize("pack", [zip_of, tar_of, deb_of], ids=["zip", "tar", "deb"])
def test_too_many_members(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    archive = pack({str(i): b"" for i in range(8)})
    limits = archives.Limits(members=7)
    assert refusal(archive, limits) == "it was refused: it has more than 7 members."
    assert len(contents(archive, archives.Limits(members=8))) == 8


def test_a_zip_directory_too_long_to_be_read() -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 33_000_000, 0, 0)
    archive = b"PK\3\4" + bytes(100) + end
    assert refusal(archive) == "it was refused: it has more than 200,000 members."
    larger = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 9**6, 9**6, 10**12, 0)
    archive = b"PK\3\4" + larger + struct.pack("<4sLQL", b"PK\6\7", 0, 4, 1) + end
    archive = archive.replace(struct.pack("<L", 33_000_000), b"\xff\xff\xff\xff")
    assert refusal(archive) == "it was refused: it has more than 200,000 members."


def zeros(count: int) -> Iterable[bytes]:
    return (bytes(MIB) for _ in range(count))


def zip_bomb() -> bytes:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros", "w") as member,
    ):
        member.writelines(zeros(100))
    return sink.getvalue()


def tar_bomb(kind: bytes) -> bytes:
    sink = io.BytesIO()
    entry = tarfile.TarInfo("zeros")
    entry.size, entry.type = 100 * MIB, kind
    with gzip.GzipFile(fileobj=sink, mode="wb") as packed:
        packed.write(entry.tobuf())
        packed.writelines(zeros(100))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (
            zip_bomb(),
            "it was refused: it unpacks to 100 MiB or more, which no honest archive of its size does.",
        ),
        (
            tar_bomb(tarfile.REGTYPE),
            "it was refused: it unpacks to 32 MiB or more, which no honest archive of its size does.",
        ),
        (tar_bomb(tarfile.XHDTYPE), "it is damaged or no archive: a header of more than 1 MiB."),
        (tar_bomb(tarfile.GNUTYPE_LONGNAME), "it is damaged or no archive: a header of more than 1 MiB."),
    ],
    ids=["zip", "tar", "long pax header", "long name"],
)
def test_a_bomb_takes_little_memory(archive: bytes, reason: str) -> None:
    tracemalloc.start()
    try:
        found = refusal(archive)
        assert tracemalloc.get_traced_memory()[1] < 70 * MIB
    finally:
        tracemalloc.stop()
    assert found == reason


def test_members_that_are_together_too_large() -> None:
    limits = archives.Limits(total=9, free=9)
    for pack in (zip_of, tar_of):
        assert contents(pack({"a": b"12345", "b": b"6789"}), limits) == {"a": b"12345", "b": b"6789"}
        assert "which no honest archive" in refusal(pack({"a": b"12345", "b": b"67890"}), limits)


def noise(count: int) -> bytes:
    return random.Random(3).randbytes(count)


@pytest.mark.parametrize(
    "pack",
    [
        zip_of,
        tar_of,
        deb_of,
        lambda files: gzip.compress(tar_of(files)),
        lambda files: bz2.compress(tar_of(files)),
        lambda files: lzma.compress(tar_of(files)),
        lambda files: zstd(tar_of(files)),
    ],
    ids=["zip", "tar", "deb", "tar.gz", "tar.bz2", "tar.xz", "tar.zst"],
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_truncated_archive(pack: Callable[[dict[str, bytes]], bytes], share: float) -> None:
    archive = pack({"a": noise(50_000)})
    assert refusal(archive[: int(len(archive) * share)]).startswith("it is damaged")


def test_a_changed_byte_is_found() -> None:
    archive = bytearray(zip_of({"a": noise(5000)}))
    archive[2500] ^= 1
    assert refusal(bytes(archive)) == "it is damaged or no archive: Bad CRC-32 for file 'a'."
    header = bytearray(tar_of({"a": b"x", "b": b"y"}))
    header[1024 + 5] ^= 1
    assert refusal(bytes(header)) == "it is damaged or no archive: bad checksum."


@pytest.mark.parametrize("content", [b"", b"no archive at all", noise(5000), b"PK\3\4" + noise(99), b"\x1f\x8b"])
def test_what_is_no_archive(content: bytes) -> None:
    assert refusal(content).startswith("it is damaged or no archive: ")


@given(
    st.binary(max_size=300),
    st.sampled_from([b"PK\3\4", b"!<arch>\n", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b""]),
)
def test_noise_raises_nothing_else(tail: bytes, magic: bytes) -> None:
    with contextlib.suppress(ArchiveError):
        contents(magic + tail)


@given(
    st.integers(0, 10**9),
    st.sampled_from([zip_of(FILES), gzip.compress(tar_of(FILES)), tar_of(FILES), deb_of(FILES)]),
)
def test_a_flipped_bit_raises_nothing_else(place: int, archive: bytes) -> None:
    changed = bytearray(archive)
    changed[place // 8 % len(archive)] ^= 1 << place % 8
    with contextlib.suppress(ArchiveError):
        contents(bytes(changed))


def test_a_debian_package_without_data() -> None:
    assert refusal(b"!<arch>\n") == "it is damaged: it holds no data.tar."
    assert refusal(deb_of(FILES)[:40]) == "it is damaged: it holds no data.tar."


def test_a_single_gzip_file() -> None:
    packed = gzip.compress(b"12345")
    assert archives.gunzip(io.BytesIO(packed), "it.gz", largest=5) == b"12345"
    with pytest.raises(ArchiveError, match=r"^it\.gz unpacks to more than the 4 bytes allowed\.$"):
        archives.gunzip(io.BytesIO(packed), "it.gz", largest=4)
    with pytest.raises(ArchiveError, match=r"^it\.gz is damaged or no archive: Not a gzipped file"):
        archives.gunzip(io.BytesIO(b"12345"), "it.gz", largest=5)
    with pytest.raises(ArchiveError, match=r"^it\.gz is damaged or no archive: Compressed file ended"):
        archives.gunzip(io.BytesIO(packed[:-9]), "it.gz", largest=5)
