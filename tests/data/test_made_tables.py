"""The tables that are made by a formula: their bytes, their shape, their splits."""

import hashlib
import io
import math

import numpy as np
import pytest

from chainrule.data import catalog, made_tables
from chainrule.data.splits import SPLITS

MADE = {
    "article-points": made_tables.article_points,
    "two-moons": made_tables.two_moons,
    "spirals": made_tables.spirals,
}


def points(name):
    table = np.loadtxt(io.BytesIO(MADE[name]()), delimiter=",", skiprows=1)
    return table[:, :2], table[:, 2].astype(int)


@pytest.mark.parametrize("name", MADE)
def test_the_bytes_are_those_that_the_entry_knows(name):
    (file,) = catalog.describe(name).files
    assert hashlib.sha256(MADE[name]()).hexdigest() == file.sha256
    dataset = catalog.open_dataset(name)
    assert dataset.rows.column_names == ["x1", "x2", "label"]
    assert dataset.classes == ("0", "1")
    assert dataset.sha256 == file.sha256


def test_the_article_s_points_stand_in_every_split():
    dataset = catalog.open_dataset("article-points")
    for split in SPLITS:
        examples = dataset.split(split)
        columns = {name: column.to_pylist() for name, column in examples.features().items()}
        assert columns == {"x1": [1, 0, 1], "x2": [0, 1, 1]}
        assert examples.labels().tolist() == [0, 1, 1]
    assert dataset.same_splits
    assert dataset.notes == (
        "Every split holds the same three points: the model is scored on the same three points it learned from.",
    )


@pytest.mark.parametrize(("name", "splits"), [("two-moons", (719, 84, 197)), ("spirals", (718, 87, 195))])
def test_the_others_are_split_by_their_content(name, splits):
    dataset = catalog.open_dataset(name)
    assert dataset.summary()["splits"] == dict(zip(SPLITS, splits, strict=True))
    assert not dataset.same_splits


def test_moons_are_half_circles_with_noise():
    x, y = points("two-moons")
    assert np.bincount(y).tolist() == [500, 500]
    middles = np.array([[0, 0], [1, 0.5]])
    distances = np.linalg.norm(x - middles[y], axis=1)
    assert distances.mean() == pytest.approx(1, abs=0.05)
    assert distances.std() == pytest.approx(made_tables.MOONS_NOISE, abs=0.02)
    upper, lower = x[y == 0], x[y == 1]
    assert upper[:, 1].mean() == pytest.approx(2 / math.pi, abs=0.05)
    assert lower[:, 1].mean() == pytest.approx(0.5 - 2 / math.pi, abs=0.05)


def test_spirals_are_two_arms_one_the_other_turned():
    x, y = points("spirals")
    assert np.bincount(y).tolist() == [500, 500]
    radius = np.linalg.norm(x, axis=1)
    way = (radius - made_tables.INNER) / (made_tables.OUTER - made_tables.INNER)
    angle = np.arctan2(x[:, 1], x[:, 0]) - 2 * math.pi * made_tables.TURNS * way - math.pi * y
    off = np.abs((angle + math.pi) % (2 * math.pi) - math.pi) * radius
    assert np.median(off) < 0.1
    # One arm ends near the other only a good part of a turn later.
    assert made_tables.SPIRALS_NOISE < (made_tables.OUTER - made_tables.INNER) / (2 * made_tables.TURNS) / 8
