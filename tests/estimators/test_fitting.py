"""What the estimators have in common."""

import inspect
import subprocess
import sys

import docstring_parser
import numpy as np
import pytest
from sklearn.base import clone, is_classifier

from chainrule import estimators
from chainrule.recipes.image_cnn import ImageCnn
from chainrule.recipes.mlp_classification import MlpClassification
from chainrule.recipes.mlp_regression import MlpRegression
from chainrule.recipes.sentiment import Sentiment
from chainrule.recipes.sequence_lstm import SequenceLstm
from chainrule.recipes.settings import setting_fields, setting_types

RECIPES = {
    estimators.ImageClassifier: ImageCnn,
    estimators.MLPClassifier: MlpClassification,
    estimators.MLPRegressor: MlpRegression,
    estimators.SequenceClassifier: SequenceLstm,
    estimators.TextClassifier: Sentiment,
}
COMMON = {"random_state", "device", "precision", "threads"}
# What concerns columns of files, and parts of a batch, has no place in memory.
ONLY_FILES = {"target_column", "label_column", "ignore_columns", "text_column", "sequence_column", "accumulate"}
# Likewise what narrows a data set, and another run.
ONLY_FILES |= {"classes", "labels_per_class", "validation_examples", "from_", "trunk_rate", "frozen_epochs"}
KINDS = pytest.mark.parametrize("kind", RECIPES)


def test_every_estimator_is_here():
    assert {kind.__name__ for kind in RECIPES} == set(estimators.__all__)


@KINDS
def test_parameters_are_the_recipes_settings(kind):
    names = set(kind().get_params())
    assert names - COMMON == setting_fields(RECIPES[kind]).keys() - ONLY_FILES
    assert names >= COMMON


@KINDS
def test_parameters_are_documented_in_their_order(kind):
    documented = docstring_parser.parse(kind.__doc__).params
    names = [entry.arg_name for entry in documented if entry.args[0] == "param"]
    assert names == list(inspect.signature(kind).parameters)


@KINDS
def test_choices_are_those_of_the_recipe(kind):
    types = setting_types(kind)
    assert {name: types[name] for name in set(types) - COMMON} == {
        name: wanted for name, wanted in setting_types(RECIPES[kind]).items() if name in types
    }


@KINDS
def test_parameters_are_given_by_name_alone(kind):
    with pytest.raises(TypeError, match="positional"):
        kind(5)


@KINDS
def test_an_estimator_is_compared_and_shown_as_scikit_learn_does(kind):
    estimator = kind(random_state=7)
    assert estimator != clone(estimator)
    assert {estimator: 1}[estimator] == 1
    assert repr(estimator) == f"{kind.__name__}(random_state=7)"
    assert is_classifier(estimator) == (kind is not estimators.MLPRegressor)


def test_importing_the_estimators_loads_no_torch():
    code = "import sys, chainrule; chainrule.TextClassifier(); print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout == "False\n"


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (estimators.TextClassifier, ["aa", "bb", "aabb"]),
        (estimators.SequenceClassifier, [np.ones((2, 3))] * 3),
        (estimators.ImageClassifier, np.zeros((3, 8, 8))),
        (estimators.MLPClassifier, np.eye(3)),
    ],
)
def test_labels_that_are_no_classes_are_refused(kind, inputs):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        kind().fit(inputs, ["a", "b"])
    with pytest.raises(ValueError, match="Unknown label type"):
        kind().fit(inputs, [0.1, 0.2, 0.7])
