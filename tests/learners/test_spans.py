"""Random spans of texts: inside the text, as often as asked for, as likely short as long."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.token_store import TokenStore
from chainrule.learners.batches import SHORTEST_SPAN, gather_tokens

CPU = torch.device("cpu")
LENGTHS = [1, 4, 5, 6, 7, 100, 200, 37]


def store(lengths):
    """Texts whose tokens count on from 1 through all of them, so that each token tells its place."""
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    return TokenStore(
        tokens=np.arange(1, offsets[-1] + 1, dtype=np.int32),
        offsets=offsets,
        max_length=max(lengths),
        truncated=0,
        unknown_characters=0,
        characters=1,
    )


def spans(lengths, crop, positions):
    """Each text's span, as its tokens."""
    tokens, found = gather_tokens(store(lengths), CPU, crop=crop)(np.array(positions))
    assert tokens.shape == (len(positions), int(found.max()))
    assert all(not row[length:].any() for row, length in zip(tokens, found, strict=True))
    return [row[:length].tolist() for row, length in zip(tokens, found, strict=True)]


def test_without_cropping_texts_are_whole():
    texts = spans(LENGTHS, 0.0, [7, 0, 3])
    offsets = np.cumsum([0, *LENGTHS])
    assert texts == [list(range(offsets[place] + 1, offsets[place + 1] + 1)) for place in (7, 0, 3)]


@given(st.integers(0, 2**32), st.floats(0.01, 0.99), st.lists(st.integers(0, 7), min_size=1, max_size=20))
def test_a_span_is_a_run_of_its_own_text(seed, crop, positions):
    torch.manual_seed(seed)
    offsets = np.cumsum([0, *LENGTHS])
    for place, span in zip(positions, spans(LENGTHS, crop, positions), strict=True):
        assert span == list(range(span[0], span[0] + len(span)))
        assert offsets[place] < span[0]
        assert span[-1] <= offsets[place + 1]
        assert len(span) >= min(SHORTEST_SPAN, LENGTHS[place])


def test_so_many_texts_are_cropped_and_every_length_is_as_likely_on_a_logarithmic_scale():
    torch.manual_seed(0)
    count, length, crop = 20_000, 320, 0.5
    found = spans([length], crop, [0] * count)
    sizes = np.array([len(span) for span in found])
    cropped = sizes[sizes < length]
    # Lengths 5 to 320 are drawn as exp of an even draw from log 5 to log 321, and rounded down.
    whole = np.log(321 / 320) / np.log(321 / 5)
    assert abs(len(cropped) / count - crop * (1 - whole)) < 0.015
    for low, high in ((5, 10), (10, 20), (20, 40), (40, 80), (80, 160), (160, 320)):
        share = ((cropped >= low) & (cropped < high)).mean()
        assert abs(share - np.log(2) / np.log(320 / 5)) < 0.015
    # A span of a given length begins anywhere in its text.
    starts = np.array([span[0] - 1 for span in found if len(span) < 20])
    assert abs(starts.mean() / (length - 10) - 0.5) < 0.02
    assert starts.min() < 5
    assert starts.max() > 300


def test_spans_are_drawn_from_the_step_s_own_generator():
    def drawn(seed):
        torch.manual_seed(seed)
        return spans(LENGTHS, 0.9, [5, 6, 5])

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)
