"""Word vectors against the counts done token by token and a decomposition of the whole matrix."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.token_store import TokenStore
from chainrule.learners import word_vectors as module
from chainrule.learners.word_vectors import word_vectors

VOCABULARY = 13


def store(texts):
    return TokenStore(
        tokens=np.array([*itertools.chain(*texts)], np.int32),
        offsets=np.cumsum([0, *map(len, texts)], dtype=np.int64),
        max_length=100,
        truncated=0,
        unknown_characters=0,
        characters=1,
    )


def company(texts):
    """Each pair of tokens at most five apart in a text, the nearer the more."""
    counts = np.zeros((VOCABULARY, VOCABULARY))
    for text in texts:
        for (i, first), (j, second) in itertools.product(enumerate(text), repeat=2):
            if 1 <= abs(i - j) <= 5:
                counts[first, second] += 1 / abs(i - j)
    return counts


def information(counts):
    """max(0, log(P(context | word) / P(context))), the contexts' probabilities smoothed."""
    found = np.zeros_like(counts)
    smoothed = counts.sum(axis=0) ** 0.75
    for word, context in itertools.product(range(VOCABULARY), repeat=2):
        if counts[word, context]:
            given_word = counts[word, context] / counts[word].sum()
            found[word, context] = max(0.0, math.log(given_word / (smoothed[context] / smoothed.sum())))
    return found


def likenesses(vectors):
    """What vectors say of each other: a singular vector's sign is free, and the scale hangs on the signs."""
    products = vectors @ vectors.T
    return products / np.trace(products)


TEXTS = [
    list(text) for text in np.split(np.random.default_rng(3).integers(0, VOCABULARY - 2, 500), np.arange(1, 500, 23))
]


def test_the_vectors_are_those_of_the_whole_matrix():
    vectors = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=VOCABULARY, deviation=0.5)
    assert vectors.dtype == np.float32
    assert vectors.std() == pytest.approx(0.5, rel=1e-5)
    left, strengths, _ = np.linalg.svd(information(company(TEXTS)))
    np.testing.assert_allclose(likenesses(vectors), likenesses(left * np.sqrt(strengths)), rtol=1e-3, atol=1e-6)


def test_fewer_values_keep_the_strongest_directions():
    vectors = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=3)
    left, strengths, _ = np.linalg.svd(information(company(TEXTS)))
    expected = likenesses(left[:, :3] * np.sqrt(strengths[:3]))
    np.testing.assert_allclose(likenesses(vectors), expected, rtol=0.01, atol=1e-4)


def test_more_values_than_tokens_are_zero():
    wide = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=17)
    assert wide.shape == (VOCABULARY, 17)
    assert not wide[:, VOCABULARY:].any()
    assert wide[:, :VOCABULARY].any()


def test_a_token_without_company_has_zeros():
    vectors = word_vectors(store([*TEXTS, [VOCABULARY - 1]]), vocabulary_size=VOCABULARY, size=VOCABULARY)
    np.testing.assert_allclose(vectors[[VOCABULARY - 2, VOCABULARY - 1]], 0, atol=1e-6)


@pytest.mark.parametrize("texts", [[], [[3]], [[3], [5], [3]]])
def test_texts_without_pairs_give_zeros(texts):
    assert not word_vectors(store(texts), vocabulary_size=VOCABULARY, size=5).any()


def test_tokens_in_like_company_have_like_vectors():
    draw = np.random.default_rng(0)
    # 2 and 3 stand among 4 to 7, 8 and 9 among 10 to 12.
    texts = [
        [*draw.integers(4, 8, 3), draw.choice([2, 3]), *draw.integers(4, 8, 3)]
        if number % 2
        else [*draw.integers(10, 13, 3), draw.choice([8, 9]), *draw.integers(10, 13, 3)]
        for number in range(400)
    ]
    vectors = word_vectors(store(texts), vocabulary_size=VOCABULARY, size=4)

    def likeness(one, other):
        return vectors[one] @ vectors[other] / np.linalg.norm(vectors[one]) / np.linalg.norm(vectors[other])

    assert likeness(2, 3) > 0.9
    assert likeness(8, 9) > 0.9
    assert likeness(2, 8) < 0.3


@settings(max_examples=50)
@given(
    st.lists(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=12), max_size=6),
    st.integers(1, 40),
)
def test_counting_in_parts_counts_every_pair_once(texts, part):
    before, module.PART = module.PART, part
    try:
        counted = module._company(store(texts), VOCABULARY).toarray()
    finally:
        module.PART = before
    np.testing.assert_allclose(counted, company(texts), rtol=1e-9)


def test_equal_texts_give_equal_bytes():
    one, other = (word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=5).tobytes() for _ in range(2))
    assert one == other
