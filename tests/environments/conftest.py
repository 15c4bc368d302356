"""Environments are made without Gymnasium's wrappers where a test looks inside them."""

import gymnasium
import pytest

import chainrule.environments  # noqa: F401 - registers them


@pytest.fixture
def line():
    return gymnasium.make("chainrule/LineWalk-v0").unwrapped
