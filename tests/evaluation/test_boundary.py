"""The picture of a decision boundary as it moves."""

import numpy as np
import pytest

from chainrule.evaluation.boundary import COLOURS, MARGIN, SIDE, STRONGEST, Plane, _colours, chosen, draw_boundary
from chainrule.evaluation.plots import render_png


@pytest.fixture
def plane():
    examples = np.array([[0.0, 10.0], [2.0, 10.0], [1.0, 30.0]])
    return Plane(names=("一", "b_$x$"), examples=examples, labels=np.array([0, 1, 1]), classes=("good", "$bad"))


def frame(plane, share):
    """The second class is as likely as the point lies to the right."""
    across, _ = plane.points()
    right = np.clip(share * (across - 1) + 0.5, 0, 1)
    return np.stack([1 - right, right], axis=1).astype(np.float16)


def test_the_plane_reaches_around_the_examples(plane):
    assert plane.extent == pytest.approx((-2 * MARGIN, 2 + 2 * MARGIN, 10 - 20 * MARGIN, 30 + 20 * MARGIN))
    across, up = plane.points()
    assert across.shape == up.shape == (SIDE * SIDE,)
    assert (across[0], up[0], across[SIDE - 1], up[-1]) == pytest.approx(
        (plane.extent[0], plane.extent[2], plane.extent[1], plane.extent[3])
    )
    assert up[SIDE - 1] == up[0]  # a row first


def test_a_column_without_width_still_has_a_plane(plane):
    flat = Plane(names=plane.names, examples=np.array([[3.0, 1.0]]), labels=np.array([0]), classes=plane.classes)
    assert flat.extent == pytest.approx((3 - MARGIN, 3 + MARGIN, 1 - MARGIN, 1 + MARGIN))


def test_the_first_and_the_last_frame_are_shown():
    assert chosen(1) == [0]
    assert chosen(3) == [0, 1, 2]
    assert chosen(25) == [0, 5, 10, 14, 19, 24]


def test_what_is_undecided_is_white_and_what_is_certain_has_its_class_s_colour():
    grid = np.array([[[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]])
    blue, orange = ([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in COLOURS[:2])
    expected = [[1, 1, 1], *([1 - STRONGEST * (1 - part) for part in colour] for colour in (blue, orange))]
    np.testing.assert_allclose(_colours(grid)[0], expected)
    np.testing.assert_allclose(_colours(np.full((1, 1, 3), 1 / 3)), 1)


def test_panels_boundaries_and_names(plane):
    shares = [0, 0.1, 0.3, 0.5, 0.7, 1.0, 2.0]
    figure = draw_boundary(plane, [(7 * number, frame(plane, share)) for number, share in enumerate(shares)])
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    assert titles == [
        "before the first update",
        *(f"after {updates} updates" for updates in (7, 14, 28, 35, 42)),
    ]
    for number, axes in enumerate(figure.axes):
        lines = [collection for collection in axes.collections if hasattr(collection, "levels")]
        assert len(lines) == (number > 0), "no boundary where all is undecided"
        for line in lines:
            (path,) = [path for path in line.get_paths() if len(path.vertices)]
            np.testing.assert_allclose(path.vertices[:, 0], 1, atol=0.03)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["good", "$bad", "decision boundary"]
    assert render_png(lambda: figure).startswith(b"\x89PNG")


def test_three_classes_meet_and_fewer_frames_leave_no_empty_panel(plane):
    three = Plane(names=("a", "b"), examples=plane.examples, labels=np.array([0, 1, 2]), classes=("u", "v", "w"))
    across, up = three.points()
    scores = np.stack([-across, across - 2, (up - 20) / 10], axis=1)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    figure = draw_boundary(three, [(0, probabilities), (1, probabilities)])
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == [
        "before the first update",
        "after 1 update",
    ]
    assert sum(hasattr(collection, "levels") for collection in figure.axes[0].collections) == 3
    figure = draw_boundary(three, [(number, probabilities) for number in range(4)])
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2
