"""Moved and mirrored pictures, against NumPy one picture at a time."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import torch

from chainrule.data.dataset import Dataset
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.learners import pictures
from chainrule.learners.batches import gather_pictures
from chainrule.learners.pictures import Augmentation, PictureStore, standardised
from chainrule.runtime.draws import draws_of_each

COUNT, CHANNELS, HEIGHT, WIDTH = 61, 3, 13, 11
PREPROCESSOR = PicturePreprocessor(shape=(CHANNELS, HEIGHT, WIDTH), mean=(90.0, 100.0, 110.0), deviation=(7.0, 11.0, 5))


def some():
    draw = np.random.default_rng(1)
    return draw.integers(0, 256, (COUNT, HEIGHT, WIDTH, CHANNELS), dtype=np.uint8)


def augmentation(**changes):
    return Augmentation(**{"preprocessor": PREPROCESSOR, "seed": 3, "mirror": True, "shift": 2, **changes})


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 2, 5])
def test_equals_reflected_padding_and_a_crop(mirror, shift):
    pixels, positions = some(), np.arange(COUNT) * 7
    found = augmentation(mirror=mirror, shift=shift).moved(torch.from_numpy(pixels), positions, 4)
    draws = draws_of_each(3, "shift", 4, numbers=positions)
    odd = draws_of_each(3, "mirror", numbers=positions) % np.uint64(2) == 1
    for number, picture in enumerate(pixels):
        padded = np.pad(picture, ((shift, shift), (shift, shift), (0, 0)), mode="reflect")
        down = int(draws[number]) % (2 * shift + 1)
        right = (int(draws[number]) >> 32) % (2 * shift + 1)
        expected = padded[down : down + HEIGHT, right : right + WIDTH]
        if mirror and odd[number]:
            expected = expected[:, ::-1]
        np.testing.assert_array_equal(found[number].numpy(), expected)


def test_each_picture_is_mirrored_every_other_epoch():
    pixels, positions = torch.from_numpy(some()), np.arange(COUNT)
    seen = [augmentation(shift=0).moved(pixels, positions, epoch) for epoch in range(3)]
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[0].flip(2), seen[1])
    plain = sum(torch.equal(one, other) for one, other in zip(seen[0], pixels, strict=True))
    assert 20 < plain < 41  # about half


def test_what_one_sees_does_not_depend_on_its_batch():
    pixels, positions = torch.from_numpy(some()), np.arange(COUNT)
    whole = augmentation().moved(pixels, positions, 5)
    order = np.random.default_rng(2).permutation(COUNT)[:17]
    assert torch.equal(augmentation().moved(pixels[order], positions[order], 5), whole[order])


def test_every_distance_is_as_likely():
    draws = draws_of_each(1, "shift", 0, numbers=np.arange(50_000))
    counts = Counter(((draws >> np.uint64(32)) % np.uint64(5)).tolist())
    assert all(abs(counts[place] - 10_000) < 400 for place in range(5))


def test_standardised_as_in_evaluation():
    pixels = some()
    nchw = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    (expected,) = gather_pictures(nchw.__getitem__, PREPROCESSOR, torch.device("cpu"))(np.arange(COUNT))
    found = augmentation(mirror=False, shift=0)(torch.from_numpy(pixels), np.arange(COUNT), 0)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(standardised(torch.from_numpy(pixels), PREPROCESSOR), expected)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_a_square_is_covered_by_the_mean(side):
    pixels, positions = torch.from_numpy(some()), np.arange(COUNT)
    plain = augmentation()(pixels, positions, 3)
    found = augmentation(cutout=side)(pixels, positions, 3)
    _, _, height, width = plain.shape
    draws = draws_of_each(3, "cutout", 3, numbers=positions)
    expected = plain.clone()
    for number, draw in enumerate(draws.tolist()):
        row, column = draw % 2**32 % height, (draw >> 32) % width
        top, left = row - side // 2, column - side // 2
        expected[number, :, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(found, augmentation(cutout=side)(pixels, positions, 4))


def examples():
    pixels = some().transpose(0, 3, 1, 2)
    size = CHANNELS * HEIGHT * WIDTH
    rows = pa.table(
        {
            "picture": pa.FixedSizeListArray.from_arrays(pa.array(pixels.reshape(-1)), size),
            "label": pa.array([0] * COUNT, pa.int32()),
        }
    )
    return Dataset(
        name="some",
        kind="pictures",
        rows=rows,
        split_codes=np.array([0, 2] * 30 + [0], np.uint8),
        sha256="0" * 64,
        classes=("a", "b"),
        picture_shape=(CHANNELS, HEIGHT, WIDTH),
    ).split("train")


@pytest.mark.parametrize("limit", [1 << 31, 100])
def test_the_store_gives_bytes_from_memory_or_from_disk(monkeypatch, limit):
    monkeypatch.setattr(pictures, "MOST_BYTES", limit)
    monkeypatch.setattr(pictures, "AT_A_TIME", 7)
    store = PictureStore(examples(), torch.device("cpu"))
    positions = np.array([7, 0, 30])
    found = store(positions)
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found.numpy(), some()[::2][positions])
