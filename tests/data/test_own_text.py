import numpy as np
import pytest

from chainrule.data.own_files import read_own
from chainrule.data.splits import example_digest, normalise_text, split_code
from chainrule.errors import ColumnError, DataError

pytestmark = pytest.mark.usefixtures("empty_cache")


def csv_of(tmp_path, rows, codec="utf-8"):
    path = tmp_path / "reviews.csv"
    path.write_bytes(("label,review\n" + "".join(f'{label},"{text}"\n' for label, text in rows)).encode(codec))
    return path


ROWS = [(i % 2, f"评论 number {i}") for i in range(60)]


def test_texts_labels_and_splits(tmp_path):
    dataset = read_own(csv_of(tmp_path, ROWS, "gb18030"), kind="text")
    assert dataset.name == "reviews.csv"
    assert dataset.kind == "text"
    assert dataset.classes == ("0", "1")
    assert dataset.source == str(tmp_path / "reviews.csv")
    assert dataset.notes == (
        "Read as GBK.",
        "Using column 'review' as text and 'label' as label; choose others with --text-column and --label-column.",
    )
    expected = [split_code(example_digest(normalise_text(text).encode())) for _, text in ROWS]
    np.testing.assert_array_equal(dataset.split_codes, expected)
    test = dataset.split("test")
    assert test.texts() == [text for (_, text), code in zip(ROWS, expected, strict=True) if code == 2]
    np.testing.assert_array_equal(
        test.labels(), [label for (label, _), code in zip(ROWS, expected, strict=True) if code == 2]
    )


def test_rows_left_out_are_counted_by_reason(tmp_path):
    extra = [(0, "評！"), (0, "評?"), (1, "same"), (0, "SAME!"), ("", "no label here"), ("NA", "nor here"), (1, " ! ")]
    dataset = read_own(csv_of(tmp_path, [*ROWS, *extra]), kind="text")
    assert dataset.left_out == {"duplicate": 1, "conflicting labels": 2, "no label": 2, "empty": 1}
    assert dataset.rows.num_rows == 67
    np.testing.assert_array_equal(dataset.split_codes[61:], [255] * 6)
    assert dataset.rows.column("label").to_pylist()[64:66] == [None, None]


def test_labels_may_be_words_in_any_format(tmp_path):
    lines = "".join(f'{{"text": "number {i}", "label": "{["neg", "pos", "mixed"][i % 3]}"}}\n' for i in range(50))
    path = tmp_path / "a.jsonl"
    path.write_text(lines + '{"text": null, "label": "pos"}\n')
    dataset = read_own(path, kind="text")
    assert dataset.classes == ("mixed", "neg", "pos")
    assert dataset.rows.column("label").to_pylist() == [[1, 2, 0][i % 3] for i in range(50)] + [2]
    assert dataset.left_out == {"empty": 1}


def test_a_class_that_is_too_small_is_noted(tmp_path):
    dataset = read_own(csv_of(tmp_path, [*ROWS, (7, "only one")]), kind="text")
    assert dataset.notes[-1] == "1 of 3 classes have less than 2 training examples: '7'."


def test_fifty_thousand_labels_are_no_classes(tmp_path):
    path = csv_of(tmp_path, [(f"id{i}", f"text {i}") for i in range(50_000)])
    with pytest.raises(ColumnError, match=r"reviews\.csv: column 'label' holds more than 1,000 different labels"):
        read_own(path, kind="text")


def test_one_class_alone_is_refused(tmp_path):
    with pytest.raises(ColumnError, match="column 'label' holds the label '1' alone; at least two classes"):
        read_own(csv_of(tmp_path, [(1, f"text {i}") for i in range(9)]), kind="text")


def test_nothing_left_is_refused_and_leaves_nothing(tmp_path, empty_cache):
    with pytest.raises(DataError, match=r"none of its 2 rows is left \(left out: 2 conflicting labels\)"):
        read_own(csv_of(tmp_path, [(0, "same"), (1, "same")]), kind="text")
    assert list((empty_cache / "datasets").iterdir()) == []


def test_a_split_without_examples_says_how_many_rows_are_needed(tmp_path):
    dataset = read_own(csv_of(tmp_path, [(0, "a"), (1, "b"), (0, "c"), (1, "d"), (1, "e")]), kind="text")
    empty = [name for code, name in enumerate(("train", "validation", "test")) if code not in dataset.split_codes]
    assert empty
    with pytest.raises(DataError, match=f"no example in its {empty[0]} split .* about 50 fill every split"):
        dataset.split(empty[0])


def test_columns_that_are_ignored_are_not_guessed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,comment,label\n" + "".join(f"text {i},comment {i},{i % 2}\n" for i in range(40)))
    dataset = read_own(path, kind="text", ignore_columns=["text"])
    assert dataset.rows.column("text").to_pylist()[7] == "comment 7"
