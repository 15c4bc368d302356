"""What the plots show, read back from the figures, and that drawing them leaves no trace and no warning."""

import io
import sys

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from chainrule import metrics
from chainrule.evaluation import glyphs, plots

LINES = [
    {"step": 10, "split": "train", "loss": 0.9, "learning_rate": 0.1},
    {"step": 20, "split": "train", "loss": 0.5, "learning_rate": 0.1},
    {"step": 20, "split": "validation", "loss": 0.7, "accuracy": 0.6},
    {"step": 40, "split": "validation", "loss": 0.8, "accuracy": 0.7},
]
HOSTILE = ("$\\frac{", "a\nb", "正面", "\ue123", "", "\x1b[31m", "x" * 100)


def points(line):
    return np.stack(line.get_data(), axis=1).tolist()


def test_panels_are_what_the_lines_hold():
    assert plots.learning_panels(LINES, "accuracy") == ["loss", "accuracy"]
    assert plots.learning_panels(LINES, "loss") == ["loss"]
    assert plots.learning_panels(LINES[:1], "regret") == ["loss"]
    assert plots.learning_panels([{"step": 1, "split": "train", "regret": 2.0}], "regret") == ["regret"]
    assert plots.learning_panels([], "accuracy") == []


def test_the_learning_curve_shows_every_line():
    upper, lower = plots.draw_learning_curve(LINES, ["loss", "accuracy"]).axes
    assert [points(line) for line in upper.lines] == [[[10, 0.9], [20, 0.5]], [[20, 0.7], [40, 0.8]]]
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["training", "validation"]
    assert [points(line) for line in lower.lines] == [[[20, 0.6], [40, 0.7]]]
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("loss", "accuracy", "steps")


def test_the_confusion_matrix_shows_shares_and_counts():
    counts = np.array([[3, 1, 0], [0, 0, 0], [1, 1, 2]])
    axes = plots.draw_confusion(counts, ("good", "bad", "odd")).axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25, 0], [0, 0, 0], [0.25, 0.25, 0.5]])
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "3", (1, 0): "1", (0, 2): "1", (1, 2): "1", (2, 2): "2"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["good", "bad", "odd"]
    assert axes.get_title() == "Confusion matrix, test examples: 8"


def test_many_classes_have_no_numbers():
    axes = plots.draw_confusion(np.eye(21, dtype=np.int64), tuple(map(str, range(21)))).axes[0]
    assert len(axes.texts) == 0


def test_the_calibration_shows_the_filled_bins():
    found = metrics.Reliability(np.array([0, 3, 1]), np.array([np.nan, 0.5, 0.9]), np.array([np.nan, 2 / 3, 1]))
    upper, lower = plots.draw_calibration(found).axes
    np.testing.assert_allclose(points(upper.lines[1]), [[0.5, 2 / 3], [0.9, 1]])
    assert [bar.get_height() for bar in lower.patches] == [0, 3, 1]
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in lower.patches], [1 / 6, 1 / 2, 5 / 6])


def test_the_residuals_show_every_example():
    targets, predictions = np.array([1.0, 2.0, 4.0, 5.0]), np.array([1.5, 2.0, 3.0, 8.0])
    left, right = plots.draw_residuals(predictions, targets, "bikers").axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), [[1, 1.5], [2, 2], [4, 3], [5, 8]])
    assert sum(bar.get_height() for bar in right.patches) == 4
    edges = [right.patches[0].get_x(), right.patches[-1].get_x() + right.patches[-1].get_width()]
    np.testing.assert_allclose(edges, [-1, 3], atol=1e-5)
    assert (left.get_xlabel(), left.get_ylabel()) == ("bikers, true", "bikers, predicted")
    assert right.get_title() == "Mean error 0.625, mean absolute error 1.12"


def test_many_examples_are_counted_in_cells():
    random = np.random.default_rng(0)
    targets = random.normal(size=3001)
    left = plots.draw_residuals(targets + 0.1, targets, "bikers").axes[0]
    assert left.collections[0].get_array().sum() == 3001


def figures():
    random = np.random.default_rng(0)
    targets = random.normal(size=4001)
    found = metrics.Reliability(np.array([0, 3, 1]), np.array([np.nan, 0.5, 0.9]), np.array([np.nan, 2 / 3, 1]))
    hostile = np.arange(49).reshape(7, 7)
    return {
        "curve": lambda: plots.draw_learning_curve(LINES, ["loss", "accuracy"]),
        "confusion": lambda: plots.draw_confusion(np.array([[3, 1], [0, 2]]), ("good", "bad")),
        "confusion of one": lambda: plots.draw_confusion(np.array([[3]]), ("good",)),
        "confusion of 50": lambda: plots.draw_confusion(np.eye(50, dtype=np.int64), tuple(map(str, range(50)))),
        "confusion with hostile names": lambda: plots.draw_confusion(hostile, HOSTILE),
        "calibration": lambda: plots.draw_calibration(found),
        "residuals": lambda: plots.draw_residuals(targets[:5] + 1, targets[:5], "bikers"),
        "residuals of one": lambda: plots.draw_residuals(targets[:1], targets[:1], "人数"),
        "residuals of many": lambda: plots.draw_residuals(targets + 1, targets, "$x_{"),
        "residuals of like predictions": lambda: plots.draw_residuals(np.zeros(4001), targets, "x"),
    }


@pytest.mark.parametrize("name", figures())
def test_every_plot_becomes_a_picture_without_a_warning(name):
    # The tests turn warnings into errors, those about missing glyphs and layouts too.
    png = plots.render_png(figures()[name])
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.width > 600
        assert picture.height > 500
        colours = picture.convert("RGB").getcolors(maxcolors=2**24)
        assert len(colours) > 10


def settings():
    """Matplotlib's, but for the one that is decided when it is first read."""
    return {name: value for name, value in mpl.rcParams.copy().items() if name != "backend"}


def test_drawing_leaves_matplotlib_as_it_was(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # to import it is an error
    before = settings()
    plain = plots.render_png(figures()["curve"])
    assert settings() == before
    with mpl.rc_context({"font.size": 31, "axes.grid": False}):
        assert plots.render_png(figures()["curve"]) == plain
        assert mpl.rcParams["font.size"] == 31


def test_a_name_no_font_has_is_explained(monkeypatch):
    monkeypatch.setattr(glyphs, "font_families", lambda: (glyphs.LATIN,))
    axes = plots.draw_confusion(np.eye(2, dtype=np.int64), ("正面", "good")).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["class 0", "good"]
    assert axes.get_xlabel() == "predicted class\nNo installed font can draw some names: report.json has them."
