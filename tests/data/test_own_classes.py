from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from chainrule.data.own_classes import Classes, check_splits, class_notes, named_classes, picture_classes
from chainrule.errors import ColumnError, DataError

PATH = Path("a.csv")


@pytest.mark.parametrize(
    ("written", "names", "indices"),
    [
        ({"b", "a", "好"}, ("a", "b", "好"), {"a": 0, "b": 1, "好": 2}),
        ({"10", "9", "-1"}, ("-1", "9", "10"), {"-1": 0, "9": 1, "10": 2}),
        ({"1.0", "0.0", "1"}, ("0", "1"), {"0.0": 0, "1": 1, "1.0": 1}),
        ({"0.5", "0.25", "1"}, ("0.25", "0.5", "1"), {"0.25": 0, "0.5": 1, "1": 2}),
        ({"01", "1", "2"}, ("01", "1", "2"), {"01": 0, "1": 1, "2": 2}),
        ({"1", "a"}, ("1", "a"), {"1": 0, "a": 1}),
    ],
)
def test_classes_are_named_and_ordered(written, names, indices):
    assert named_classes(written) == (names, indices)


def test_labels_are_found_in_batches_and_coded():
    classes = Classes(PATH, "label", [pa.array([" b", "NA", None]), pa.array(["a", "b"])])
    assert classes.names == ("a", "b")
    coded = classes.indices(pa.array(["b ", "a", "", None, "other"]))
    assert coded.type == pa.int32()
    assert coded.to_pylist() == [1, 0, None, None, None]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["a", "a "], "a.csv: column 'label' holds the label 'a' alone; at least two classes were needed."),
        (["", "NA"], "a.csv: column 'label' holds no label; at least two classes were needed."),
        (["a", "x" * 201], "a.csv: column 'label' holds a label of 201 characters, which looks like text; choose the"),
        (map(str, range(1001)), "a.csv: column 'label' holds more than 1,000 different labels; choose the column of "),
    ],
)
def test_what_are_no_classes(labels, sentence):
    with pytest.raises(ColumnError) as caught:
        Classes(PATH, "label", [pa.array(labels)])
    assert str(caught.value).startswith(sentence)


def test_so_many_labels_are_not_all_read():
    read = []

    def batches():
        for start in range(0, 50_000, 500):
            read.append(start)
            yield pa.array([str(i) for i in range(start, start + 500)])

    with pytest.raises(ColumnError, match="more than 1,000 different labels"):
        Classes(PATH, "label", batches())
    assert read == [0, 500, 1000]


def test_classes_of_pictures():
    assert picture_classes(PATH, {"b", "a"}) == (("a", "b"), {"a": 0, "b": 1})
    for count in (0, 1, 1001):
        with pytest.raises(
            ColumnError, match=f"holds pictures of {count:,} classes; 2 to 1,000 were needed, in a folder"
        ):
            picture_classes(PATH, {str(i) for i in range(count)})


def test_no_row_is_left():
    check_splits(PATH, np.array([2, 2, 255], np.uint8), {})
    with pytest.raises(DataError) as caught:
        check_splits(PATH, np.array([255, 255, 255], np.uint8), {"empty": 3})
    assert str(caught.value) == (
        "a.csv: none of its 3 rows is left (left out: 3 empty); about 50 rows fill every split."
    )


def test_small_classes_are_noted():
    labels = np.array([0, 0, 1, 1, 2, -1], np.int32)
    codes = np.array([0, 0, 0, 2, 1, 255], np.uint8)
    assert class_notes(("a", "b", "c"), labels, codes) == (
        "2 of 3 classes have less than 2 training examples: 'b', 'c'.",
    )
    assert class_notes(("a",), labels[:2], codes[:2]) == ()
    many = class_notes(tuple(map(str, range(7))), labels[:1], codes[:1])
    assert many == ("7 of 7 classes have less than 2 training examples: '0', '1', '2', '3', '4' ….",)
