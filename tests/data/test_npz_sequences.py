import io
import zipfile

import numpy as np
import pytest

from chainrule.data import npz_sequences
from chainrule.data.own_files import read_own
from chainrule.errors import ChainruleError, DataError
from tests.data.sequence_files import (
    RANDOM,
    measured,
    npz,
)

pytestmark = pytest.mark.usefixtures("empty_cache")

X, Y = RANDOM.normal(size=(41, 5, 3)), np.arange(41) % 2
FLAT, COUNTS = X.reshape(-1, 3), np.full(41, 5)
WANTED = "x (sequences, time, values), or steps (steps, values) with lengths (sequences,), and labels y were needed."


def changed(array, place, value):
    copy = array.copy()
    copy[place] = value
    return copy


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"z": X, "y": Y}, " holds the arrays 'z', 'y'; " + WANTED),
        ({"x": X}, " holds the arrays 'x'; " + WANTED),
        ({"steps": FLAT, "y": Y}, " holds the arrays 'steps', 'y'; " + WANTED),
        ({"x": X, "steps": FLAT, "lengths": COUNTS, "y": Y}, " holds the arrays 'x', 'steps', 'lengths', 'y'; "),
        ({"x": X[:, :, :, None], "y": Y}, ": array 'x' has the shape (41, 5, 3, 1); (sequences, time, values) was"),
        ({"x": X[:, 0, 0], "y": Y}, ": array 'x' has the shape (41,); (sequences, time, values) was needed."),
        ({"x": X[:, :0], "y": Y}, ": array 'x' has the shape (41, 0, 3); (sequences, time, values) was needed."),
        ({"steps": X, "lengths": COUNTS, "y": Y}, ": array 'steps' has the shape (41, 5, 3); (steps, values) was "),
        ({"x": X, "y": Y[:-1]}, ": array 'y' has the shape (40,), and there are 41 sequences; one label a sequence"),
        ({"x": X, "y": Y + 1j}, ": array 'y' is of type complex128, which cannot be used; numbers or strings were "),
        ({"x": X.astype(str), "y": Y}, ": array 'x' is of type <U32, which cannot be used; numbers were needed."),
        ({"x": X, "y": Y.astype(object)}, ": array 'y' holds Python objects, that is a pickle, which could run any "),
        ({"x": X, "lengths": COUNTS[:-1], "y": Y}, ": array 'lengths' has the shape (40,), and 'x' has (41, 5, 3); "),
        ({"x": X, "lengths": np.int64(5), "y": Y}, ": array 'lengths' has the shape (), and 'x' has (41, 5, 3); one l"),
        ({"x": X, "lengths": COUNTS * 1.0, "y": Y}, ": array 'lengths' is of type float64, which cannot be used; whol"),
        ({"x": X, "lengths": changed(COUNTS, 7, 6), "y": Y}, ": lengths[7] is 6; a length from 1 to 5 was needed."),
        ({"x": X, "lengths": changed(COUNTS, 7, 0), "y": Y}, ": lengths[7] is 0; a length from 1 to 5 was needed."),
        ({"x": X, "lengths": changed(COUNTS, 7, -2**63), "y": Y}, ": lengths[7] is -9223372036854775808; a length fr"),
        ({"steps": FLAT, "lengths": changed(COUNTS, 7, 4), "y": Y},
         ": the lengths sum to 204, and 'steps' has 205 steps; as many were needed."),
        ({"steps": FLAT, "lengths": np.full(41, 2**62), "y": Y}, ": lengths[0] is 4611686018427387904; a length from"),
        ({"steps": FLAT, "lengths": COUNTS[None], "y": Y}, ": array 'lengths' has the shape (1, 41), and 'steps' has "),
        ({"x": changed(X, (37, 4, 1), np.nan), "y": Y}, ": x[37, 4, 1] is nan; a finite number, of at most 3.4e38, w"),
        ({"x": changed(X, (37, 4, 1), -1e39), "y": Y}, ": x[37, 4, 1] is -1e+39; a finite number, of at most 3.4e38,"),
        ({"x": changed(X[:, :, 0], (37, 4), np.inf), "y": Y}, ": x[37, 4] is inf; a finite number, of at most 3.4e38"),
        ({"steps": changed(FLAT, (203, 2), np.nan), "lengths": COUNTS, "y": Y}, ": steps[203, 2] is nan; a finite num"),
        ({"steps": changed(FLAT[:, 0], 203, np.nan), "lengths": COUNTS, "y": Y}, ": steps[203] is nan; a finite numbe"),
        ({"x": X, "y": Y * 0}, ": column 'y' holds the label '0' alone; at least two classes were needed."),
    ],
)  # fmt: skip
def test_other_arrays_are_refused_in_one_sentence(tmp_path, empty_cache, monkeypatch, arrays, sentence):
    path = npz(tmp_path, **arrays)
    for batch_bytes in (1 << 23, 997):
        monkeypatch.setattr(npz_sequences, "BATCH_BYTES", batch_bytes)
        with pytest.raises(DataError) as caught:
            read_own(path, kind="sequences")
        assert str(caught.value).startswith(f"{path}{sentence}")
        assert "\n" not in str(caught.value)
    assert not list(empty_cache.glob("datasets/*"))


def test_labels_that_are_no_text(tmp_path):
    labels = np.array(["aa", "bb"])[Y]
    labels.view(np.uint32)[17] = 0x110000
    with pytest.raises(DataError, match="array 'y' holds what is no text .*; save the labels anew"):
        read_own(npz(tmp_path, x=X, y=labels), kind="sequences")
    with pytest.raises(DataError, match="array 'y' holds what is no text .*; save the labels anew"):
        read_own(npz(tmp_path, x=X, y=np.array(["\ud800", "b"])[Y]), kind="sequences")


def test_an_npz_file_has_no_columns_to_choose(tmp_path):
    with pytest.raises(ChainruleError) as caught:
        read_own(npz(tmp_path, x=X, y=Y), kind="sequences", label_column="y")
    assert str(caught.value) == "columns were named, and an .npz file has none; call its arrays x and y instead."


def test_damaged_content_is_refused_and_leaves_nothing(tmp_path, empty_cache):
    buffer = io.BytesIO()
    np.savez(buffer, x=X, y=Y)
    content = bytearray(buffer.getvalue())
    content[content.index(X.tobytes()[:50]) + 20] ^= 1
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz is damaged or no archive: Bad CRC-32 for file 'x\.npy'"):
        read_own(path, kind="sequences")
    assert not list(empty_cache.glob("datasets/*"))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    count = 40_000_000
    bomb = tmp_path / "a.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": (count, 1, 1)})
        for _ in range(16):
            member.write(bytes(count // 4))
    said, mebibytes = measured(bomb)
    assert "a.npz was refused: it unpacks to 153 MiB or more" in said
    assert mebibytes < 30
