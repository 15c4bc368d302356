"""The programs beside the GAN, on settings of a second."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from chainrule.data.opening import open_examples

EXAMPLES = Path(__file__).parents[1] / "examples/gan"
SMALL = {"steps": 6, "widths": (8, 4), "group_size": 4, "latent_size": 5, "batch_size": 32, "threads": 1}


def program(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_augmentation_compares_both_on_the_same_test_pictures(tmp_path):
    module = program("augmentation")
    cnn = {"steps": 4, "widths": (4, 8), "threads": 1}
    found = module.compare("digits", tmp_path / "out", of_each=12, count=3, seed=1, gan=SMALL, cnn=cnn)
    assert set(found) == {"few", "more"}
    for one in found.values():
        assert one["interval"][0] <= one["accuracy"] <= one["interval"][1]
    from chainrule.data.own_files import read_own

    few, more = (read_own(tmp_path / f"out/{name}.npz", kind="pictures", answer=None) for name in found)
    assert len(few.split("test")) == len(more.split("test"))
    assert len(more.rows) - len(few.rows) == 10 * 3


def test_anomalies_are_scored_by_both_methods(tmp_path, monkeypatch):
    module = program("anomalies")
    monkeypatch.setattr(module, "STEPS", 5)
    found = module.compare("digits", tmp_path / "out", held_out="4", seed=1, most=90, gan=SMALL)
    assert found["pictures"] == 90
    assert 0 < found["strange"] < 30
    assert found["area"].keys() == {"gan", "principal components"}
    assert all(0 <= area <= 1 for area in found["area"].values())
    with np.load(tmp_path / "out/known.npz") as kept:
        known, usual = (kept[f"x_{name}"].reshape(-1, 64) / 127.5 - 1 for name in ("train", "test"))
    pictures = open_examples("digits", None, kind="pictures").split("test").limited_to(90)
    tested = pictures.pictures().reshape(-1, 64) / 127.5 - 1
    mean, axes = known.mean(axis=0), np.linalg.svd(known - known.mean(axis=0))[2][: SMALL["latent_size"]]
    left = np.square((tested - mean) - (tested - mean) @ axes.T @ axes).sum(axis=1)
    strange = pictures.labels() == 4
    assert len(usual) == (~strange).sum()
    above = (left[strange][:, None] > left[~strange]).mean()
    assert found["area"]["principal components"] == pytest.approx(above, abs=1e-3)
