import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule.data import preprocess
from chainrule.data.dataset import Dataset
from chainrule.data.preprocess import PicturePreprocessor, TablePreprocessor, TargetScaler
from chainrule.errors import ColumnError, FileFormatError, ModelFolderError

SIZES = [1.0, 2.0, 6.0, 7.0]
COLOURS = ["red", "blue", "red", None]
FEATURES = {
    "size": pa.array(SIZES),
    "constant": pa.array([5.0] * 4),
    "colour": pa.array(COLOURS).dictionary_encode(),
    "gap": pa.array([np.nan, 0.0, 2.0, 4.0]),
}


@pytest.fixture
def table():
    return TablePreprocessor.of({name: [cells] for name, cells in FEATURES.items()})


def test_columns_stand_beside_each_other(table):
    assert table.outputs == ("size", "colour = blue", "colour = red", "gap", "gap is missing")
    assert table.width == 5
    assert table.notes == ("Column 'constant' is the same in all training rows and is dropped.",)
    deviation = np.sqrt((9 + 4 + 4 + 9) / 4)
    gap = np.sqrt(8 / 3)
    expected = [
        [-3 / deviation, 0, 1, 0, 1],
        [-2 / deviation, 1, 0, -2 / gap, 0],
        [2 / deviation, 0, 1, 0, 0],
        [3 / deviation, 0, 0, 2 / gap, 0],
    ]
    np.testing.assert_allclose(table.transform(FEATURES), np.array(expected, np.float32), rtol=1e-6)
    assert table.transform(FEATURES).dtype == np.float32


def test_the_whole_as_scikit_learn_does():
    random = np.random.default_rng(2)
    numbers, codes = random.normal(3, 11, 97), random.integers(0, 5, 97).astype(str)
    ours = TablePreprocessor.of({"n": [pa.array(numbers)], "c": [pa.array(codes).dictionary_encode()]})
    theirs = ColumnTransformer([("n", StandardScaler(), [0]), ("c", OneHotEncoder(sparse_output=False), [1])])
    rows = np.stack([numbers.astype(object), codes.astype(object)], axis=1)
    made = ours.transform({"n": pa.array(numbers), "c": pa.array(codes)})
    np.testing.assert_allclose(made, theirs.fit_transform(rows).astype(float), rtol=1e-5)


def test_a_table_in_parts_is_learned_as_a_whole(monkeypatch):
    random = np.random.default_rng(5)
    gaps = random.normal(1e6, 3, 97)
    gaps[-2:] = np.nan
    columns = {
        "n": pa.array(gaps),
        "same": pa.array([5.0] * 97),
        "c": pa.array([f"{n}" for n in random.integers(0, 29, 97)]).dictionary_encode(),
    }
    rows = pa.table(columns | {"target": pa.array(gaps)})
    examples = Dataset(name="t", kind="table", rows=rows, split_codes=np.zeros(97, np.uint8), sha256="").split("train")
    whole = TablePreprocessor.of({name: [cells] for name, cells in columns.items()})
    assert TablePreprocessor.fit(examples) == whole
    monkeypatch.setattr(preprocess, "ROWS", 7)
    parts = TablePreprocessor.fit(examples)
    assert (parts.notes, parts.outputs) == (whole.notes, whole.outputs)
    assert parts.columns[1] == whole.columns[1]
    assert parts.columns[0].mean == pytest.approx(whole.columns[0].mean, rel=1e-14)
    assert parts.columns[0].deviation == pytest.approx(whole.columns[0].deviation, rel=1e-12)


def test_rows_are_like_columns(table):
    rows = [
        {"gap": None, "size": "1.0", "colour": "red", "more": 3},
        {"gap": 0, "size": 2, "colour": "blue"},
        {"gap": np.float32(2), "size": " 6 ", "colour": "red"},
        {"gap": "4", "size": 7.0, "colour": None},
    ]
    np.testing.assert_array_equal(table.transform(rows), table.transform(FEATURES))
    assert table.transform([]).shape == (0, 5)


def test_missing_columns_and_wrong_values_are_named(table):
    with pytest.raises(ColumnError, match="^there is no column 'gap'; the model needs 'size', 'colour', 'gap'.$"):
        table.transform({name: FEATURES[name] for name in ("size", "colour")})
    row = {"size": 1, "colour": "red", "gap": 2}
    with pytest.raises(ColumnError, match="^row 2 has no column 'colour'; the model needs 'size', 'colour', 'gap'.$"):
        table.transform([row, {"size": 1, "gap": 2}])
    with pytest.raises(ColumnError, match="^row 2, column 'size': 'large' was found; a finite number was needed.$"):
        table.transform([row, {**row, "size": "large"}])
    with pytest.raises(ColumnError, match="^every column is the same in all training rows; nothing can be learned"):
        TablePreprocessor.of({"constant": [FEATURES["constant"]]})


def test_a_table_comes_back_from_json(table):
    text = table.to_json()
    again = TablePreprocessor.from_json(text)
    assert again.columns == table.columns
    assert again.to_json() == text
    np.testing.assert_array_equal(again.transform(FEATURES), table.transform(FEATURES))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, '{"columns": [3]}', '{"columns": 3}', '{"columns": [{"name": "x"}]}']
)
def test_a_broken_description_of_columns_is_refused(text):
    with pytest.raises(ModelFolderError, match="^the model's description of its columns cannot be read"):
        TablePreprocessor.from_json(text)


