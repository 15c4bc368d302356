"""Word vectors from counts alone: where a network for texts may begin, learned from its training split in seconds.

Words that stand in the same company get like vectors, before any label is seen. Factorising the positive pointwise
mutual information gives vectors as good as those of word2vec on small corpora (Levy, Goldberg and Dagan, "Improving
distributional similarity with lessons learned from word embeddings", TACL 2015), from which the weights by distance
and the smoothed context counts are taken.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from chainrule.data.token_store import TokenStore

WINDOW = 5  # tokens to each side
SMOOTHING = 0.75  # of the contexts' counts, so that rare ones do not look more telling than they are
ITERATIONS = 3
PART = 1 << 21  # tokens counted at a time, in about 150 MiB


def word_vectors(
    store: TokenStore, *, vocabulary_size: int, size: int, deviation: float = 0.5
) -> Float[np.ndarray, "vocabulary size"]:
    """Vectors for every token, from the company it keeps.

        PPMI[w, c] = max(0, log(n[w, c] / (n[w] · p[c]))),  p[c] ∝ n[c]^0.75,   PPMI ≈ U S Vᵀ,   vectors = U √S

    Args:
        store: the training texts.
        vocabulary_size: tokens there are; one that never stands beside another gets zeros.
        size: values a vector.
        deviation: the standard deviation of all values, > 0.
    """
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    counts = _company(store, vocabulary_size)
    words = np.asarray(counts.sum(axis=1)).ravel()
    contexts = np.asarray(counts.sum(axis=0)).ravel() ** SMOOTHING
    contexts /= max(contexts.sum(), 1e-12)
    pairs = counts.tocoo()
    telling = np.log(pairs.data / (words[pairs.row] * contexts[pairs.col]))
    positive = telling > 0
    information = csr_matrix(
        (telling[positive], (pairs.row[positive], pairs.col[positive])), shape=counts.shape, dtype=np.float64
    )
    rank = min(size, vocabulary_size)
    with threadpool_limits(1):  # the same bytes with any number of threads
        left, strengths, _ = randomized_svd(information, rank, n_iter=ITERATIONS, random_state=0)
    vectors = np.zeros((vocabulary_size, size), np.float32)
    vectors[:, :rank] = left * np.sqrt(strengths)
    spread = float(vectors.std())
    return vectors * np.float32(deviation / spread) if spread else vectors


def _company(store: TokenStore, vocabulary_size: int) -> Any:
    """How often each token stands near each other, nearer ones counting more, (vocabulary, vocabulary)."""
    from scipy.sparse import coo_matrix, csr_matrix

    counts = csr_matrix((vocabulary_size, vocabulary_size))
    for start in range(0, len(store.tokens), PART):
        tokens = np.asarray(store.tokens[start : start + PART + WINDOW])
        offsets = np.clip(store.offsets, start, start + len(tokens))
        text_of = np.repeat(np.arange(len(store)), offsets[1:] - offsets[:-1])
        for distance in range(1, WINDOW + 1):
            pairs = min(PART, len(tokens) - distance)
            if pairs <= 0:
                break
            later = slice(distance, distance + pairs)
            same_text = text_of[later] == text_of[:pairs]
            first, second = tokens[:pairs][same_text], tokens[later][same_text]
            weights = np.full(len(first), 1 / distance)
            near = coo_matrix((weights, (first, second)), shape=counts.shape).tocsr()
            counts = counts + near + near.T
    return counts
