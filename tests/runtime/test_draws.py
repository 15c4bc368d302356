"""Random draws are a function of the seed and the place, and of nothing that was drawn before."""

import hashlib
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.runtime.draws import derive_seed, draws_of_each, generator, part_ways, reseed_all, words_of_each

places = st.lists(st.integers() | st.text(), max_size=3).map(tuple)


def test_a_derived_seed_by_hand():
    digest = hashlib.sha256(b"7\0'step'\0" + b"13").digest()
    assert derive_seed(7, "step", 13) == int.from_bytes(digest[:8], "big") // 2
    # The same on every machine and for ever: a run that is resumed elsewhere depends on it.
    assert derive_seed(7, "step", 13) == 1219168831379588098


@given(st.integers(min_value=0), places)
def test_a_derived_seed_has_63_bits(seed, place):
    assert 0 <= derive_seed(seed, *place) < 2**63


@given(st.lists(st.tuples(st.integers(0, 50), places), min_size=2, max_size=20, unique_by=repr))
def test_no_two_places_share_a_seed(keys):
    assert len({derive_seed(seed, *place) for seed, place in keys}) == len(keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "a", "b"), (1, "a\0'b'")),
        ((1, 1), (1, "1")),
        ((1, "a'"), (1, 'a"')),
        ((1,), (1, "")),
        ((12, 3), (1, 23)),
    ],
)
def test_places_are_told_apart_however_they_are_written(one, other):
    assert derive_seed(*one) != derive_seed(*other)


def draws():
    return random.random(), np.random.random(), torch.rand(3).tolist()  # noqa: NPY002 - what is seeded


def test_all_generators_begin_anew_at_a_place():
    reseed_all(3, "step", 5)
    first = draws()
    draws()
    reseed_all(3, "step", 6)
    other = draws()
    reseed_all(3, "step", 5)
    assert draws() == first
    assert all(one != another for one, another in zip(first, other, strict=True))


def test_a_generator_is_of_its_place_alone():
    reseed_all(0)
    first = generator(3, "order", 1).permutation(101)
    reseed_all(1)
    np.testing.assert_array_equal(generator(3, "order", 1).permutation(101), first)
    assert (generator(3, "order", 2).permutation(101) != first).any()
    assert (generator(4, "order", 1).permutation(101) != first).any()


def test_torch_is_not_loaded_for_it():
    code = (
        "import sys; from chainrule.runtime.draws import reseed_all; reseed_all(1, 'a'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_processes_seeded_alike_part_ways():
    def drawn(process):
        reseed_all(3, "step", 5)
        part_ways(process)
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    reseed_all(3, "step", 5)
    alone = random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002
    assert drawn(0) == alone
    first, second, third = drawn(0), drawn(1), drawn(2)
    assert not {*first} & {*second} | {*second} & {*third} | {*first} & {*third}
    assert drawn(2) == third


def test_draws_of_each_are_splitmix64():
    mask = (1 << 64) - 1
    state = derive_seed(3, "shift", 5)
    numbers = np.array([0, 1, 7, 1 << 40])
    for number, found in zip(numbers.tolist(), draws_of_each(3, "shift", 5, numbers=numbers).tolist(), strict=True):
        bits = (state + (number + 1) * 0x9E3779B97F4A7C15) & mask
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & mask
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & mask
        assert found == bits ^ (bits >> 31)


def test_draws_of_each_do_not_depend_on_the_others():
    whole = draws_of_each(3, "mirror", numbers=np.arange(101))
    np.testing.assert_array_equal(draws_of_each(3, "mirror", numbers=np.array([90, 3])), whole[[90, 3]])
    assert len(set(whole.tolist())) == 101
    assert not (whole == draws_of_each(4, "mirror", numbers=np.arange(101))).any()


def test_words_are_those_of_splitmix64():
    """Its first words from 0 and from 1234567, as the reference program in C prints them."""
    words = words_of_each(np.array([0, 1234567]), 3)
    assert words[0].tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert words[1].tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert words_of_each(np.array([7]), 5)[:, :3].tolist() == words_of_each(np.array([7]), 3).tolist()
