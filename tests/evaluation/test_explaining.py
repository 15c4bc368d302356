"""Explanations as PNG files."""

import errno
import io
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from torch import nn

from chainrule import api
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.errors import ModelFolderError, OptionError, StorageError
from chainrule.evaluation.explaining import require_explainable, write_explanations
from chainrule.evaluation.explanations import draw_explanation, tiled
from chainrule.evaluation.plots import render_png
from chainrule.inference.pictures import PREPROCESSING, PicturePredictor
from chainrule.inference.saliency import Explanation
from chainrule.models.folder import ModelConfig
from chainrule.runtime.devices import resolve_compute


def explanation(channels=3, classes=("T-shirt/top", "$x$ 猫", "bag")):
    draw = np.random.default_rng(1)
    return Explanation(
        picture=draw.integers(0, 256, (channels, 13, 11), dtype=np.uint8),
        classes=classes,
        probabilities=np.linspace(1, 2, len(classes)) / np.linspace(1, 2, len(classes)).sum(),
        filters=draw.normal(size=(41, channels, 3, 3)),
        activations=draw.random((7, 13, 11)),
        saliency=draw.random((13, 11)),
        places=(7, 5),
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_everything_is_named(channels):
    figure = draw_explanation(explanation(channels), title="cat $1$.png")
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    assert titles == [
        "cat $1$.png",
        "What speaks for bag",
        "Probability",
        "First filters: 32 of 41",
        "What comes of them: 7",
    ]
    shares = [text.get_text() for text in figure.axes[2].texts]
    assert shares == ["22.2%", "33.3%", "44.4%"]
    assert figure.axes[1].get_xlabel() == "Grad-CAM of maps of 5 x 7"


def test_many_classes_are_the_most_probable_ones():
    figure = draw_explanation(explanation(classes=tuple(f"class {n}" for n in range(17))), title="x")
    names = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    assert names == [f"class {n}" for n in range(7, 17)]


def test_it_can_be_drawn():
    image = Image.open(io.BytesIO(render_png(lambda: draw_explanation(explanation(), title="a"))))
    assert image.format == "PNG"
    assert min(image.size) > 1000


def test_tiles_stand_beside_and_below_each_other():
    tiles = np.arange(5.0)[:, None, None, None] * np.ones((5, 1, 2, 3))
    sheet = tiled(tiles)
    assert sheet.shape == (2 + 1 + 2, 4 * 3 + 3, 3)
    np.testing.assert_array_equal(sheet[0, :, 0], [0, 0, 0, 0.88, 1, 1, 1, 0.88, 2, 2, 2, 0.88, 3, 3, 3])
    assert (sheet[3:, :3] == 4).all()
    assert (sheet[3:, 3:] == 0.88).all()


class Explainer:
    config = SimpleNamespace(task="image-classification")

    def require_explainable(self):
        pass

    def explain(self, _path):
        return explanation()


def test_a_file_an_input(tmp_path):
    written = write_explanations(Explainer(), ["a/cat.png", "b/cat.png", 80 * "猫"], tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["1-cat.png", "2-cat.png", f"3-{40 * '猫'}.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_a_full_disk_says_what_to_do(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"1-cat\.png: .* make room, then ask again\.$"):
        write_explanations(Explainer(), ["cat.png"], tmp_path)
    monkeypatch.setattr(os, "fsync", lambda *_: os.open(tmp_path / "none" / "none", os.O_RDONLY))
    with pytest.raises(StorageError, match=r"choose a folder you may write to with --explain\.$"):
        write_explanations(Explainer(), ["cat.png"], tmp_path)


def test_what_cannot_be_explained_is_refused(tmp_path):
    other = SimpleNamespace(config=SimpleNamespace(task="tabular-regression"))
    with pytest.raises(OptionError) as caught:
        require_explainable(other, tmp_path / "new")
    assert str(caught.value) == (
        "--explain is for classifiers of pictures and of texts; this model does tabular-regression."
    )
    (tmp_path / "something").touch()
    with pytest.raises(OptionError) as caught:
        require_explainable(Explainer(), tmp_path)
    assert str(caught.value) == f"--explain {tmp_path} is not an empty folder; give a new one."


def test_a_model_without_maps_is_not_asked(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the model was asked")

    shape = PicturePreprocessor(shape=(1, 13, 11), mean=(0.0,), deviation=(1.0,))
    (tmp_path / PREPROCESSING).write_text(shape.to_json())
    config = ModelConfig(
        family="other", arguments={}, task="image-classification", recipe="toy", classes=("ant", "bee")
    )
    predictor = PicturePredictor(tmp_path, nn.Linear(13, 2), config, resolve_compute("cpu", "fp32"))
    monkeypatch.setattr(PicturePredictor, "predict", refuse)
    monkeypatch.setattr(api, "load", lambda *_, **__: predictor)
    with pytest.raises(ModelFolderError) as caught:
        api.predict("run", ["cat.png"], explain=tmp_path / "new")
    assert str(caught.value) == ("this model has no maps to explain a picture by; the networks of image-cnn have.")
    assert not (tmp_path / "new").exists()


def test_nothing_is_answered_where_the_explanations_have_no_place(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the model was asked")

    asked = SimpleNamespace(explain=None, require_explainable=lambda: None, predict=refuse)
    monkeypatch.setattr(api, "load", lambda *_, **__: asked)
    (tmp_path / "something").touch()
    with pytest.raises(OptionError, match="is not an empty folder; give a new one"):
        api.predict("run", ["a"], explain=tmp_path)
