import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule.data import picture_folders
from chainrule.data.own_files import read_own
from chainrule.data.picture_folders import open_folder
from chainrule.data.splits import example_digest, split_code
from chainrule.errors import ColumnError, DataError, FileFormatError
from tests.data.test_pictures import claiming_png

pytestmark = pytest.mark.usefixtures("empty_cache")


def pixels(seed, shape=(5, 7)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path, seed, shape=(5, 7)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed, shape)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """31 grey pictures of two classes."""
    for i in range(31):
        save(tmp_path / "own" / ["dog", "cat"][i % 2] / f"{i:02}.png", i)
    return tmp_path / "own"


def order(count=31):
    """Seeds in the order of the folders."""
    return [*range(1, count, 2), *range(0, count, 2)]


def test_classes_pixels_and_splits(folder):
    dataset = read_own(folder, kind="pictures")
    assert dataset.name == "own"
    assert dataset.classes == ("cat", "dog")
    assert dataset.picture_shape == (1, 5, 7)
    assert dataset.notes == ()
    assert dataset.left_out == {}
    expected = np.stack([pixels(seed) for seed in order()])
    np.testing.assert_array_equal(
        dataset.split_codes, [split_code(example_digest(picture.tobytes())) for picture in expected]
    )
    test = dataset.split("test")
    chosen = dataset.split_codes == 2
    np.testing.assert_array_equal(test.pictures(), expected[chosen][:, None])
    np.testing.assert_array_equal(test.labels(), (np.array(order()) % 2 == 0).astype(int)[chosen])


def test_equal_pictures_share_a_split(folder):
    (folder / "cat" / "more").mkdir()
    for i in range(9):
        save(folder / "cat" / "more" / f"{i}.png", 0)
    dataset = read_own(folder, kind="pictures")
    codes = {code for code, picture in zip(dataset.split_codes, dataset.rows.column("picture").to_pylist(), strict=True)
             if picture == pixels(0).reshape(-1).tolist()}  # fmt: skip
    assert len(codes) == 1
    assert len(dataset.split_codes) == 40


def test_numbered_classes_are_in_the_order_of_their_numbers(tmp_path):
    for i in range(40):
        save(tmp_path / "own" / str([10, 9, 2][i % 3]) / f"{i}.png", i)
    assert read_own(tmp_path / "own", kind="pictures").classes == ("2", "9", "10")


def test_pictures_of_different_sizes_are_scaled(folder):
    save(folder / "cat" / "big.png", 99, (300, 200, 3))
    dataset = read_own(folder, kind="pictures")
    assert dataset.picture_shape == (3, 32, 32)
    assert dataset.notes == ("The pictures, of 2 different sizes, are scaled to 32 x 32 pixels.",)


def test_large_pictures_of_one_size_are_scaled(tmp_path):
    for i in range(31):
        save(tmp_path / "own" / ["a", "b"][i % 2] / f"{i}.png", i, (97, 20))
    dataset = read_own(tmp_path / "own", kind="pictures")
    assert dataset.picture_shape == (1, 32, 32)
    assert dataset.notes == ("The pictures, of 20 x 97 pixels, are scaled to 32 x 32 pixels.",)


def test_a_shape_can_be_asked_for(folder):
    dataset = read_own(folder, kind="pictures", picture_shape=(3, 4, 11))
    assert dataset.picture_shape == (3, 4, 11)
    assert dataset.notes == ("The pictures, of 7 x 5 pixels, are scaled to 11 x 4 pixels.",)
    assert dataset.split("train").pictures().shape[1:] == (3, 4, 11)
    assert read_own(folder, kind="pictures").picture_shape == (1, 5, 7)


def test_published_splits_are_kept_and_a_missing_one_is_drawn_from_training(tmp_path):
    for i in range(120):
        save(tmp_path / "own" / ("test" if i % 3 == 0 else "train") / ["a", "b"][i % 2] / f"{i:03}.png", i)
    dataset = read_own(tmp_path / "own", kind="pictures")
    flat = {pixels(i).tobytes(): i for i in range(120)}
    for code, picture in zip(dataset.split_codes, dataset.rows.column("picture").to_pylist(), strict=True):
        content = bytes(picture)
        drawn = 1 if split_code(example_digest(content)) == 1 else 0
        assert code == (2 if flat[content] % 3 == 0 else drawn)
    assert set(dataset.split_codes) == {0, 1, 2}


