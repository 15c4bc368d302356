import io
import pickle
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from chainrule.data.own_files import read_own
from chainrule.errors import ArchiveError, ColumnError, DataError, FileFormatError

pytestmark = pytest.mark.usefixtures("empty_cache")
RANDOM = np.random.default_rng(3)
GREY = RANDOM.integers(0, 256, (47, 5, 7), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (47, 5, 7, 3), dtype=np.uint8)
LABELS = np.arange(47) % 3


def saved(tmp_path, **arrays):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **arrays)
    return path


def pictures(dataset):
    """All pictures, in the order of the file."""
    flat = dataset.rows.column("picture").combine_chunks().flatten().to_numpy()
    return flat.reshape(-1, *dataset.picture_shape)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[:, :, :, None], GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (np.ascontiguousarray(COLOUR.transpose(0, 3, 1, 2)), COLOUR.transpose(0, 3, 1, 2)),
        (GREY.astype(np.int64), GREY[:, None]),
        (GREY.astype(">u2"), GREY[:, None]),
        (GREY / 255, GREY[:, None]),
        ((GREY / np.float32(255)).astype(np.float16), None),
        (GREY > 100, (GREY > 100)[:, None] * np.uint8(255)),
    ],
)
def test_pictures_of_any_layout_and_type(tmp_path, stored, expected):
    dataset = read_own(saved(tmp_path, x=stored, y=LABELS), kind="pictures")
    if expected is None:  # ten bits are too few for 255 values
        np.testing.assert_allclose(pictures(dataset)[:, 0].astype(int), GREY, atol=1)
    else:
        np.testing.assert_array_equal(pictures(dataset), expected)
    assert dataset.classes == ("0", "1", "2")
    assert dataset.rows.column("label").to_pylist() == LABELS.tolist()
    assert dataset.notes == ()


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array(["cat", "ant"])[LABELS % 2], ("ant", "cat")),
        (LABELS[:, None] * 5.0, ("0", "5", "10")),
        (LABELS > 0, ("False", "True")),
    ],
)
def test_labels_of_any_type(tmp_path, labels, classes):
    dataset = read_own(saved(tmp_path, images=GREY, labels=labels), kind="pictures")
    assert dataset.classes == classes


def test_published_splits(tmp_path):
    path = saved(tmp_path, x_train=GREY[:40], y_train=LABELS[:40], x_test=GREY[40:], y_test=LABELS[40:])
    dataset = read_own(path, kind="pictures")
    np.testing.assert_array_equal(pictures(dataset), GREY[:, None])
    np.testing.assert_array_equal(dataset.split_codes[40:], [2] * 7)
    assert set(dataset.split_codes[:40]) == {0, 1}


def test_pictures_are_scaled_like_those_of_folders(tmp_path):
    dataset = read_own(saved(tmp_path, x=COLOUR, y=LABELS), kind="pictures", picture_shape=(3, 11, 4))
    assert dataset.notes == ("The pictures, of 7 x 5 pixels, are scaled to 4 x 11 pixels.",)
    image = Image.fromarray(COLOUR[13]).resize((4, 11), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(pictures(dataset)[13], np.asarray(image).transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"z": GREY, "y": LABELS}, "a.npz holds the arrays 'z', 'y'; one of pictures and one of labels were needed, "),
        ({"x": GREY}, "a.npz holds the arrays 'x'; one of pictures and one of labels were needed, named x and y, or "),
        ({"x": GREY, "y": LABELS[:-1]}, "a.npz: array 'y' has the shape (46,), and 'x' has (47, 5, 7); one label a "),
        ({"x": GREY, "y": np.eye(47)}, "a.npz: array 'y' has the shape (47, 47), and 'x' has (47, 5, 7); one label a "),
        ({"x": GREY.reshape(47, 35), "y": LABELS}, "a.npz: array 'x' has the shape (47, 35); (pictures, height"),
        ({"x": GREY.reshape(47, 7, 5, 1, 1), "y": LABELS}, "a.npz: array 'x' has the shape (47, 7, 5, 1, 1); (pict"),
        ({"x": GREY + 1j, "y": LABELS}, "a.npz: array 'x' is of type complex128, which cannot be used; numbers were "),
        ({"x": np.asfortranarray(GREY), "y": LABELS}, "a.npz: array 'x' is stored column by column; save np.ascontig"),
        ({"x": GREY, "y": LABELS.astype(object)}, "a.npz: array 'y' holds Python objects, that is a pickle, "),
        ({"x": GREY * 1.0, "y": LABELS}, "a.npz: picture 0 of array 'x' holds the value "),
        ({"x": GREY - 300.0, "y": LABELS}, "a.npz: picture 0 of array 'x' holds the value "),
        ({"x": GREY.astype(int) + 1, "y": LABELS}, "a.npz: picture "),
        ({"x": np.where(np.arange(47)[:, None, None] == 41, np.nan, 0.5) * np.ones((47, 5, 7)), "y": LABELS},
         "a.npz: picture 41 of array 'x' holds the value nan; floating-point numbers from 0 to 1 were needed."),
        ({"x": GREY, "y": LABELS * 0}, "a.npz holds pictures of 1 classes; 2 to 1,000 were needed"),
    ],
)  # fmt: skip
def test_other_arrays_are_refused_in_one_sentence(tmp_path, empty_cache, arrays, sentence):
    with pytest.raises(DataError) as caught:
        read_own(saved(tmp_path, **arrays), kind="pictures")
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(sentence)
    assert not list(empty_cache.glob("datasets/*"))


