"""Converted data sets: whole or not there, mapped and not read, and the same as was written."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from chainrule.data import store
from chainrule.data.dataset import Dataset
from chainrule.errors import StorageError

SCHEMA = pa.schema({"text": pa.large_string(), "label": pa.int32(), "goods": pa.dictionary(pa.int32(), pa.string())})
FACTS = store.Facts(
    name="some-set",
    kind="text",
    sha256="abc",
    classes=("negative", "positive"),
    picture_shape=(3, 5, 7),
    left_out={"empty": 2},
    notes=("one", "two"),
    licence="CC0",
    source="nowhere",
)
GOODS = ["book", "水果", "phone"]
CODES = np.array([0, 255, 1, 2, 0], np.uint8)


def batch(texts: list[str], labels: list[int | None], goods: list[int], known: int) -> pa.RecordBatch:
    categories = pa.DictionaryArray.from_arrays(pa.array(goods, pa.int32()), pa.array(GOODS[:known]))
    return pa.record_batch([pa.array(texts, pa.large_string()), pa.array(labels, pa.int32()), categories], SCHEMA)


def write(key: str = "key", codes: np.ndarray = CODES) -> None:
    with store.writing(key, SCHEMA) as writer:
        writer.add(batch(["a", ""], [1, None], [0, 0], 1))
        writer.add(batch(["b", "c", "d"], [0, 1, 1], [2, 1, 0], 3))
        writer.finish(codes, FACTS)


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "datasets").iterdir())


def test_what_was_written_comes_back(empty_cache: Path) -> None:
    assert store.open_dataset("key") is None
    write()
    dataset = store.open_dataset("key")
    assert dataset is not None
    assert dataset.rows.to_pydict() == {
        "text": ["a", "", "b", "c", "d"],
        "label": [1, None, 0, 1, 1],
        "goods": ["book", "book", "phone", "水果", "book"],
    }
    assert dataset.split_codes.tolist() == CODES.tolist()
    whole = Dataset(rows=dataset.rows, split_codes=dataset.split_codes, **vars(FACTS))
    assert {k: v for k, v in vars(dataset).items() if k != "split_codes"} == {
        k: v for k, v in vars(whole).items() if k != "split_codes"
    }
    train = dataset.split("train")
    assert train.texts() == ["a", "d"]
    assert train.take("goods").to_pylist() == ["book", "book"]
    assert dataset.split("validation").take("goods").to_pylist() == ["phone"]


def test_a_data_set_without_rows(empty_cache: Path) -> None:
    with store.writing("key", SCHEMA) as writer:
        writer.finish(np.array([], np.uint8), FACTS)
    dataset = store.open_dataset("key")
    assert dataset is not None
    assert (len(dataset.rows), len(dataset.split_codes)) == (0, 0)


def test_rows_are_mapped_and_not_read(empty_cache: Path) -> None:
    schema = pa.schema({"picture": pa.list_(pa.uint8(), 2**20)})
    before = pa.total_allocated_bytes()
    with store.writing("key", schema) as writer:
        for index in range(50):
            pixels = pa.array(np.full(2**20, index, np.uint8))
            writer.add(pa.record_batch([pa.FixedSizeListArray.from_arrays(pixels, 2**20)], schema))
            assert pa.total_allocated_bytes() - before < 2**22
        writer.finish(np.zeros(50, np.uint8), FACTS)
    dataset = store.open_dataset("key")
    assert dataset is not None
    assert dataset.rows.nbytes >= 50 * 2**20
    assert pa.total_allocated_bytes() - before < 2**22
    assert dataset.rows.column("picture")[37].as_py() == [37] * 2**20


def test_a_block_that_fails_leaves_nothing(empty_cache: Path) -> None:
    with pytest.raises(pa.ArrowInvalid), store.writing("key", SCHEMA) as writer:
        writer.add(pa.record_batch({"another": [1]}))
    assert names(empty_cache) == []


def test_what_must_be_said_at_the_end(empty_cache: Path) -> None:
    with pytest.raises(ValueError, match=r"^4 split codes were given for 5 rows$"):
        write(codes=CODES[:4])
    with pytest.raises(ValueError, match=r"^the data set 'key' was not finished$"), store.writing("key", SCHEMA):
        pass
    assert names(empty_cache) == []


@pytest.mark.parametrize("name", [store.ROWS, store.SPLIT_CODES, store.FACTS])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer"])
def test_a_damaged_data_set_is_not_there_and_is_written_anew(empty_cache: Path, name: str, damage: str) -> None:
    write()
    path = empty_cache / "datasets" / "key" / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[:-9], "longer": content + b"12345678"}[damage])
    assert store.open_dataset("key") is None
    write()
    dataset = store.open_dataset("key")
    assert dataset is not None
    assert dataset.rows.column("text").to_pylist() == ["a", "", "b", "c", "d"]
    assert names(empty_cache) == ["key"]


def test_the_first_of_two_writers_stays(empty_cache: Path) -> None:
    with store.writing("key", SCHEMA) as slower:
        slower.add(batch(["slower"], [0], [0], 1))
        write()
        slower.finish(CODES[:1], FACTS)
    dataset = store.open_dataset("key")
    assert dataset is not None
    assert dataset.rows.column("text").to_pylist() == ["a", "", "b", "c", "d"]
    assert names(empty_cache) == ["key"]


def test_many_writers_and_readers_at_once(empty_cache: Path) -> None:
    found: list[list[str]] = []

    def use() -> None:
        for _ in range(5):
            write()
            dataset = store.open_dataset("key")
            found.append(dataset.rows.column("text").to_pylist() if dataset else [])

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["a", "", "b", "c", "d"]] * 40
    assert names(empty_cache) == ["key"]


def test_what_a_killed_conversion_left_is_removed_after_a_day(empty_cache: Path) -> None:
    folder = empty_cache / "datasets"
    for name, age in (("old", 90_000), ("young", 60), ("busy", 90_000)):
        (folder / f".partial-{name}").mkdir(parents=True)
        (folder / f".partial-{name}" / "rows.arrow").write_bytes(b"x")
        when = time.time() - age
        for path in (folder / f".partial-{name}" / "rows.arrow", folder / f".partial-{name}"):
            os.utime(path, (when, when))
    os.utime(folder / ".partial-busy" / "rows.arrow")
    write()
    assert names(empty_cache) == [".partial-busy", ".partial-young", "key"]


def test_a_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError) as caught:
        write()
    assert str(caught.value) == (
        f"cannot create the cache folder {tmp_path}/file/datasets: Not a directory; "
        "set CHAINRULE_CACHE to a folder you may write to."
    )
