"""Draws inside a block that leave those outside as they were."""

import random

import numpy as np
import pytest
import torch

from chainrule.runtime.draws import derive_seed, reseed_all, undisturbed


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


def test_a_block_leaves_the_generators_as_they_were():
    reseed_all(3, "test")
    expected = draw()
    reseed_all(3, "test")
    with undisturbed():
        assert draw() == expected
        reseed_all(4, "test")
        draw()
    assert draw() == expected


def test_so_does_a_block_that_fails():
    reseed_all(3, "test")
    expected = draw()
    reseed_all(3, "test")
    with pytest.raises(ZeroDivisionError), undisturbed():
        sum(draw()) / 0
    assert draw() == expected


def test_torch_draws_as_after_its_own_seeding():
    with undisturbed():
        torch.manual_seed(derive_seed(2**64, "step", 5))
        expected = torch.rand(7)
        reseed_all(2**64, "step", 5)
        assert torch.equal(torch.rand(7), expected)
