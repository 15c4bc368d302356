"""Vectors of tokens and of runs of tokens from counts alone, learned from the training split in seconds.

Words that stand in the same company get like vectors, before any label is seen. Factorising the positive pointwise
mutual information gives vectors as good as those of word2vec on small corpora (Levy, Goldberg and Dagan, "Improving
distributional similarity with lessons learned from word embeddings", TACL 2015), from which the weights by distance
and the smoothed context counts are taken. A run of two or three tokens, such as 不 好, is counted like a word.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray

from chainrule.data.text_tokens import UNKNOWN_ID
from chainrule.data.token_store import TokenStore
from chainrule.models.text_lstm import RunEmbedding, run_key

WINDOW = 8  # tokens to each side
SMOOTHING = 0.75  # of the contexts' counts, so that rare ones do not look more telling than they are
ITERATIONS = 3
DOUBT = 50.0  # company, by distance, at which a run's vector counts half: a rare one's is chance for the most part
LEAST = 2  # times a run must stand in the texts
PART = 1 << 19  # tokens counted at a time, in about 400 MiB
MOST_PARTS = 32  # of longer texts as many parts are counted, evenly spread

Tokens = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class WordVectors:
    """Vectors that all come from one factorisation, so that their sums mean something."""

    tokens: Float[np.ndarray, "vocabulary size"]
    """One a token; zeros for one that never stands beside another."""
    keys: Int[np.ndarray, " runs"]
    """`run_key` of each run, rising."""
    runs: Float[np.ndarray, "runs size"]


def word_vectors(
    store: TokenStore,
    *,
    vocabulary_size: int,
    size: int,
    longest: int = 1,
    most_runs: int = 0,
    spelling: Int[np.ndarray, "tokens longest_token"] | None = None,
    deviation: float = 0.5,
) -> WordVectors:
    """Vectors for every token and for the frequent runs of tokens, from the company they keep.

        PPMI[w, c] = max(0, log(n[w, c] / (n[w] · p[c]))),  p[c] ∝ n[c]^0.75,   PPMI ≈ U S Vᵀ,   vectors = U √S

    w is a token or a run, c a token at most eight places before its first or after its last. A run's vector is scaled
    by n[w] / (n[w] + 50).

    Args:
        store: the training texts.
        vocabulary_size: tokens, or characters where there is a spelling; id 0 is none of them.
        size: values a vector.
        longest: tokens of the longest run.
        most_runs: how many runs of each length get a vector, the most frequent ones.
        spelling: each token's characters, 0 after its end; then the texts' characters are counted as tokens.
        deviation: the standard deviation of all tokens' values, > 0.

    Raises:
        ValueError: the runs have more possible keys than 64 bits hold.
    """
    if (vocabulary_size + 1) ** longest > np.iinfo(np.int64).max:
        raise ValueError(f"runs of {longest} of {vocabulary_size:,} tokens have no keys of 64 bits.")
    keys = np.empty(0, np.int64)
    for length in range(2, longest + 1):
        # A key of more tokens is the larger one, so the keys stay in order.
        keys = np.append(keys, np.sort(_frequent_runs(_parts(store, spelling), length, vocabulary_size, most_runs)))
    company = _company(_parts(store, spelling), keys, longest, vocabulary_size)
    vectors = _factorised(company, size)
    met = np.asarray(company.sum(axis=1))[vocabulary_size:]  # (runs, 1)
    vectors[vocabulary_size:] *= met / (met + DOUBT)
    spread = float(vectors[:vocabulary_size].std())
    vectors *= np.float32(deviation / spread) if spread else 1
    return WordVectors(tokens=vectors[:vocabulary_size], keys=keys, runs=vectors[vocabulary_size:])


def begin_from_counts(
    embedding: RunEmbedding, store: TokenStore, spelling: Int[np.ndarray, "tokens longest_token"] | None = None
) -> None:
    """Gives an embedding the vectors that the training texts alone suggest, and the runs that it is to know.

    Args:
        embedding: of the texts' tokens, or of their characters where there is a spelling.
        store: the training texts.
        spelling: see `word_vectors`.
    """
    counted = word_vectors(
        store,
        vocabulary_size=embedding.tokens.num_embeddings,
        size=embedding.tokens.embedding_dim,
        longest=embedding.longest,
        most_runs=embedding.runs.num_embeddings // max(embedding.longest - 1, 1),
        spelling=spelling,
    )
    embedding.tokens.weight.data.copy_(torch.from_numpy(counted.tokens))
    embedding.runs.weight.data.zero_()
    embedding.runs.weight.data[: len(counted.runs)] = torch.from_numpy(counted.runs)
    embedding.keys[: len(counted.keys)] = torch.from_numpy(counted.keys)


def _parts(store: TokenStore, spelling: NDArray[np.int64] | None) -> Iterator[tuple[Tokens, Tokens]]:
    """Stretches of whole texts: tokens, and the number of the text each stands in."""
    firsts = np.unique(store.offsets[:-1] // PART, return_index=True)[1]
    stretches = list(itertools.pairwise([*firsts, len(store)]))
    if len(stretches) > MOST_PARTS:
        stretches = [stretches[i] for i in np.linspace(0, len(stretches) - 1, MOST_PARTS).astype(np.int64)]
    for first, end in stretches:
        tokens = np.asarray(store.tokens[store.offsets[first] : store.offsets[end]], np.int64)
        text_of = np.repeat(np.arange(first, end), store.lengths[first:end])
        if spelling is not None:
            letters = spelling[tokens]
            text_of = np.repeat(text_of, (letters > 0).sum(axis=1))
            tokens = letters[letters > 0]
        yield tokens, text_of


def _runs(tokens: Tokens, text_of: Tokens, length: int, vocabulary_size: int) -> tuple[Tokens, Tokens]:
    """The runs within a text that hold no unknown token: where each begins, and its key."""
    ends = max(len(tokens) - length + 1, 0)
    run = [tokens[place : place + ends] for place in range(length)]
    whole = text_of[:ends] == text_of[length - 1 : length - 1 + ends]
    for part in run:
        whole &= part != UNKNOWN_ID
    places = np.flatnonzero(whole)
    return places, run_key([part[places] for part in run], vocabulary_size)


def _frequent_runs(parts: Iterator[tuple[Tokens, Tokens]], length: int, vocabulary_size: int, most: int) -> Tokens:
    """The keys of the most frequent runs of one length; equal counts in the order of their keys."""
    keys, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for tokens, text_of in parts:
        found, times = np.unique(_runs(tokens, text_of, length, vocabulary_size)[1], return_counts=True)
        keys, place = np.unique(np.concatenate([keys, found]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([counts, times]), minlength=len(keys)).astype(np.int64)
    keys, counts = keys[counts >= LEAST], counts[counts >= LEAST]
    return keys[np.lexsort((keys, -counts))[:most]]


def _company(parts: Iterator[tuple[Tokens, Tokens]], keys: Tokens, longest: int, vocabulary_size: int) -> Any:
    """How often tokens and runs stand near each token, nearer ones counting more, (vocabulary + runs, vocabulary)."""
    from scipy.sparse import coo_matrix, csr_matrix

    counts = csr_matrix((vocabulary_size + len(keys), vocabulary_size))
    for tokens, text_of in parts:
        for length in range(1, longest + 1):
            places, rows = _rows(tokens, text_of, length, keys, vocabulary_size)
            nearby, weights = [], []
            for distance in range(1, WINDOW + 1):
                for near in (places - distance, places + length - 1 + distance):
                    inside = np.flatnonzero((near >= 0) & (near < len(tokens)))
                    inside = inside[text_of[near[inside]] == text_of[places[inside]]]
                    nearby.append(np.stack([rows[inside], tokens[near[inside]]]))
                    weights.append(np.full(len(inside), 1 / distance))
            pairs = tuple(np.concatenate(nearby, axis=1))
            counts = counts + coo_matrix((np.concatenate(weights), pairs), shape=counts.shape).tocsr()
    return counts


def _rows(tokens: Tokens, text_of: Tokens, length: int, keys: Tokens, vocabulary_size: int) -> tuple[Tokens, Tokens]:
    """Where the tokens or the known runs of one length begin, and the row of each among the vectors."""
    if length == 1:
        return np.arange(len(tokens)), tokens
    places, found = _runs(tokens, text_of, length, vocabulary_size)
    known = np.isin(found, keys)
    return places[known], vocabulary_size + np.searchsorted(keys, found[known])


def _factorised(counts: Any, size: int) -> Float[np.ndarray, "words size"]:
    """The factors of the positive pointwise mutual information."""
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    words = np.asarray(counts.sum(axis=1)).ravel()
    contexts = np.asarray(counts.sum(axis=0)).ravel() ** SMOOTHING
    contexts /= max(contexts.sum(), 1e-12)
    pairs = counts.tocoo()
    telling = np.log(pairs.data / (words[pairs.row] * contexts[pairs.col]))
    positive = telling > 0
    information = csr_matrix(
        (telling[positive], (pairs.row[positive], pairs.col[positive])), shape=counts.shape, dtype=np.float64
    )
    rank = min(size, *counts.shape)
    with threadpool_limits(1):  # the same bytes with any number of threads
        left, strengths, _ = randomized_svd(information, rank, n_iter=ITERATIONS, random_state=0)
    vectors = np.zeros((counts.shape[0], size), np.float32)
    vectors[:, :rank] = left * np.sqrt(strengths)
    return vectors