def test_a_description_with_a_column_twice_or_none_is_refused(table):
    content = json.loads(table.to_json())
    for columns in ([], content["columns"][:1] * 2):
        with pytest.raises(ModelFolderError, match="description of its columns has none, or one of them twice"):
            TablePreprocessor.from_json(json.dumps({"columns": columns}))


def test_targets_there_and_back():
    values = np.array([1.0, 2.0, 6.0, 7.0])
    scaler = TargetScaler.fit(values)
    assert scaler == TargetScaler(4.0, np.sqrt(6.5))
    scaled = scaler.scale(values)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, np.array([-3, -2, 2, 3]) / np.sqrt(6.5), rtol=1e-6)
    np.testing.assert_allclose(scaler.restore(scaled), values, rtol=1e-6)
    assert TargetScaler.from_json(scaler.to_json()) == scaler
    assert TargetScaler.fit(np.array([3.0, 3.0])) == TargetScaler(3.0, 1.0)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"mean": 1}', '{"mean": 1, "deviation": 0}', '{"mean": null, "deviation": 1}']
)
def test_a_broken_scale_is_refused(text):
    with pytest.raises(ModelFolderError, match="^the model's scale of its target cannot be read"):
        TargetScaler.from_json(text)


PIXELS = np.random.default_rng(4).integers(0, 256, (23, 3, 5, 7), dtype=np.uint8)


def examples(pixels):
    kind = pa.list_(pa.uint8(), pixels[0].size)
    rows = pa.table({"picture": pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), type=kind)})
    codes = np.zeros(len(pixels), np.uint8)
    codes[::5] = 1
    return Dataset(
        name="p", kind="pictures", rows=rows, split_codes=codes, sha256="", picture_shape=pixels.shape[1:]
    ).split("train")


@pytest.mark.parametrize("batch_values", [1, 3 * 5 * 7 * 4, 1 << 23])
def test_mean_and_deviation_of_the_training_pictures(monkeypatch, batch_values):
    monkeypatch.setattr(preprocess, "BATCH_VALUES", batch_values)
    fitted = PicturePreprocessor.fit(examples(PIXELS))
    seen = PIXELS[np.arange(23) % 5 != 0].astype(np.float64)
    assert fitted.shape == (3, 5, 7)
    np.testing.assert_allclose(fitted.mean, seen.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(fitted.deviation, seen.std(axis=(0, 2, 3)), rtol=1e-12)


def test_a_channel_without_contrast_keeps_its_scale():
    pixels = PIXELS.copy()
    pixels[:, 1] = 200
    fitted = PicturePreprocessor.fit(examples(pixels))
    assert (fitted.mean[1], fitted.deviation[1]) == (200.0, 1.0)


def test_texts_have_no_pixels():
    rows = pa.table({"text": pa.array(["a"], pa.large_string())})
    texts = Dataset(name="t", kind="text", rows=rows, split_codes=np.zeros(1, np.uint8), sha256="").split("train")
    with pytest.raises(ValueError, match="'t' holds no pictures"):
        PicturePreprocessor.fit(texts)


def test_pictures_come_back_from_json_in_the_hubs_form():
    fitted = PicturePreprocessor(shape=(3, 5, 7), mean=(51.0, 102.0, 255.0), deviation=(25.5, 51.0, 1.0))
    content = json.loads(fitted.to_json())
    assert content == {
        "do_resize": True,
        "size": {"height": 5, "width": 7},
        "resample": 3,
        "num_channels": 3,
        "do_rescale": True,
        "rescale_factor": pytest.approx(1 / 255),
        "do_normalize": True,
        "image_mean": pytest.approx([0.2, 0.4, 1.0]),
        "image_std": pytest.approx([0.1, 0.2, 1 / 255]),
    }
    again = PicturePreprocessor.from_json(fitted.to_json())
    assert again.shape == fitted.shape
    np.testing.assert_allclose(again.mean + again.deviation, fitted.mean + fitted.deviation, rtol=1e-15)


@pytest.mark.parametrize(
    "change",
    [
        {"num_channels": 2},
        {"num_channels": 1},
        {"num_channels": True},
        {"size": {"height": 5}},
        {"size": {"height": 0, "width": 7}},
        {"size": {"height": 10**6, "width": 7}},
        {"size": {"height": 5.0, "width": 7}},
        {"image_mean": [0.1, 0.2]},
        {"image_mean": None},
        {"image_std": [0.1, 0.2, 0]},
    ],
)
def test_a_broken_description_of_pictures_is_refused(change):
    fitted = PicturePreprocessor(shape=(3, 5, 7), mean=(1.0, 2.0, 3.0), deviation=(1.0, 2.0, 3.0))
    with pytest.raises(ModelFolderError, match="^the model's description of its pictures cannot be read"):
        PicturePreprocessor.from_json(json.dumps({**json.loads(fitted.to_json()), **change}))


def test_a_picture_is_loaded_as_those_of_folders_are(tmp_path):
    fitted = PicturePreprocessor(shape=(1, 11, 4), mean=(1.0,), deviation=(1.0,))
    image = Image.fromarray(PIXELS[0].transpose(1, 2, 0))
    image.save(tmp_path / "a.png")
    expected = np.asarray(image.convert("L").resize((4, 11), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(fitted.load_picture(tmp_path / "a.png"), expected[None])
    with pytest.raises(FileFormatError, match=r"there is nothing at .*b\.png; give the path of your data"):
        fitted.load_picture(tmp_path / "b.png")
    with pytest.raises(FileFormatError, match="is a folder; a file was needed"):
        fitted.load_picture(tmp_path)
