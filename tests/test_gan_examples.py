"""The programs beside the GAN, on settings of a second."""

import importlib.util
from pathlib import Path

import pytest

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
    assert found["area"]["principal components"] == pytest.approx(0.7, abs=0.3)
