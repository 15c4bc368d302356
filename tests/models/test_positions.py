"""The three ways to tell places against their formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.models.positions import LearnedPositions, SinusoidalPositions, rotate, sinusoids

BATCH, HEADS, TIME, SIZE = 3, 5, 7, 22


def test_sinusoids_are_the_papers_formula():
    found = sinusoids(torch.arange(TIME), SIZE)
    for place in range(TIME):
        for pair in range(SIZE // 2):
            turn = place / 10_000 ** (2 * pair / SIZE)
            assert found[place, 2 * pair].item() == pytest.approx(math.sin(turn), abs=1e-6)
            assert found[place, 2 * pair + 1].item() == pytest.approx(math.cos(turn), abs=1e-6)


def test_they_are_added_from_the_first_place_on():
    vectors = torch.randn(BATCH, TIME, SIZE)
    torch.testing.assert_close(SinusoidalPositions()(vectors), vectors + sinusoids(torch.arange(TIME), SIZE))
    later = SinusoidalPositions()(vectors, first=11)
    torch.testing.assert_close(later, vectors + sinusoids(torch.arange(11, 11 + TIME), SIZE))


def test_learned_ones_are_those_of_the_places():
    positions = LearnedPositions(longest=13, size=SIZE)
    vectors = torch.randn(BATCH, TIME, SIZE)
    expected = vectors + positions.places(torch.arange(6, 6 + TIME))
    torch.testing.assert_close(positions(vectors, first=6), expected)
    with pytest.raises(ValueError, match=r"^14 tokens, and positions were learned for 13$"):
        positions(vectors, first=7)


def test_a_pair_is_turned_by_its_places_angle():
    # size 4: the first pair turns by the place, the second by a hundredth of it.
    turned = rotate(torch.tensor([[1.0, 0.0, 0.0, 2.0]]), torch.tensor([3]))
    expected = [math.cos(3), math.sin(3), -2 * math.sin(0.03), 2 * math.cos(0.03)]
    torch.testing.assert_close(turned, torch.tensor([expected]))


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 100), st.integers(0, 2**31))
def test_products_of_rotated_vectors_depend_on_the_distance_alone(one, other, further, seed):
    query, key = torch.randn(2, 1, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))

    def product(first, second):
        return rotate(query, torch.tensor([first])) @ rotate(key, torch.tensor([second])).mT

    torch.testing.assert_close(product(one, other), product(one + further, other + further), rtol=1e-4, atol=1e-4)


def test_rotating_keeps_lengths_and_takes_places_of_each_text():
    vectors = torch.randn(BATCH, HEADS, TIME, SIZE)
    places = torch.randint(0, 50, (BATCH, 1, TIME))
    turned = rotate(vectors, places)
    torch.testing.assert_close(turned.norm(dim=-1), vectors.norm(dim=-1))
    torch.testing.assert_close(turned[1, 2, 4], rotate(vectors[1, 2, 4:5], places[1, 0, 4:5])[0])


def test_an_odd_size_has_no_pairs():
    with pytest.raises(ValueError, match=r"^positions turn pairs of values, and 7 values are no pairs$"):
        sinusoids(torch.arange(3), 7)
