"""Word vectors against the counts done token by token and a decomposition of the whole matrix."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from chainrule.data.token_store import TokenStore
from chainrule.learners import word_vectors as module
from chainrule.learners.word_vectors import begin_from_counts, word_vectors
from chainrule.models.text_lstm import RunEmbedding

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
    """Each pair of tokens at most eight apart in a text, the nearer the more."""
    counts = np.zeros((VOCABULARY, VOCABULARY))
    for text in texts:
        for (i, first), (j, second) in itertools.product(enumerate(text), repeat=2):
            if 1 <= abs(i - j) <= 8:
                counts[first, second] += 1 / abs(i - j)
    return counts


def runs_company(texts, runs):
    """The tokens before each run's first token and after its last, at most eight places away."""
    counts = np.zeros((len(runs), VOCABULARY))
    for text in texts:
        for row, run in enumerate(runs):
            for start in range(len(text) - len(run) + 1):
                if tuple(text[start : start + len(run)]) != run:
                    continue
                last = start + len(run) - 1
                for place, context in enumerate(text):
                    distance = start - place if place < start else place - last
                    if 1 <= distance <= 8:
                        counts[row, context] += 1 / distance
    return counts


def frequent_runs(texts, length, most):
    """The most frequent runs that stand there twice and hold no [UNK]."""
    found = Counter(
        run for text in texts for run in zip(*(text[place:] for place in range(length)), strict=False) if 1 not in run
    )
    often = sorted((-count, run) for run, count in found.items() if count >= 2)
    return sorted(run for _, run in often[:most])


def information(counts):
    """max(0, log(P(context | word) / P(context))), the contexts' probabilities smoothed."""
    found = np.zeros_like(counts)
    smoothed = counts.sum(axis=0) ** 0.75
    for word, context in itertools.product(range(len(counts)), range(VOCABULARY)):
        if counts[word, context]:
            given_word = counts[word, context] / counts[word].sum()
            found[word, context] = max(0.0, math.log(given_word / (smoothed[context] / smoothed.sum())))
    return found


def likenesses(vectors):
    """What vectors say of each other: a singular vector's sign is free, and the scale hangs on the signs."""
    products = vectors @ vectors.T
    return products / np.trace(products)


TEXTS = [
    list(text) for text in np.split(np.random.default_rng(3).integers(1, VOCABULARY - 2, 500), np.arange(1, 500, 23))
]


def test_the_vectors_are_those_of_the_whole_matrix():
    vectors = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=VOCABULARY, deviation=0.5).tokens
    assert vectors.dtype == np.float32
    assert vectors.std() == pytest.approx(0.5, rel=1e-5)
    left, strengths, _ = np.linalg.svd(information(company(TEXTS)))
    np.testing.assert_allclose(likenesses(vectors), likenesses(left * np.sqrt(strengths)), rtol=1e-3, atol=1e-6)


def test_fewer_values_keep_the_strongest_directions():
    vectors = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=3).tokens
    left, strengths, _ = np.linalg.svd(information(company(TEXTS)))
    expected = likenesses(left[:, :3] * np.sqrt(strengths[:3]))
    np.testing.assert_allclose(likenesses(vectors), expected, rtol=0.01, atol=1e-4)


def test_more_values_than_tokens_are_zero():
    wide = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=17).tokens
    assert wide.shape == (VOCABULARY, 17)
    assert not wide[:, VOCABULARY:].any()
    assert wide[:, :VOCABULARY].any()


def test_a_token_without_company_has_zeros():
    vectors = word_vectors(store([*TEXTS, [VOCABULARY - 1]]), vocabulary_size=VOCABULARY, size=VOCABULARY).tokens
    np.testing.assert_allclose(vectors[[VOCABULARY - 2, VOCABULARY - 1]], 0, atol=1e-6)


@pytest.mark.parametrize("texts", [[], [[3]], [[3], [5], [3]]])
def test_texts_without_pairs_give_zeros(texts):
    found = word_vectors(store(texts), vocabulary_size=VOCABULARY, size=5, longest=3, most_runs=7)
    assert not found.tokens.any()
    assert found.tokens.shape == (VOCABULARY, 5)
    assert found.runs.shape == (0, 5)


def test_tokens_in_like_company_have_like_vectors():
    draw = np.random.default_rng(0)
    # 2 and 3 stand among 4 to 7, 8 and 9 among 10 to 12.
    texts = [
        [*draw.integers(4, 8, 3), draw.choice([2, 3]), *draw.integers(4, 8, 3)]
        if number % 2
        else [*draw.integers(10, 13, 3), draw.choice([8, 9]), *draw.integers(10, 13, 3)]
        for number in range(400)
    ]
    vectors = word_vectors(store(texts), vocabulary_size=VOCABULARY, size=4).tokens

    def likeness(one, other):
        return vectors[one] @ vectors[other] / np.linalg.norm(vectors[one]) / np.linalg.norm(vectors[other])

    assert likeness(2, 3) > 0.9
    assert likeness(8, 9) > 0.9
    assert likeness(2, 8) < 0.3


