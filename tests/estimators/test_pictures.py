"""The estimator for pictures."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score, train_test_split

from chainrule import ImageClassifier
from chainrule.errors import DataError, OptionError

QUICK = {"widths": (5, 7), "epochs": 1, "least_steps": 20, "learning_rate": 1e-2, "random_state": 0, "threads": 1}


def bars(count):
    """Pictures (11, 9) of one bright line in noise, upright or lying, as bytes."""
    draw = np.random.default_rng(0)
    labels = draw.choice(["lying", "upright"], count)
    pictures = draw.integers(0, 60, (count, 11, 9), dtype=np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        if label == "lying":
            picture[draw.integers(11)] = 200
        else:
            picture[:, draw.integers(9)] = 200
    return pictures, labels


PICTURES, LABELS = bars(301)


@pytest.fixture(scope="module")
def fitted():
    return ImageClassifier(**QUICK).fit(PICTURES, LABELS)


@pytest.mark.slow
def test_digits_are_read():
    pixels, labels = load_digits(return_X_y=True)
    pictures = pixels.reshape(-1, 8, 8) / 16
    train, test, train_labels, test_labels = train_test_split(
        pictures, labels, test_size=0.2, stratify=labels, random_state=0
    )
    classifier = ImageClassifier(widths=(32, 64), random_state=0, threads=1).fit(train, train_labels)
    assert classifier.score(test, test_labels) >= 0.97


def test_answers_are_in_the_order_of_the_pictures(fitted):
    together = fitted.predict_proba(PICTURES)  # more than a batch
    alone = np.concatenate([fitted.predict_proba(picture[None]) for picture in PICTURES[::23]])
    np.testing.assert_allclose(together[::23], alone, atol=1e-5)
    assert fitted.predict(PICTURES).tolist() == [fitted.classes_[row.argmax()] for row in together]
    assert fitted.score(PICTURES, LABELS) >= 0.9
    assert fitted.n_features_in_ == 99


def test_bytes_and_shares_and_a_channel_of_its_own_are_the_same_pictures(fitted):
    expected = fitted.predict_proba(PICTURES)
    for pictures in (PICTURES / 255, (PICTURES / 255).astype(np.float32), PICTURES[:, None], (PICTURES / 255).tolist()):
        np.testing.assert_array_equal(fitted.predict_proba(pictures), expected)
        again = ImageClassifier(**QUICK).fit(pictures, LABELS)
        np.testing.assert_array_equal(again.predict_proba(PICTURES), expected)


def test_the_answer_of_a_picture_in_colour_hangs_on_its_channels():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, 211)
    pictures = draw.integers(0, 60, (211, 3, 6, 5), dtype=np.uint8)
    pictures[np.arange(211), labels] += 190
    assert ImageClassifier(**QUICK).fit(pictures, labels).score(pictures, labels) >= 0.95


def test_the_other_network_has_its_own_parameters():
    large = np.pad(PICTURES, ((0, 0), (4, 4), (5, 5)))
    quick = {name: value for name, value in QUICK.items() if name != "widths"}
    fitted = ImageClassifier(**{**quick, "least_steps": 1}, network="article").fit(large, LABELS)
    assert [len(parameter) for parameter in fitted.model_.parameters()][-1] == 2
    with pytest.raises(OptionError, match="^--network article needs pictures of at least 18 pixels a side"):
        ImageClassifier(network="article").fit(PICTURES, LABELS)


def test_the_fast_network_is_whitened_and_moves_its_pictures():
    large = np.pad(PICTURES, ((0, 0), (4, 4), (5, 5)))
    settings = {**QUICK, "network": "fast", "flip": "always", "shift": 0.1, "views": 2, "lookahead": True}
    fitted, again = (ImageClassifier(**settings).fit(large, LABELS) for _ in range(2))
    whitening = fitted.model_.features[0].weight
    assert whitening.abs().sum() > 0
    assert (whitening[: len(whitening) // 2] == -whitening[len(whitening) // 2 :]).all()
    np.testing.assert_array_equal(again.predict_proba(large), fitted.predict_proba(large))
    mirrored = np.ascontiguousarray(large[..., ::-1])
    np.testing.assert_allclose(fitted.predict_proba(mirrored), fitted.predict_proba(large), atol=1e-5)


def test_scikit_learn_cuts_arrays_of_pictures():
    assert cross_val_score(ImageClassifier(**QUICK), PICTURES, LABELS, cv=2).mean() >= 0.8


def test_equal_random_state_gives_equal_weights(fitted):
    again = ImageClassifier(**QUICK).fit(PICTURES, LABELS)
    np.testing.assert_array_equal(again.predict_proba(PICTURES), fitted.predict_proba(PICTURES))
    other = ImageClassifier(**{**QUICK, "random_state": 1}).fit(PICTURES, LABELS)
    assert np.abs(other.predict_proba(PICTURES) - fitted.predict_proba(PICTURES)).max() > 1e-3


NO_SHAPE = "(pictures, height, width) or (pictures, channels, height, width) with 1 or 3 channels was needed."
NO_VALUES = "bytes (uint8), or numbers from 0 to 1 were needed."


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (PICTURES[0], f"X has the shape (11, 9); {NO_SHAPE}"),
        (np.zeros((5, 2, 8, 8)), f"X has the shape (5, 2, 8, 8); {NO_SHAPE}"),
        (np.zeros((0, 8, 8)), f"X has the shape (0, 8, 8); {NO_SHAPE}"),
        (PICTURES / 127, f"X holds values from 0 to 1.5748; {NO_VALUES}"),
        (np.full((2, 8, 8), np.nan), f"X holds values from nan to nan; {NO_VALUES}"),
        (PICTURES.astype(np.int64), f"X holds values of type int64; {NO_VALUES}"),
    ],
)
def test_what_is_no_array_of_pictures_is_refused(fitted, pictures, message):
    for call in (lambda: ImageClassifier().fit(pictures, LABELS[: len(pictures)]), lambda: fitted.predict(pictures)):
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == message


def test_pictures_of_many_sizes_are_refused():
    with pytest.raises(DataError, match="^X is no array of pictures of one size"):
        ImageClassifier().fit([np.zeros((5, 5)), np.zeros((7, 7))], ["a", "b"])


def test_pictures_of_another_size_than_learned_from_are_refused(fitted):
    with pytest.raises(DataError) as caught:
        fitted.predict(PICTURES[:, :10])
    assert str(caught.value) == (
        "pictures of (1, 10, 9) (channels, height, width) were given; those that were learned from have (1, 11, 9)."
    )


def test_who_has_learned_nothing_answers_nothing():
    with pytest.raises(NotFittedError):
        ImageClassifier().predict(PICTURES)
