"""The estimator for sequences of vectors."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from chainrule import SequenceClassifier
from chainrule.data.catalog import open_dataset
from chainrule.errors import DataError

QUICK = {"hidden_size": 7, "random_state": 0, "threads": 1}


def waves(count):
    """Sequences of 5 to 13 steps of 3 values, the second of which rises or falls."""
    draw = np.random.default_rng(0)
    labels = draw.choice(["falls", "rises"], count)
    sequences = []
    for label in labels:
        steps = draw.normal(size=(draw.integers(5, 14), 3))
        steps[:, 1] += np.linspace(-3, 3, len(steps)) * (1 if label == "rises" else -1)
        sequences.append(steps)
    return sequences, labels


SEQUENCES, LABELS = waves(301)


@pytest.fixture(scope="module")
def fitted():
    return SequenceClassifier(**QUICK, epochs=8).fit(SEQUENCES, LABELS)


@pytest.mark.slow
def test_speakers_are_told_by_their_vowels():
    data = open_dataset("japanese-vowels")
    parts = [data.split(name) for name in ("train", "validation", "test")]
    sequences, labels = [part.sequences() for part in parts], [part.labels() for part in parts]
    classifier = SequenceClassifier(random_state=0, threads=1)
    classifier.fit(sequences[0] + sequences[1], np.concatenate(labels[:2]))
    assert classifier.score(sequences[2], labels[2]) >= 0.95


def test_answers_are_in_the_order_of_the_sequences(fitted):
    together = fitted.predict_proba(SEQUENCES)  # more than a batch, of different lengths
    alone = np.concatenate([fitted.predict_proba([steps]) for steps in SEQUENCES[::23]])
    np.testing.assert_allclose(together[::23], alone, atol=1e-5)
    assert fitted.predict(SEQUENCES).tolist() == [fitted.classes_[row.argmax()] for row in together]
    assert fitted.score(SEQUENCES, LABELS) >= 0.95
    assert fitted.n_features_in_ == 3


def test_values_are_standardised(fitted):
    scaled = [steps * [1, 1000, 0.1] + [0, 7, -7] for steps in SEQUENCES]
    again = SequenceClassifier(**QUICK, epochs=8).fit(scaled, LABELS)
    np.testing.assert_allclose(again.predict_proba(scaled), fitted.predict_proba(SEQUENCES), atol=1e-2)


def test_scikit_learn_cuts_lists_and_arrays_of_sequences():
    quick = SequenceClassifier(**QUICK, epochs=8)
    assert cross_val_score(quick, SEQUENCES, LABELS, cv=2).mean() >= 0.9
    assert cross_val_score(quick, np.stack([steps[:5] for steps in SEQUENCES]), LABELS, cv=2).mean() >= 0.9
    lists = [steps.tolist() for steps in SEQUENCES]
    np.testing.assert_array_equal(quick.fit(lists, LABELS).predict(lists), quick.fit(SEQUENCES, LABELS).predict(lists))


def test_equal_random_state_gives_equal_weights():
    quick = SequenceClassifier(**QUICK, epochs=1, least_steps=1)
    answers = [quick.fit(SEQUENCES, LABELS).predict_proba(SEQUENCES[:7]) for _ in "ab"]
    np.testing.assert_array_equal(*answers)
    other = quick.set_params(random_state=1).fit(SEQUENCES, LABELS).predict_proba(SEQUENCES[:7])
    assert np.abs(other - answers[0]).max() > 1e-4


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "X holds no sequence; at least one is needed."),
        ([np.ones((5, 3)), np.ones(3)], r"sequence 2 has the shape (3,); (time, 3) with at least one step was needed."),
        (
            [np.ones((5, 3)), np.ones((5, 2))],
            "sequence 2 has the shape (5, 2); (time, 3) with at least one step was needed.",
        ),
        ([np.ones((0, 3))], "sequence 1 has the shape (0, 3); (time, 3) with at least one step was needed."),
        ([[[1, 2, np.inf]]], "sequence 1 holds what is no finite number; leave it out or fill it in."),
    ],
)
def test_what_is_no_list_of_sequences_is_refused(fitted, sequences, message):
    for call in (
        lambda: SequenceClassifier().fit(sequences, LABELS[: len(sequences)]),
        lambda: fitted.predict(sequences),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == message


def test_words_are_no_steps():
    with pytest.raises(DataError, match=r"^sequence 1 is no array of numbers \(could not convert"):
        SequenceClassifier().fit(["abc"], ["a"])


def test_steps_of_another_width_than_learned_from_are_refused(fitted):
    with pytest.raises(DataError) as caught:
        fitted.predict([np.ones((5, 2))])
    assert str(caught.value) == "sequence 1 has the shape (5, 2); (time, 3) with at least one step was needed."


def test_who_has_learned_nothing_answers_nothing():
    with pytest.raises(NotFittedError):
        SequenceClassifier().predict(SEQUENCES)
