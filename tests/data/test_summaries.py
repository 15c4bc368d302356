"""What is told about data sets."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from chainrule.data import catalog, summaries
from chainrule.data.dataset import Dataset
from chainrule.data.splits import LEFT_OUT

CODES = np.array([0, 0, 1, 2, LEFT_OUT, 0], np.uint8)


def test_the_list(empty_cache: Path) -> None:
    listed = summaries.list_data_sets()
    assert [entry["name"] for entry in listed] == list(catalog.names())
    assert listed[13] == {
        "name": "fashion-mnist",
        "kind": "pictures",
        "description": "articles of clothing, 28 by 28 grey pixels",
        "licence": "MIT",
        "source": "Xiao, Rasul and Vollgraf 2017, github.com/zalandoresearch/fashion-mnist",
        "cached": False,
    }
    assert not any(entry["cached"] for entry in listed)
    catalog.open_dataset("digits")
    assert [entry["name"] for entry in summaries.list_data_sets() if entry["cached"]] == ["digits"]


def test_text() -> None:
    texts = ["good", "bad\n  thing " + "x" * 80, "c", "d", "", "y" * 80]
    rows = pa.table({"text": pa.array(texts, pa.large_string()), "label": pa.array([1, 0, 1, 1, None, 1], pa.int32())})
    dataset = Dataset(
        name="some-set",
        kind="text",
        rows=rows,
        split_codes=CODES,
        sha256="abc",
        classes=("no", "yes"),
        left_out={"empty": 1},
        unreadable=("cats/a.png",),
        notes=("a note",),
        licence="CC0",
        source="here",
    )
    assert summaries.summarise(dataset) == {
        "name": "some-set",
        "kind": "text",
        "sha256": "abc",
        "rows": 6,
        "splits": {"train": 3, "validation": 1, "test": 1},
        "classes": ["no", "yes"],
        "left_out": {"empty": 1},
        "unreadable": ["cats/a.png"],
        "notes": ["a note"],
        "licence": "CC0",
        "source": "here",
        "columns": {"text": "large_string", "label": "int32"},
        "class_counts": {
            "no": {"train": 1, "validation": 0, "test": 0},
            "yes": {"train": 2, "validation": 1, "test": 1},
        },
        "target": None,
        "examples": [
            {"label": "yes", "text": "good"},
            {"label": "no", "text": "bad thing " + "x" * 69 + "…"},
            {"label": "yes", "text": "y" * 80},
        ],
    }


def test_table() -> None:
    rows = pa.table(
        {
            "size": [1.0, 2.5, 3.0, 4.0, 5.0, 6.0],
            "colour": pa.array(["red", None, "red", "blue", "red", "blue"]).dictionary_encode(),
            "target": [7.0, 11.0, 0.0, 0.0, 0.0, 30.0],
        }
    )
    told = summaries.summarise(Dataset(name="t", kind="table", rows=rows, split_codes=CODES, sha256=""))
    assert told["target"] == {"least": 7.0, "median": 11.0, "greatest": 30.0}
    assert told["class_counts"] is None
    assert told["examples"] == [
        {"target": 7.0, "size": 1.0, "colour": "red"},
        {"target": 11.0, "size": 2.5, "colour": None},
        {"target": 30.0, "size": 6.0, "colour": "blue"},
    ]


def test_pictures() -> None:
    """Three channels of 4 by 3 pixels: two rows of pixels are a line of characters."""
    pixels = np.zeros((6, 3, 4, 3), np.uint8)
    pixels[0, :, 0] = [0, 128, 255]
    pixels[0, 1, 2] = [255, 255, 0]
    flat = pa.FixedSizeListArray.from_arrays(pixels.reshape(-1), 36)
    rows = pa.table({"picture": flat, "label": pa.array([0] * 6, pa.int32())})
    dataset = Dataset(
        name="p",
        kind="pictures",
        rows=rows,
        split_codes=CODES,
        sha256="",
        classes=("thing",),
        picture_shape=(3, 4, 3),
    )
    examples = summaries.summarise(dataset)["examples"]
    assert examples[0] == {"label": "thing", "picture": [" +@", "-- "]}
    assert examples[1] == {"label": "thing", "picture": ["   ", "   "]}


def test_a_wide_picture_is_shown_in_few_characters() -> None:
    drawn = summaries._drawn(np.full((1, 500, 1000), 255, np.uint8))
    assert drawn == ["@" * 32] * 8


def test_sequences() -> None:
    steps = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(14, dtype=np.float32)), 2)
    lists = pa.LargeListArray.from_arrays(pa.array([0, 1, 3, 4, 5, 6, 7], pa.int64()), steps)
    rows = pa.table({"sequence": lists, "label": pa.array([0] * 6, pa.int32())})
    dataset = Dataset(name="s", kind="sequences", rows=rows, split_codes=CODES, sha256="", classes=("one",))
    assert summaries.summarise(dataset)["examples"] == [
        {"label": "one", "steps": 1, "first_step": [0.0, 1.0]},
        {"label": "one", "steps": 2, "first_step": [2.0, 3.0]},
        {"label": "one", "steps": 1, "first_step": [12.0, 13.0]},
    ]


def test_show_is_json_and_describes() -> None:
    told = summaries.show("digits")
    assert json.loads(json.dumps(told)) == told
    assert told["description"] == "handwritten digits, 8 by 8 pixels"
    assert told["splits"] == {"train": 1245, "validation": 186, "test": 366}
    assert sum(sum(counts.values()) for counts in told["class_counts"].values()) == 1797