def test_three_published_splits_are_kept_as_they_are(tmp_path):
    for i in range(90):
        top = ["training", "val", "test"][i % 3]
        save(tmp_path / "own" / top / ["a", "b"][i // 3 % 2] / f"{i:02}.png", i)
    dataset = read_own(tmp_path / "own", kind="pictures")
    np.testing.assert_array_equal(np.bincount(dataset.split_codes), [30, 30, 30])
    assert dataset.classes == ("a", "b")


def test_unreadable_pictures_are_listed_and_counted(folder):
    (folder / "cat" / "bomb.png").write_bytes(claiming_png(100_000, 100_000))
    (folder / "dog" / "broken.jpg").write_bytes(b"nothing")
    dataset = read_own(folder, kind="pictures")
    assert dataset.left_out == {"unreadable": 2}
    assert dataset.picture_shape == (1, 5, 7)
    assert dataset.notes == (
        "cat/bomb.png is too large a picture: it claims 10,000,000,000 pixels; at most 67,108,864 are read.",
        "dog/broken.jpg cannot be read as a picture: it is no picture.",
    )
    assert dataset.summary()["unreadable"] == list(dataset.notes)
    assert len(dataset.split_codes) == 31


def test_all_unreadable_pictures_are_listed_and_the_first_are_told(folder):
    for number in range(7):
        (folder / "cat" / f"broken {number}.png").write_bytes(b"nothing")
    Path(os.fsdecode(os.fsencode(folder / "cat") + b"/\xff.png")).write_bytes(b"nothing")
    dataset = read_own(folder, kind="pictures")
    sentences = [f"cat/broken {number}.png cannot be read as a picture: it is no picture." for number in range(7)]
    sentences.append("cat/?.png cannot be read as a picture: it is no picture.")
    assert dataset.unreadable == tuple(sentences)
    more = "3 more cannot be read; the report lists all, under data and unreadable."
    assert dataset.notes == (*sentences[:5], more)
    assert dataset.left_out == {"unreadable": 8}


def test_a_class_whose_name_nothing_can_write_is_refused(folder):
    (folder / "cat").rename(os.fsdecode(os.fsencode(folder) + b"/c\xff"))
    with pytest.raises(ColumnError, match=r"the name of the folder 'c\?' is not UTF-8, so .* by it; rename it\."):
        read_own(folder, kind="pictures")


def test_what_is_passed_over_is_counted(folder, tmp_path):
    outside = save(tmp_path / "outside" / "secret.png", 77)
    (folder / "cat" / "link.png").symlink_to(outside)
    (folder / "cat" / "inside.png").symlink_to(folder / "dog" / "00.png")
    (folder / "far").symlink_to(outside.parent)
    (folder / "cat" / "notes.txt").write_text("hello")
    (folder / "cat" / ".hidden.png").write_bytes(b"")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.png").write_bytes(b"")
    os.mkfifo(folder / "cat" / "pipe.png")
    save(folder / "stray.png", 78)
    dataset = read_own(folder, kind="pictures")
    assert len(dataset.split_codes) == 32
    assert dataset.classes == ("cat", "dog")
    (note,) = dataset.notes
    assert note == (
        "Files passed over: 1 outside of the classes' folders, 2 that are links out of the folder or no files, "
        "1 that are links to folders, 1 with no picture's name."
    )


def test_a_changed_picture_is_read_again(folder):
    first = read_own(folder, kind="pictures")
    assert read_own(folder, kind="pictures").sha256 == first.sha256
    save(folder / "cat" / "01.png", 500)
    changed = read_own(folder, kind="pictures")
    assert changed.sha256 != first.sha256
    assert changed.rows.column("picture").to_pylist()[0] == pixels(500).reshape(-1).tolist()


@pytest.mark.parametrize("names", [[], ["cat/1.png"], ["1.png", "2.png"]])
def test_less_than_two_classes_are_refused(tmp_path, names):
    (tmp_path / "own").mkdir()
    for i, name in enumerate(names):
        save(tmp_path / "own" / name, i)
    count = sum("/" in name for name in names)
    match = rf"own holds pictures of {count} classes; 2 to 1,000 were needed, in a folder a folder of pictures for each"
    with pytest.raises(ColumnError, match=match):
        read_own(tmp_path / "own", kind="pictures")


def test_a_folder_without_any_readable_picture_is_refused(tmp_path, empty_cache):
    for name in ("a", "b"):
        (tmp_path / "own" / name).mkdir(parents=True)
        (tmp_path / "own" / name / "1.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"none of its 0 rows is left \(left out: 2 unreadable\)"):
        read_own(tmp_path / "own", kind="pictures")
    assert not list(empty_cache.glob("datasets/*"))


def test_a_file_is_no_folder(tmp_path):
    path = save(tmp_path / "a.png", 1)
    with pytest.raises(FileFormatError, match=r"a\.png is not a folder; one that holds a folder of pictures for each"):
        read_own(path, kind="pictures")


def test_pictures_are_read_again_only_where_one_changed(folder, monkeypatch):
    read = []
    original = picture_folders.sha256_file
    monkeypatch.setattr(picture_folders, "sha256_file", lambda path: read.append(path.name) or original(path))

    def opened(changed_at=10**18):
        read.clear()
        for place in (folder, *folder.rglob("*")):
            os.utime(place, ns=(changed_at, changed_at))
        return read_own(folder, kind="pictures").sha256, len(read)

    first = opened()
    assert first[1] == 31
    assert opened() == (first[0], 0)
    (folder / "cat" / "01.png").rename(folder / "cat" / "02.png")
    renamed = opened()
    assert (renamed[0] != first[0], renamed[1]) == (True, 31)
    save(folder / "cat" / "02.png", 97)
    changed = opened(10**18 + 1)
    assert (changed[0] not in {first[0], renamed[0]}, changed[1]) == (True, 31)


def test_equal_files_seen_from_another_folder_are_other_data(folder):
    for place in (folder.parent, folder, *folder.rglob("*")):
        os.utime(place, ns=(10**18, 10**18))
    assert open_folder(folder).sha256() != open_folder(folder.parent).sha256()


def test_a_hash_is_not_kept_while_a_picture_cannot_be_read(folder, monkeypatch):
    for place in (folder, *folder.rglob("*")):
        os.utime(place, ns=(10**18, 10**18))
    original = picture_folders.sha256_file

    def refuse(path):
        if path.name == "01.png":
            raise PermissionError(13, "Permission denied")
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(picture_folders, "sha256_file", refuse)
        closed = open_folder(folder).sha256()
    assert open_folder(folder).sha256() != closed