@pytest.mark.parametrize(("longest", "most"), [(2, 5), (2, 1000), (3, 7), (3, 1000)])
def test_runs_are_counted_like_tokens(longest, most):
    found = word_vectors(
        store(TEXTS), vocabulary_size=VOCABULARY, size=VOCABULARY, longest=longest, most_runs=most, deviation=0.5
    )
    runs = [run for length in range(2, longest + 1) for run in frequent_runs(TEXTS, length, most)]
    assert found.keys.tolist() == [sum(i * 14 ** (len(run) - 1 - n) for n, i in enumerate(run)) for run in runs]
    counts = np.concatenate([company(TEXTS), runs_company(TEXTS, runs)])
    left, strengths, _ = np.linalg.svd(information(counts), full_matrices=False)
    expected = left * np.sqrt(strengths)
    met = counts[VOCABULARY:].sum(axis=1, keepdims=True)
    expected[VOCABULARY:] *= met / (met + 50)  # the rarer, the less it counts
    together = np.concatenate([found.tokens, found.runs])
    np.testing.assert_allclose(likenesses(together), likenesses(expected), rtol=1e-3, atol=1e-6)
    assert found.tokens.std() == pytest.approx(0.5, rel=1e-5)


def test_characters_are_counted_through_the_spelling():
    spelling = np.zeros((VOCABULARY, 3), np.int64)
    for token in range(1, VOCABULARY):
        spelling[token, : token % 3 + 1] = (np.arange(token % 3 + 1) + token) % 6 + 1
    letters = [[letter for token in text for letter in spelling[token] if letter] for text in TEXTS]
    sizes = {"vocabulary_size": VOCABULARY, "size": 5, "longest": 3, "most_runs": 11}
    through = word_vectors(store(TEXTS), spelling=spelling, **sizes)
    directly = word_vectors(store(letters), **sizes)
    np.testing.assert_array_equal(through.keys, directly.keys)
    np.testing.assert_array_equal(through.tokens, directly.tokens)
    np.testing.assert_array_equal(through.runs, directly.runs)


def test_an_embedding_knows_the_runs_it_was_given():
    embedding = RunEmbedding(tokens=nn.Embedding(VOCABULARY, 5), runs=nn.Embedding(2 * 1000, 5), longest=3)
    begin_from_counts(embedding, store(TEXTS))
    counted = word_vectors(store(TEXTS), vocabulary_size=VOCABULARY, size=5, longest=3, most_runs=1000)
    rows = {run: row for row, run in enumerate([*frequent_runs(TEXTS, 2, 1000), *frequent_runs(TEXTS, 3, 1000)])}
    text = TEXTS[3]
    for place, vector in enumerate(embedding(torch.tensor([text]))[0].detach().numpy()):
        expected = counted.tokens[text[place]].copy()
        for length in (2, 3):
            row = rows.get(tuple(text[place - length + 1 : place + 1])) if place >= length - 1 else None
            expected += 0 if row is None else counted.runs[row]
        np.testing.assert_allclose(vector, expected, rtol=1e-5)


def test_runs_without_a_key_of_64_bits_are_refused():
    with pytest.raises(ValueError, match="runs of 3 of 3,000,000 tokens have no keys of 64 bits"):
        word_vectors(store(TEXTS), vocabulary_size=3_000_000, size=2, longest=3, most_runs=5)


@settings(max_examples=50)
@given(
    st.lists(st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=12), max_size=6),
    st.integers(1, 40),
)
def test_counting_in_parts_counts_every_pair_once(texts, part):
    before, module.PART = module.PART, part
    try:
        counted = module._company(module._parts(store(texts), None), np.empty(0, np.int64), 1, VOCABULARY).toarray()
    finally:
        module.PART = before
    np.testing.assert_allclose(counted, company(texts), rtol=1e-9)


def test_of_very_long_texts_parts_are_counted(monkeypatch):
    monkeypatch.setattr(module, "PART", 23)
    monkeypatch.setattr(module, "MOST_PARTS", 3)
    seen = [text for _, texts_of in module._parts(store(TEXTS), None) for text in np.unique(texts_of)]
    assert len(seen) < len(TEXTS) / 3
    assert {0, len(TEXTS) - 1} <= set(seen)


def test_equal_texts_give_equal_bytes():
    sizes = {"vocabulary_size": VOCABULARY, "size": 5, "longest": 2, "most_runs": 9}
    one, other = (word_vectors(store(TEXTS), **sizes) for _ in range(2))
    assert one.tokens.tobytes() == other.tokens.tobytes()
    assert one.runs.tobytes() == other.runs.tobytes()
