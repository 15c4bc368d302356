"""The estimator for texts."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from chainrule import TextClassifier
from chainrule.errors import DataError

WORDS = {"negative": ["awful", "boring", "poor", "terrible"], "positive": ["excellent", "great", "lovely", "wonderful"]}
FILLING = ["the", "a", "film", "was", "plot", "and", "with", "some", "scene", "actor", "music", "in", "of", "very"]
SMALL = {"embedding_size": 32, "hidden_size": 32, "random_state": 0, "threads": 1}


def reviews(count):
    """Texts of 6 to 12 words, one of which tells the label."""
    draw = np.random.default_rng(0)
    labels = draw.choice(list(WORDS), count)
    texts = []
    for label in labels:
        words = [*draw.choice(FILLING, draw.integers(5, 12)), draw.choice(WORDS[label])]
        texts.append(" ".join(draw.permutation(words)))
    return texts, labels


TEXTS, LABELS = reviews(400)


@pytest.fixture(scope="module")
def fitted():
    return TextClassifier(**SMALL).fit(TEXTS[:300], LABELS[:300])


@pytest.mark.slow
def test_the_word_that_tells_is_found(fitted):
    assert fitted.classes_.tolist() == ["negative", "positive"]
    assert fitted.score(TEXTS[300:], LABELS[300:]) >= 0.97


def test_answers_are_in_the_order_of_the_texts(fitted):
    together = fitted.predict_proba(TEXTS)  # more than a batch, of different lengths
    alone = np.concatenate([fitted.predict_proba([text]) for text in TEXTS[::23]])
    np.testing.assert_allclose(together[::23], alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    assert fitted.predict(TEXTS).tolist() == [fitted.classes_[row.argmax()] for row in together]


def test_an_empty_text_has_an_answer_too(fitted):
    assert np.isfinite(fitted.predict_proba(["", "🜚"])).all()


def test_equal_random_state_gives_equal_weights():
    quick = clone(TextClassifier(**SMALL)).set_params(epochs=1, least_steps=3)
    answers = [clone(quick).fit(TEXTS[:90], LABELS[:90]).predict_proba(TEXTS[:7]) for _ in "ab"]
    np.testing.assert_array_equal(*answers)
    other = clone(quick).set_params(random_state=1).fit(TEXTS[:90], LABELS[:90]).predict_proba(TEXTS[:7])
    assert np.abs(other - answers[0]).max() > 1e-4


def test_scikit_learn_searches_with_texts_in_lists_and_arrays():
    pipeline = make_pipeline(
        FunctionTransformer(lambda texts: [text.upper() for text in texts]), TextClassifier(**SMALL)
    )
    grid = {"textclassifier__learning_rate": [1e-9, 2e-3]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(np.array(TEXTS, object), LABELS)
    assert search.best_params_ == {"textclassifier__learning_rate": 2e-3}
    words = TextClassifier(**SMALL, tokenizer="words", word_vectors=False, least_steps=200)
    assert cross_val_score(words, TEXTS, LABELS, cv=2).mean() >= 0.9


def test_parameters_reach_the_tokenizer():
    quick = TextClassifier(**SMALL, tokenizer="characters", vocabulary_size=9, epochs=1, least_steps=1)
    assert quick.fit(TEXTS, LABELS).tokenizer_.get_vocab_size() == 9
    cut = quick.set_params(max_length=2).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(cut.predict_proba(["the end"]), cut.predict_proba(["th"]))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one", "X is one text; give a list of texts, even where it holds only one."),
        ([], "X holds no text; at least one is needed."),
        (["good", 7], "text 2 is int; each must be a str."),
    ],
)
def test_what_is_no_list_of_texts_is_refused(fitted, texts, message):
    for call in (lambda: TextClassifier().fit(texts, LABELS[: len(texts)]), lambda: fitted.predict(texts)):
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == message


def test_who_has_learned_nothing_answers_nothing():
    with pytest.raises(NotFittedError):
        TextClassifier().predict(TEXTS)
