from pathlib import Path

import pytest

from chainrule.data.columns import Choice
from chainrule.data.records import Records
from chainrule.data.taught import Taught
from chainrule.errors import ColumnError, DataError

PATH = Path("a.csv")


def records(*names):
    return Records(path=PATH, names=names, batches=lambda _: iter(()))


@pytest.mark.parametrize(
    ("classes", "written", "indices"),
    [
        (("a", "b"), {"b"}, {"b": 1}),
        (("0", "1"), {"1.0", "0", "1"}, {"1.0": 1, "0": 0, "1": 1}),
        (("01", "1", "2"), {"01", "2"}, {"01": 0, "2": 2}),
        (("0.25", "0.5"), {"0.5"}, {"0.5": 1}),
        (("1", "a"), set(), {}),
    ],
)
def test_labels_get_the_indices_of_the_model(classes, written, indices):
    assert Taught(classes=classes).indices(PATH, written) == indices


@pytest.mark.parametrize(
    ("classes", "written", "unknown"),
    [
        (("a", "b"), {"a", "d", "c"}, "'c'"),
        (("1", "2"), {"01"}, "'01'"),
        (("1", "a"), {"1.0"}, "'1.0'"),
        (("1", "2"), {"3.0"}, "'3'"),
    ],
)
def test_a_class_that_was_not_taught_is_refused(classes, written, unknown):
    with pytest.raises(DataError) as caught:
        Taught(classes=classes).indices(PATH, written)
    assert str(caught.value) == (
        f"a.csv holds the class {unknown}, which the model was not taught; its classes are: {', '.join(classes)}."
    )


def test_of_many_classes_twenty_are_named():
    with pytest.raises(DataError, match=r"its classes are: (\d+, ){19}19 …\.$"):
        Taught(classes=tuple(map(str, range(23)))).indices(PATH, {"x"})


def test_the_answers_are_in_none_of_the_columns_the_model_predicts_from():
    like = Taught(columns=(("size", None), ("colour", ("blue", "red"))))
    given = Choice(target="price", ignored=("gone", "label"), answer="numbers")
    chosen = like.choose(records("colour", "label", "size", "price", "other"), given)
    assert chosen == Choice(target="price", ignored=("colour", "label", "size"), answer="numbers")
    with pytest.raises(ColumnError) as caught:
        like.choose(records("size", "price"), given)
    assert str(caught.value) == "a.csv has no column 'colour'; the model needs 'size', 'colour'."
    with pytest.raises(ColumnError) as caught:
        like.choose(records("size", "colour"), Choice(label="size"))
    assert str(caught.value) == "a.csv: the model predicts from column 'size'; name another one for the answers."