def npy(shape, dtype="|u1", content=b"", *, pad=64):
    """A .npy file whose header says what it likes."""
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode().ljust(pad) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def zipped(tmp_path, **members):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


LABELS_FILE = npy((2,), content=b"\0\1")


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"x": npy((10**9, 10**9, 3)), "y": LABELS_FILE},
         "a.npz: array 'x' claims the shape (1000000000, 1000000000, 3), that is 3,000,000,000,000,000,000 bytes; "),
        ({"x": npy((2, -5, -7), content=bytes(70)), "y": LABELS_FILE},
         "a.npz: array 'x' claims the shape (2, -5, -7), that is 70 bytes; 70 are there."),
        ({"x": npy((2, 5, 7), content=bytes(69)), "y": LABELS_FILE},
         "a.npz: array 'x' claims the shape (2, 5, 7), that is 70 bytes; 69 are there."),
        ({"x": npy((2, 5, 7), "|O", bytes(70)), "y": LABELS_FILE}, "a.npz: array 'x' holds Python objects, that is "),
        ({"x": npy("__import__('os')"), "y": LABELS_FILE}, "a.npz is damaged or no archive: shape is not valid"),
        ({"x": npy((2, 5, 7), pad=40_000), "y": LABELS_FILE}, "a.npz: x.npy has no header of an array that is known"),
        ({"x": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(99), "y": LABELS_FILE}, "a.npz: x.npy has no header of a"),
        ({"x": b"\x93NUMPY\x09\x00" + bytes(60), "y": LABELS_FILE}, "a.npz: x.npy has no header of an array"),
        ({"x": b"\x80\x04pickle", "y": LABELS_FILE}, "a.npz: x.npy has no header of an array that is known here."),
        ({"x": b"", "y": LABELS_FILE}, "a.npz: x.npy has no header of an array that is known here."),
    ],
)  # fmt: skip
def test_hostile_headers_are_refused(tmp_path, members, sentence):
    path = zipped(tmp_path, **members)
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        read_own(path, kind="pictures")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "a.npz"
    count = 300_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w") as member:
            member.write(npy((count, 32, 32)))
            for _ in range(count // 10_000):
                member.write(bytes(10_240_000))
        archive.writestr("y.npy", npy((count,), content=bytes(count)))
    started = time.monotonic()
    with pytest.raises(ArchiveError, match="a.npz was refused: it unpacks to 293 MiB or more, which no honest archive"):
        read_own(path, kind="pictures")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            pickle.dumps(GREY),
            "a.npz is a pickle, which could run any program when it is opened; a .npz file was needed.",
        ),
        (b"x,y\n1,2\n", "a.npz does not begin like one; a .npz file was needed."),
        (b"PK\x03\x04" + bytes(50), "a.npz is damaged or no archive: File is not a zip file."),
        (b"\x93NUMPY\x01\x00", "a.npz is a NumPy array; a .npz file was needed."),
    ],
)
def test_what_is_no_npz_file_is_refused(tmp_path, content, sentence):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_own(path, kind="pictures")
    assert str(caught.value).removeprefix(f"{tmp_path}/") == sentence


def test_another_zip_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    match = r"a\.npz holds 'word/document\.xml', which is no NumPy array; save it with np\.savez"
    with pytest.raises(FileFormatError, match=match):
        read_own(path, kind="pictures")


def test_damaged_content_is_refused_and_leaves_nothing(tmp_path, empty_cache):
    buffer = io.BytesIO()
    np.savez(buffer, x=GREY, y=LABELS)
    content = bytearray(buffer.getvalue())
    content[content.index(GREY.tobytes()[:50]) + 20] ^= 1
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"a\.npz is damaged or no archive: Bad CRC-32 for file 'x\.npy'"):
        read_own(path, kind="pictures")
    assert not list(empty_cache.glob("datasets/*"))


def test_many_labels_are_no_classes(tmp_path):
    count = 50_000
    path = saved(tmp_path, x=np.zeros((count, 2, 2), np.uint8), y=np.arange(count))
    with pytest.raises(ColumnError, match=r"a\.npz holds pictures of 50,000 classes; 2 to 1,000 were needed"):
        read_own(path, kind="pictures")
