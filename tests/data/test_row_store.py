"""Rows on disk are those that the preprocessor makes."""

import numpy as np
import pyarrow as pa
import pytest

from chainrule.data import row_store
from chainrule.data.dataset import Dataset
from chainrule.data.preprocess import TablePreprocessor
from chainrule.data.row_store import RowStore

COLUMNS = ("size", "colour", "gap", "shape")


def examples(*names):
    """211 rows, of which 173 in chunks of 37 are the training split; some categories stand in the others alone."""
    random = np.random.default_rng(0)
    gaps = random.normal(size=211)
    gaps[random.random(211) < 0.2] = np.nan
    columns = {
        "size": pa.array(random.normal(3, 11, 211)),
        "colour": pa.array(random.choice(["red", "blue", None], 211)).dictionary_encode(),
        "gap": pa.array(gaps),
        "shape": pa.array([f"{n}" for n in random.integers(0, 23, 205)] + ["late"] * 6).dictionary_encode(),
    }
    chosen = {name: columns[name] for name in names}
    table = pa.Table.from_batches(pa.table(chosen | {"target": pa.array(np.zeros(211))}).to_batches(max_chunksize=37))
    codes = np.repeat(np.array([0, 2], np.uint8), [173, 38])
    return Dataset(name="t", kind="table", rows=table, split_codes=codes, sha256="")


@pytest.mark.parametrize("names", [COLUMNS, ("size", "gap"), ("colour", "shape"), ("shape",)])
def test_rows_are_as_the_preprocessor_makes_them(names, monkeypatch, empty_cache):
    monkeypatch.setattr(row_store, "ROWS", 19)
    dataset = examples(*names)
    preprocessor = TablePreprocessor.fit(dataset.split("train"))
    for chosen in (dataset.split("train"), dataset.split("test"), dataset.everything()):
        store = RowStore.of(chosen, preprocessor)
        positions = np.random.default_rng(1).integers(0, len(chosen), 53)
        made = store.features(positions)
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, preprocessor.transform(chosen.features(positions)))
    assert list((empty_cache / "passing").iterdir()) == []


def test_a_category_is_a_number_on_disk(empty_cache):
    chosen = examples("size", "shape").split("train")
    store = RowStore.of(chosen, TablePreprocessor.fit(chosen))
    assert (store.numbers.shape, store.codes.shape) == ((173, 1), (173, 1))
    assert store.features(np.arange(3)).shape == (3, 24)
