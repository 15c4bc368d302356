"""Files that a model is to score: nothing of them is guessed that the model knows."""

import io

import numpy as np
import pytest
from PIL import Image

from chainrule.data.own_files import read_own
from chainrule.data.taught import Taught
from chainrule.errors import ColumnError, DataError, OptionError

pytestmark = pytest.mark.usefixtures("empty_cache")
COLUMNS = (("size", None), ("colour", ("01", "02", "10")))


def written(tmp_path, content, name="scored.csv"):
    path = tmp_path / name
    path.write_text(content)
    return path


def test_no_text_is_left_out_for_being_like_another(tmp_path):
    path = written(tmp_path, "text,label\ngood,b\nGood!,b\ngood,a\n!?,a\nfine,\n")
    like = Taught(classes=("a", "b", "c"))
    dataset = read_own(path, kind="text", like=like)
    assert dataset.classes == ("a", "b", "c")
    assert dataset.left_out == {"empty": 1, "no label": 1}
    examples = dataset.everything()
    assert examples.texts() == ["good", "Good!", "good"]
    assert examples.labels().tolist() == [1, 1, 0]
    assert dataset.notes == (
        "Read as UTF-8.",
        "Using column 'text' as text and 'label' as label; choose others with --text-column and --label-column.",
    )
    with pytest.raises(DataError, match="1 empty, 1 no label, 3 conflicting labels"):
        read_own(path, kind="text")


def test_one_text_of_one_class_can_be_scored(tmp_path):
    path = written(tmp_path, "text,label\ngood,1.0\n")
    dataset = read_own(path, kind="text", like=Taught(classes=("0", "1")))
    assert dataset.everything().labels().tolist() == [1]
    with pytest.raises(DataError, match="holds the class '1.0', which the model was not taught; its classes are: a, b"):
        read_own(path.rename(tmp_path / "b.csv"), kind="text", like=Taught(classes=("a", "b")))


def test_equal_files_are_kept_apart_by_what_the_model_knows(tmp_path):
    path = written(tmp_path, "text,label\ngood,b\nbad,a\n")
    for classes in (("a", "b"), ("b", "a")):
        dataset = read_own(path, kind="text", like=Taught(classes=classes))
        assert [classes[place] for place in dataset.everything().labels()] == ["b", "a"]
    assert read_own(path, kind="text").classes == ("a", "b")


def test_columns_are_what_they_were_in_training(tmp_path):
    path = written(tmp_path, "size,other,colour,price\n1,x,01,5\n,y,10,6\n2.5,z,,\n3,w,7,8\n")
    like = Taught(columns=COLUMNS)
    dataset = read_own(path, kind="table", target_column="price", answer="numbers", like=like)
    assert dataset.rows.schema.names == ["size", "colour", "target"]
    assert dataset.rows.column("colour").to_pylist() == ["01", "10", None, "7"]
    assert dataset.rows.column("size").to_pylist()[:1] == [1.0]
    assert dataset.left_out == {"no target": 1}
    assert dataset.everything().targets().tolist() == [5, 6, 8]
    assert dataset.notes == (
        "Read as UTF-8.",
        "Column 'colour' holds categories in 1 of 4 rows that the model was not taught, such as '7'.",
    )


def test_categories_that_come_late_in_a_long_file(tmp_path):
    rows = "".join(f"{i},{'01' if i < 5000 else f'n{i % 3}'},{i % 2}\n" for i in range(9001))
    path = written(tmp_path, f"size,colour,label\n{rows}")
    dataset = read_own(path, kind="table", answer="classes", like=Taught(classes=("0", "1"), columns=COLUMNS))
    colours = dataset.everything().features()["colour"].to_pylist()
    assert colours == ["01"] * 5000 + [f"n{i % 3}" for i in range(5000, 9001)]
    assert dataset.notes[-1] == (
        "Column 'colour' holds categories in 4,001 of 9,001 rows that the model was not taught, such as 'n2'."
    )


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("size,price\n1,2\n", {}, "has no column 'colour'; the model needs 'size', 'colour'."),
        ("size,colour,price\n1,01,2\nwide,01,2\n", {}, ", line 3, column 'size': 'wide' was found; a finite number "),
        ("size,colour,price\n1,01,2\ninf,01,2\n", {}, ", line 3, column 'size': 'inf' was found; a finite number was"),
        ("size,colour,price\n1,01,dear\n", {}, ", line 2, column 'price': 'dear' was found; a finite number to pred"),
        ("size,colour,price\n1,01,2\n", {"target_column": "size"}, ": the model predicts from column 'size'; name "),
        ("size,colour,price\n1,01,\n", {}, ": none of its 1 rows is left (left out: 1 no target)"),
    ],
)
def test_a_table_that_cannot_be_scored(tmp_path, content, options, sentence):
    path = written(tmp_path, content)
    given = {"target_column": "price", "ignore_columns": ["gone"], **options}
    with pytest.raises(DataError) as caught:
        read_own(path, kind="table", answer="numbers", like=Taught(columns=COLUMNS), **given)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_the_recipe_says_what_is_predicted(tmp_path):
    path = written(tmp_path, "size,colour,price\n1,01,2\n")
    with pytest.raises(OptionError) as caught:
        read_own(path, kind="table", target_column="price", answer="classes")
    assert str(caught.value) == ("--target-column is for numbers, and classes are predicted here; give --label-column.")
    with pytest.raises(OptionError) as caught:
        read_own(path, kind="table", label_column="price", answer="numbers")
    assert str(caught.value) == ("--label-column is for classes, and numbers are predicted here; give --target-column.")
    with pytest.raises(ColumnError, match="choose with --target-column"):
        read_own(path, kind="table", answer="numbers", like=Taught(columns=COLUMNS))


def test_pictures_of_one_class_in_the_shape_of_the_model(tmp_path):
    like = Taught(classes=("cat", "dog"), picture_shape=(1, 3, 5))
    folder = tmp_path / "pictures" / "dog"
    folder.mkdir(parents=True)
    for number in (1, 2):
        content = io.BytesIO()
        Image.new("RGB", (11, 7), (60 * number,) * 3).save(content, "PNG")
        (folder / f"{number}.png").write_bytes(content.getvalue())
    dataset = read_own(tmp_path / "pictures", kind="pictures", like=like)
    assert (dataset.classes, dataset.picture_shape) == (("cat", "dog"), (1, 3, 5))
    assert dataset.everything().labels().tolist() == [1, 1]
    assert dataset.everything().pictures()[:, 0, 0, 0].tolist() == [60, 120]
    assert not any("training examples" in note for note in dataset.notes)
    path = tmp_path / "a.npz"
    np.savez(path, x=np.full((1, 3, 5), 7, np.uint8), y=np.array(["dog"]))
    one = read_own(path, kind="pictures", like=like).everything()
    assert (one.labels().tolist(), one.pictures().max()) == ([1], 7)


def test_one_sequence(tmp_path):
    path = written(tmp_path, '{"sequence": [[1, 2], [3, 4]], "label": "b"}\n', "a.jsonl")
    like = Taught(classes=("a", "b"))
    examples = read_own(path, kind="sequences", like=like).everything()
    assert examples.labels().tolist() == [1]
    np.testing.assert_array_equal(examples.sequences()[0], [[1, 2], [3, 4]])
    np.savez(tmp_path / "a.npz", x=np.ones((1, 3, 2)), y=np.array(["b"]))
    assert read_own(tmp_path / "a.npz", kind="sequences", like=like).everything().labels().tolist() == [1]
