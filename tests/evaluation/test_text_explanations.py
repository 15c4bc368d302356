"""What is drawn of a text, and its page: whole, and closed to whatever a text holds."""

import io
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainrule.evaluation import text_explanations
from chainrule.evaluation.explaining import write_explanations
from chainrule.evaluation.plots import render_png
from chainrule.evaluation.text_explanations import NO_EXPLANATION, as_page, draw_text_explanation
from chainrule.inference.attribution import TextExplanation

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=a>', "&amp;", "\u202e", "\x00", "</title>", "$x$")


def explanation(tokens=("很", "好", "nice"), classes=("negative", "positive"), heads=2, layers=2, before=0):
    draw = np.random.default_rng(1)
    places = len(tokens) + before
    weights = draw.random((layers, heads, places, places))
    return TextExplanation(
        tokens=tokens,
        classes=classes,
        probabilities=np.linspace(1, 3, len(classes)) / np.linspace(1, 3, len(classes)).sum(),
        attention=tuple(weights / weights.sum(axis=3, keepdims=True)),
        attributions=np.linspace(-1, 2, len(tokens)),
        log_odds=1.75,
        log_odds_of_nothing=0.25,
    )


class Reader(HTMLParser):
    """The tags of a page, and the text inside one kind of them."""

    def __init__(self):
        super().__init__()
        self.tags, self.spans, self.inside = [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = tag == "span"
        if self.inside:
            self.spans.append(["", dict(attrs)])

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "span"

    def handle_data(self, data):
        if self.inside:
            self.spans[-1][0] += data


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_page_has_every_layer_and_head():
    page = as_page(explanation(before=1))
    reader = read(page)
    assert [text for text, _ in reader.spans] == ["很", "好", "nice", *4 * ["▢", "很", "好", "nice"]]
    assert [span["title"] for _, span in reader.spans[:3]] == ["-1.000", "+0.500", "+2.000"]
    assert [span["style"] for _, span in reader.spans[:3]] == [
        "background:rgba(213,94,0,0.50)",
        "background:rgba(0,114,178,0.25)",
        "background:rgba(0,114,178,1.00)",
    ]
    assert page.count("Attention of layer") == 2
    assert page.count("<b>Head 2</b>") == 2
    assert "<p>positive 75.0%, negative 25.0%</p>" in page
    assert "+0.25 without the text, +1.50 from its tokens, +1.75 with it." in page
    assert NO_EXPLANATION in page


PLAIN_TAGS = set(read(as_page(explanation())).tags)


def test_nothing_gets_out_of_the_page():
    page = as_page(explanation(tokens=HOSTILE, classes=HOSTILE[:3]))
    reader = read(page)
    assert set(reader.tags) == PLAIN_TAGS
    assert [text for text, _ in reader.spans[: len(HOSTILE)]] == [*HOSTILE[:3], "\\u202e", "\\x00", *HOSTILE[5:]]
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_any_text_gives_a_page_without_a_tag_of_its_own(tokens):
    reader = read(as_page(explanation(tokens=tuple(tokens), classes=(tokens[0], "b"))))
    assert set(reader.tags) == PLAIN_TAGS
    assert len(reader.spans) == len(tokens) * 5


def titles(figure):
    return [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]


def test_the_picture_names_layers_and_heads():
    figure = draw_text_explanation(explanation(tokens=("a", "b", "nice")), title="a b <nice>")
    assert titles(figure) == [
        "What speaks for positive (75.0%): a b <nice>",
        *(f"Layer {layer}, head {head}" for layer in (1, 2) for head in (1, 2)),
    ]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["a", "b", "nice"]
    assert NO_EXPLANATION in figure.subfigs[1].get_supxlabel()


def test_a_font_that_lacks_a_character_gives_way_to_places(monkeypatch):
    monkeypatch.setattr(text_explanations, "can_draw", str.isascii)
    figure = draw_text_explanation(explanation(), title="nice")
    assert "很" not in [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert "No installed font can draw some tokens" in figure.axes[0].get_xlabel()


def test_many_layers_and_heads_are_cut_and_say_so():
    figure = draw_text_explanation(explanation(heads=9, layers=7), title="x")
    assert len(figure.axes) == 1 + 6 * 8
    assert "Of 6 of 7 layers and 8 of 9 heads; the page beside has all." in figure.subfigs[1].get_supxlabel()


@pytest.mark.parametrize("tokens", [("很",), HOSTILE, tuple(map(str, range(200)))])
def test_it_can_be_drawn(tokens):
    found = replace(explanation(tokens=tokens, classes=("$x", "猫")), attention=(np.full((1, 1, len(tokens)), 0.1),))
    image = Image.open(io.BytesIO(render_png(lambda: draw_text_explanation(found, title="$<\u202e"))))
    assert image.format == "PNG"


def test_a_picture_and_a_page_a_text(tmp_path):
    predictor = SimpleNamespace(explain=lambda _text: explanation())
    written = write_explanations(predictor, ["../../x", "很好"], tmp_path / "new")
    assert [path.name for path in written] == ["1.png", "1.html", "2.png", "2.html"]
    assert {path.parent for path in written} == {tmp_path / "new"}
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert written[1].read_text(encoding="utf-8") == as_page(explanation())
