"""Names that the installed fonts can draw, and what stands for the others."""

import pytest

from chainrule.evaluation import glyphs


@pytest.fixture
def latin_alone(monkeypatch):
    monkeypatch.setattr(glyphs, "font_families", lambda: (glyphs.LATIN,))


def test_what_the_own_font_draws(latin_alone):
    assert glyphs.can_draw("plain, naïve, Ω, я, 1–2 − …")
    assert not glyphs.can_draw("正面")
    assert not glyphs.can_draw("fine\n")


def test_names_that_cannot_be_drawn_become_numbers(latin_alone):
    names = ["fine", "正面", "two\nlines", "x" * 30, "class 7"]
    shown = glyphs.drawable_names(names)
    assert shown == ["fine", "class 1", "two lines", "x" * 23 + "…", "class 7"]
    assert glyphs.note_on_names(names, shown) == "No installed font can draw some names: report.json has them."
    assert glyphs.note_on_names(names[2:], shown[2:]) == ""


def test_chinese_is_drawn_where_a_font_has_it(monkeypatch):
    monkeypatch.setattr(glyphs, "font_families", lambda: (glyphs.LATIN, "Chinese"))
    known = {glyphs.LATIN: frozenset(map(ord, "abc ")), "Chinese": frozenset(map(ord, "正面"))}
    monkeypatch.setattr(glyphs, "_characters", known.__getitem__)
    assert glyphs.drawable("a 正面", "class 0") == "a 正面"
    assert glyphs.drawable("a 反面", "class 0") == "class 0"


def test_the_first_chinese_font_installed_is_taken(monkeypatch):
    from matplotlib import font_manager

    installed = [font_manager.FontEntry(name=name) for name in ("SimHei", "DejaVu Sans", "Noto Sans SC")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", installed)
    glyphs.font_families.cache_clear()
    try:
        assert glyphs.font_families() == ("DejaVu Sans", "Noto Sans SC")
    finally:
        glyphs.font_families.cache_clear()
