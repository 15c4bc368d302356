"""The plainest predictions."""

import numpy as np

from chainrule.evaluation.baselines import majority, mean
from tests.evaluation.sets import codes, splits, table, texts


def test_the_majority_class_is_the_training_splits():
    # In the test split the other class is the commoner.
    data = texts([""] * 10, [0, 1, 1, 1, 2, 0, 0, 0, 0, 0], codes(5, 2, 3), classes=("a", "b", "c", "d"))
    train, _, test = splits(data)
    found = majority(train, test)
    assert found.name == "majority class"
    np.testing.assert_allclose(found.outputs, [[0.2, 0.6, 0.2, 0]] * 3)


def test_the_mean_is_the_training_splits():
    data = table(np.zeros((7, 2)), codes(3, 1, 3), targets=[1.0, 2.0, 6.0, 50.0, 7.0, 8.0, 9.0])
    train, _, test = splits(data)
    found = mean(train, test)
    assert found.name == "mean"
    assert found.outputs.tolist() == [3, 3, 3]
