"""Data sets narrowed down to some classes, a few labels, a smaller validation split."""

import hashlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from chainrule.data.dataset import Dataset
from chainrule.data.splits import LEFT_OUT
from chainrule.data.subsets import narrowed
from chainrule.errors import OptionError, UnknownNameError

CLASSES = ("ant", "bee", "cat", "dog")
ROWS = 83


def dataset():
    draw = np.random.default_rng(1)
    pixels = draw.integers(0, 256, (ROWS, 2 * 3), dtype=np.uint8)
    picture = pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), 6)
    label = pa.array(draw.integers(0, 4, ROWS), pa.int32())
    rows = pa.concat_tables([pa.table({"picture": picture, "label": label}).slice(*cut) for cut in ((0, 31), (31, 52))])
    codes = draw.choice([0, 0, 0, 1, 2, LEFT_OUT], ROWS).astype(np.uint8)
    return Dataset(
        name="animals",
        kind="pictures",
        rows=rows,
        split_codes=codes,
        sha256="0" * 64,
        classes=CLASSES,
        picture_shape=(1, 2, 3),
        left_out={"duplicate": int((codes == LEFT_OUT).sum())},
    )


def content(examples):
    """Pixels → the name of the class."""
    names = examples.dataset.classes
    return {
        picture.tobytes(): names[label] for picture, label in zip(examples.pictures(), examples.labels(), strict=True)
    }


def test_the_classes_asked_for_and_no_others():
    whole, found = dataset(), narrowed(dataset(), classes=("dog", "bee"))
    assert found.classes == ("dog", "bee")
    for split in ("train", "validation", "test"):
        expected = {pixels: name for pixels, name in content(whole.split(split)).items() if name in {"dog", "bee"}}
        assert content(found.split(split)) == expected
    summary = found.summary()
    assert sum(summary["splits"].values()) + sum(summary["left_out"].values()) == ROWS
    assert summary["left_out"]["duplicate"] == whole.left_out["duplicate"]
    assert found.notes == ("The classes are dog, bee alone, of 4.",)


def test_few_labels_are_those_with_the_lowest_digests():
    whole, found = dataset(), narrowed(dataset(), labels_per_class=3)
    chosen = content(found.split("train"))
    for name in CLASSES:
        own = [pixels for pixels, other in content(whole.split("train")).items() if other == name]
        lowest = sorted(own, key=lambda pixels: hashlib.sha256(pixels).digest())[:3]
        assert {pixels for pixels, other in chosen.items() if other == name} == set(lowest)
    for split in ("validation", "test"):
        assert content(found.split(split)) == content(whole.split(split))


def test_of_validation_those_with_the_lowest_digests_stay_and_the_others_are_learned_from():
    whole, found = dataset(), narrowed(dataset(), validation_examples=3)
    before = content(whole.split("validation"))
    lowest = sorted(before, key=lambda pixels: hashlib.sha256(pixels).digest())[:3]
    assert content(found.split("validation")) == {pixels: before[pixels] for pixels in lowest}
    moved = {pixels: name for pixels, name in before.items() if pixels not in lowest}
    assert moved
    assert content(found.split("train")) == content(whole.split("train")) | moved
    assert content(found.split("test")) == content(whole.split("test"))
    assert found.notes == (f"{len(moved)} examples of the validation split are learned from; 3 stay.",)
    assert narrowed(dataset(), validation_examples=len(before)).summary() == whole.summary()


def test_equal_examples_of_validation_stay_together():
    one = dataset()
    pixels = np.tile(np.arange(6, dtype=np.uint8), ROWS)
    same = pa.FixedSizeListArray.from_arrays(pa.array(pixels), 6)
    alike = replace(one, rows=pa.table({"picture": same, "label": one.rows.column("label")}))
    found = narrowed(alike, validation_examples=1)
    assert found.summary()["splits"] == alike.summary()["splits"]
    assert found.notes == alike.notes


def test_examples_are_not_given_to_learning_and_taken_away():
    with pytest.raises(OptionError, match="--validation-examples gives examples to what is learned from, and --labels"):
        narrowed(dataset(), validation_examples=3, labels_per_class=3)


def test_both_together():
    found = narrowed(dataset(), classes=("bee", "ant"), labels_per_class=2)
    assert sorted(found.split("train").labels().tolist()) == [0, 0, 1, 1]


def test_nothing_asked_nothing_changed():
    same = narrowed(dataset())
    assert same.summary() == dataset().summary()


def test_classes_that_are_not_there_or_too_few():
    with pytest.raises(UnknownNameError, match="there is no class named 'cow'"):
        narrowed(dataset(), classes=("ant", "cow"))
    for few in (("ant",), ("ant", "ant")):
        with pytest.raises(OptionError, match=f"--classes names {', '.join(few)}; give at least two different classes"):
            narrowed(dataset(), classes=few)
