"""What a classifier of texts goes by, as a picture and as a page: its attention by layer and head, and attributions."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from chainrule.evaluation.glyphs import can_draw, drawable, drawable_names
from chainrule.evaluation.plots import BLUE, GREY, ORANGE
from chainrule.evaluation.wording import one_line
from chainrule.inference.attribution import TextExplanation
from chainrule.runtime.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_EXPLANATION = "Attention alone is no explanation: it shows where a layer looked, not what the answer depends on."
WHAT_ATTRIBUTIONS_ARE = (
    "Attributions by integrated gradients say what each token gives to the log-odds of the answer, beside a text of "
    "as many unknown tokens; they add up to the difference."
)
BEFORE = "▢"  # the place put before a text
MOST_LAYERS, MOST_HEADS, MOST_NAMED = 6, 8, 48  # in the picture; the page has all
STYLE = (
    "body{font:16px/1.7 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.3em}h2{font-size:1.05em;margin-bottom:.2em}p.note{color:#555}"
    "p.text{margin:.2em 0}span.t{padding:0 .1em;border-radius:.2em;white-space:pre-wrap}"
    "b{font-weight:normal;color:#555;display:inline-block;width:8.5em}"
)


def as_page(found: TextExplanation) -> str:
    """An HTML page that needs nothing beside it, holds no script and loads nothing; foreign text is escaped.

    Args:
        found: what is known of the text.
    """
    names = [_escaped(name) for name in found.classes]
    answers = ", ".join(
        f"{names[place]} {found.probabilities[place]:.1%}" for place in np.argsort(-found.probabilities, kind="stable")
    )
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>What speaks for {names[found.best]}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>What speaks for {names[found.best]}</h1>\n<p>{answers}</p>",
            "<h2>Attributions</h2>",
            _coloured(found.tokens, found.attributions / _largest(found.attributions), found.attributions),
            _note(f"Blue speaks for the answer, orange against it. {WHAT_ATTRIBUTIONS_ARE} {_sum_of(found)}"),
            *_attention_lines(found),
            _note(f"The darker a token, the more the tokens look at it, on average. {NO_EXPLANATION}"),
            "</body>\n</html>\n",
        ]
    )


def _note(sentences: str) -> str:
    return f'<p class="note">{sentences}</p>'


def _attention_lines(found: TextExplanation) -> Iterator[str]:
    for number, layer in enumerate(found.attention, 1):
        yield f"<h2>Attention of layer {number}</h2>"
        tokens = found.tokens if layer.shape[2] == len(found.tokens) else (BEFORE, *found.tokens)
        for head, weights in enumerate(layer, 1):
            got = weights.mean(axis=0)
            yield _coloured(tokens, got / _largest(got), got, title=f"Head {head}")


def _coloured(
    tokens: tuple[str, ...],
    shades: Float[np.ndarray, " tokens"],
    values: Float[np.ndarray, " tokens"],
    title: str | None = None,
) -> str:
    """Tokens on a ground of blue, or of orange where the shade is below 0; each tells its value when pointed at."""
    spans = [
        f'<span class="t" title="{value:+.3f}" style="background:rgba({_rgb(shade)},{abs(shade):.2f})">'
        f"{_escaped(token)}</span>"
        for token, shade, value in zip(tokens, shades, values, strict=True)
    ]
    between = " " if any(token.isascii() and len(token) > 1 for token in tokens) else ""
    return f'<p class="text">{f"<b>{title}</b>" if title else ""}{between.join(spans)}</p>'


def _rgb(shade: float) -> str:
    colour = BLUE if shade >= 0 else ORANGE
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))


def _escaped(text: str) -> str:
    """Foreign text inside a page: neither a tag nor half a character nor a change of direction gets out of it."""
    return html.escape(printable(text), quote=True)


def _largest(values: np.ndarray) -> float:
    return max(float(np.abs(values).max()), 1e-12)


def _sum_of(found: TextExplanation) -> str:
    return (
        f"{found.log_odds_of_nothing:+.2f} without the text, {found.attributions.sum():+.2f} from its tokens, "
        f"{found.log_odds:+.2f} with it."
    )


def draw_text_explanation(found: TextExplanation, *, title: str) -> "Figure":
    """The attributions, and below them what each query looks at, a row of pictures a layer and one a head.

    Args:
        found: what is known of the text.
        title: the text.
    """
    from matplotlib.figure import Figure

    layers = found.attention[:MOST_LAYERS]
    heads = max(min(len(layer), MOST_HEADS) for layer in layers)
    tall = [2.4 if layer.shape[1] > 1 else 0.9 for layer in layers]
    figure = Figure(figsize=(max(9.6, 2.3 * heads), 3.4 + sum(tall)))
    parts: Any = figure.subfigures(2, 1, height_ratios=[3.0, sum(tall) + 0.4])
    _draw_attributions(parts[0].subplots(), found, title)
    grid = parts[1].subplots(len(layers), heads, squeeze=False, height_ratios=tall)
    for row, layer in zip(grid, layers, strict=True):
        for axes in row:
            axes.set_axis_off()
        for axes, weights in zip(row, layer[:MOST_HEADS], strict=False):
            axes.set_axis_on()
            axes.imshow(weights, cmap="Blues", vmin=0, aspect="auto", interpolation="nearest")
            axes.grid(visible=False)
            axes.set_yticks([])
            axes.tick_params(labelsize=7)
    for number, row in enumerate(grid, 1):
        for head, axes in enumerate(row, 1):
            if head <= len(layers[number - 1]):
                axes.set_title(f"Layer {number}, head {head}", fontsize=8, pad=4)
    parts[1].supxlabel(_told(found), fontsize=8, color=GREY)
    return figure


def _draw_attributions(axes: "Axes", found: TextExplanation, title: str) -> None:
    places = np.arange(len(found.tokens))
    axes.bar(places, found.attributions, color=np.where(found.attributions >= 0, BLUE, ORANGE), width=0.8)
    names = [one_line(token, 8) for token in found.tokens]
    missing = not all(map(can_draw, names))
    if not missing and len(names) <= MOST_NAMED:
        axes.set_xticks(places, names, rotation=0 if max(map(len, names)) < 3 else 60, fontsize=8, parse_math=False)
    best = drawable_names(found.classes)[found.best]
    heading = f"What speaks for {one_line(best, 24)} ({found.probabilities[found.best]:.1%})"
    axes.set_title(f"{heading}: {drawable(title, 'a text', 40)}", parse_math=False)
    axes.set_ylabel("Share of the log-odds")
    note = " No installed font can draw some tokens, so places stand for them: the page beside has them."
    axes.set_xlabel(_sum_of(found) + (note if missing else ""), fontsize=8, color=GREY)


def _told(found: TextExplanation) -> str:
    """What the pictures of the attention show, and what they do not."""
    words = ["From left to right: the tokens looked at; from top to bottom: those that look."]
    layers, heads = len(found.attention), max(map(len, found.attention))
    if layers > MOST_LAYERS or heads > MOST_HEADS:
        shown = f"{min(layers, MOST_LAYERS)} of {layers} layers and {min(heads, MOST_HEADS)} of {heads} heads"
        words.append(f"Of {shown}; the page beside has all.")
    return "\n".join([" ".join(words), NO_EXPLANATION])
