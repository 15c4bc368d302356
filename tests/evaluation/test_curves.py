"""The picture of learning curves, its lines, bands and words read back from the figure."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from chainrule.evaluation import curves, glyphs
from chainrule.evaluation.curves import Curve, draw_curves
from chainrule.evaluation.plots import STYLE, render_png


def curve(settings=(), *, runs=3, points=5, height=0.0):
    """A curve whose lowest and highest run are known."""
    mean = [height + 0.125 * place for place in range(points)]
    return Curve(
        settings=settings,
        runs=tuple(f"runs/{number}" for number in range(runs)),
        steps=tuple(700 * (place + 1) for place in range(points)),
        mean=tuple(mean),
        lowest=tuple(value - 0.25 for value in mean),
        highest=tuple(value + 0.5 for value in mean),
    )


def drawn(*given, figure="mean_return", recipe="maze-dqn", dataset="chainrule/Maze-v0"):
    with mpl.rc_context(STYLE):
        found = draw_curves(given, figure=figure, recipe=recipe, dataset=dataset)
        FigureCanvasAgg(found).draw()
    return found


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def band_of(collection):
    """The vertices of a band, without those that close it."""
    return {tuple(map(float, vertex)) for vertex in collection.get_paths()[0].vertices}


def test_lines_are_means_and_bands_reach_from_the_lowest_run_to_the_highest():
    given = (curve(("--n-steps 1",)), curve(("--n-steps 3",), runs=1, points=2), curve(("--n-steps 5",), height=2.0))
    (axes,) = drawn(*given).axes
    for one, line in zip(given, axes.lines, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), one.steps)
        np.testing.assert_array_equal(line.get_ydata(), one.mean)
    for one, band in zip((given[0], given[2]), axes.collections, strict=True):
        limits = zip(one.steps, one.lowest, one.highest, strict=True)
        assert band_of(band) == {(step, value) for step, *both in limits for value in both}
        assert band.get_linewidth() == [0]


def test_colours_lines_and_marks_all_differ_and_a_band_has_the_colour_of_its_line():
    (axes,) = drawn(*(curve((f"--n-steps {number}",)) for number in range(curves.MOST_CURVES))).axes
    assert len(axes.lines) == curves.MOST_CURVES == 7
    assert [len(set(column)) for column in zip(*curves.LOOKS, strict=True)] == [7, 7, 7]
    looks = [(line.get_color(), line.get_marker()) for line in axes.lines]
    assert looks == [(colour, marker) for colour, _, marker in curves.LOOKS]
    for line, band in zip(axes.lines, axes.collections, strict=True):
        np.testing.assert_array_equal(band.get_facecolor()[0, :3], mpl.colors.to_rgb(line.get_color()))
        assert band.get_zorder() < line.get_zorder()


def test_the_words():
    figure = drawn(curve(("--n-steps 1", "--double")), curve(("--n-steps 3", "--double"), runs=1))
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "maze-dqn on chainrule/Maze-v0"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("steps", "mean return on validation")
    assert labels(figure) == ["--n-steps 1 --double, 3 runs", "--n-steps 3 --double, 1 run"]
    told = "Lines: means over the runs. Bands: from the lowest run to the highest."
    assert figure.legends[0].get_title().get_text() == told
    assert "3,000" in [label.get_text() for label in axes.get_xticklabels()]
    assert drawn(curve(), figure="r2").axes[0].get_ylabel() == "R² on validation"


def test_of_a_single_setting_the_runs_are_counted_and_a_single_run_has_no_band():
    assert labels(drawn(curve(runs=1200))) == ["1,200 runs"]
    alone = drawn(curve(runs=1))
    assert labels(alone) == ["1 run"]
    assert alone.legends[0].get_title().get_text() == ""
    assert not alone.axes[0].collections


def test_a_band_over_one_step_is_a_line_that_is_seen():
    (axes,) = drawn(curve(points=1)).axes
    (band,) = axes.collections
    assert band_of(band) == {(700, -0.25), (700, 0.5)}
    assert band.get_linewidth() == [2]
    assert [label.get_text() for label in axes.get_xticklabels()] == sorted(
        {label.get_text() for label in axes.get_xticklabels()}
    )


@pytest.mark.parametrize(
    ("points", "shift", "marks"),
    [(1, 0.9, (0, 1)), (30, 0.9, (0, 1)), (31, 0.0, (0, 2)), (120, 0.5, (5, 10)), (1200, 6 / 7, (85, 100))],
)
def test_marks_of_a_curve(points, shift, marks):
    assert curves.marked(points, shift) == marks


def test_long_settings_take_several_lines_and_none_is_torn_where_it_fits_on_one():
    settings = tuple(f"--setting-number-{number} {'x' * 20}" for number in range(5))
    (label,) = labels(drawn(curve(settings)))
    assert label.split("\n") == [" ".join(settings[:2]), " ".join(settings[2:4]), f"{settings[4]}, 3 runs"]
    (label,) = labels(drawn(curve((f"--from {'/' * 200}",))))
    assert max(map(len, label.split("\n"))) == curves.LEGEND_WIDTH
    assert label.replace("\n", "") == f"--from {'/' * 200}, 3 runs"


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (["3 runs"], (1, 1)),
        (["a" * 25, "b", "c", "d"], (3, 2)),
        (["a" * 40, "b", "c"], (2, 2)),
        (["a" * 44, "b"], (1, 2)),
        (["a\nb\nc", "d"], (2, 2)),
    ],
)
def test_short_labels_stand_beside_each_other(given, shape):
    assert curves.legend_shape(given) == shape


def test_what_no_font_has_is_left_to_the_place_of_the_curve(monkeypatch):
    monkeypatch.setattr(glyphs, "font_families", lambda: (glyphs.LATIN,))
    figure = drawn(
        curve(("--text-column 评论", "--double")), curve(("--text-column 正文", "--double")), dataset="评论.csv"
    )
    assert labels(figure) == ["--text-column (1) --double, 3 runs", "--text-column (2) --double, 3 runs"]
    assert figure.axes[0].get_title(loc="left") == "maze-dqn on own data"


HOSTILE = "$\\frac{ \x1b[31m \ue123"


@pytest.mark.parametrize(
    "given",
    [
        [curve()],
        [curve((f"--hidden-sizes {number} {'long ' * 60}",), points=100, height=number) for number in range(7)],
        [curve((f"--label-column {HOSTILE}{number}",), points=1) for number in range(2)],
        [
            Curve(
                settings=(), runs=("a", "b"), steps=(1, 10**12), mean=(0, 0), lowest=(-1e300,) * 2, highest=(1e300,) * 2
            )
        ],
    ],
    ids=["one", "many", "hostile", "extreme"],
)
def test_every_picture_is_drawn_without_a_warning(given):
    # The tests turn warnings into errors, those about missing glyphs and layouts too.
    png = render_png(lambda: draw_curves(given, figure=HOSTILE, recipe="toy", dataset=HOSTILE))
    with Image.open(io.BytesIO(png)) as picture:
        assert 1300 < picture.width < 1700
        assert picture.height > 900
