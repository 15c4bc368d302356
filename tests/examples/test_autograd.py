"""The networks in examples/autograd learn what they are there for, each on one engine in NumPy."""

import importlib.util
import re

import numpy as np
import pytest

import chainrule.autograd as ag
from chainrule.data.opening import open_examples
from tests.docs.pages import PROJECT, blocks

FOLDER = PROJECT / "examples/autograd"


def program(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reader():
    """The convolutional network, trained on digits: pictures (n, 8, 8) from 0 to 1 → probabilities (n, 10)."""
    model = program("cnn").train(open_examples("digits", None, kind="pictures").split("train"), seed=1).eval()

    @ag.no_grad()
    def probabilities(pictures):
        return ag.softmax(model(ag.Tensor(pictures[:, None].astype(np.float32))), 1).data

    return probabilities


@pytest.mark.slow
def test_a_convolutional_network_reads_digits():
    assert program("cnn").main()["test"] >= 0.98


@pytest.mark.slow
def test_an_lstm_tells_speakers_apart():
    assert program("lstm").main()["test"] >= 0.95


@pytest.mark.slow
def test_an_attention_layer_reads_reviews_20_points_better_than_the_majority():
    accuracy, majority = program("attention").main()["test"]
    assert accuracy >= majority + 0.2


@pytest.mark.slow
def test_a_gan_draws_digits_that_can_be_recognised(reader):
    wanted = np.repeat(np.arange(10), 50)
    drawn = program("gan").main()(wanted)
    shares = reader(drawn)
    assert np.mean(shares.max(axis=1) >= 0.9) >= 0.8
    assert np.mean(shares.argmax(axis=1) == wanted) >= 0.95
    assert set(shares.argmax(axis=1)) == set(range(10))
    # It draws many of each, not one again and again.
    digits = open_examples("digits", None, kind="pictures").split("train")
    real = digits.pictures()[:, 0] / 255
    for digit in range(10):
        assert drawn[wanted == digit].std(axis=0).mean() > 0.5 * real[digits.labels() == digit].std(axis=0).mean()


def test_the_digits_on_the_page_can_be_read(reader):
    gan = program("gan")
    page = PROJECT / "docs/backpropagation.md"
    (picture,) = [block.text for block in blocks(page) if block.note == "drawn by examples/autograd/gan.py"]
    rows = np.array([list(line.ljust(88)) for line in picture.splitlines() if line.strip()])
    shades = np.vectorize(gan.SHADES.index)(rows) / (len(gan.SHADES) - 1)
    pictures = [shades[top : top + 8, left : left + 16 : 2] for top in (0, 8) for left in range(0, 90, 18)]
    assert reader(np.array(pictures)).argmax(axis=1).tolist() == list(range(10))
    assert gan.as_text(np.array(pictures[:5])).split() == picture.split("\n\n")[0].split()


@pytest.mark.parametrize("name", ["cnn", "lstm", "attention", "gan"])
def test_a_program_is_a_screen_or_two(name):
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
    assert not any(re.search(r"\b(torch|sklearn)\b", line) for line in lines)
