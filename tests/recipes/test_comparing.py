"""Every recipe that has a twin agrees with it, and a rule broken on purpose is found in its layer."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import chainrule.autograd as ag
from chainrule import api, recipes
from chainrule.errors import OptionError, UnknownNameError, UsageError
from chainrule.recipes import comparing
from chainrule.recipes.supervised import Classifying
from tests.learners.test_lockstep import broken

RUNS = [
    ("mlp-classification", {}),
    ("mlp-classification", {"class_weights": "balanced", "label_smoothing": 0.2}),
    ("mlp-regression", {"dataset": "diabetes"}),
    ("image-cnn", {"dataset": "digits", "widths": (5, 7)}),
    ("sequence-lstm", {"hidden_size": 5}),
]


@pytest.mark.parametrize(("name", "settings"), RUNS)
@pytest.mark.parametrize("precision", ["fp32", "fp64"])
def test_a_recipe_agrees_with_torch(name, settings, precision):
    found = api.compare_gradients(name, precision=precision, batch_size=11, seed=3, **settings)
    assert found["agrees"]
    assert found["fault"] is None
    assert (found["recipe"], found["examples"], found["seed"], found["precision"]) == (name, 11, 3, precision)
    assert found["data"] == settings.get("dataset", recipes.find(name).dataset)
    layers = found["layers"]
    assert layers[-1]["layer"] == "loss"
    assert any(layer["gradient"]["absolute"] for layer in layers[:-1]), "nothing was computed"
    assert sum(len(layer["parameters"]) for layer in layers) >= 4


def test_an_even_ground_is_no_fault():
    """Where a picture is all black, which of four equal places is the maximum would be a matter of rounding."""
    assert api.compare_gradients("image-cnn", dataset="mnist-5k", widths=(5, 7), batch_size=11)["agrees"]


@pytest.mark.parametrize(
    ("name", "settings", "rule", "found"),
    [
        ("mlp-classification", {}, ("gelu", 1), ("hidden.4", "input")),
        ("mlp-classification", {}, ("cross_entropy", 1), ("loss", "input")),
        ("mlp-regression", {"dataset": "diabetes"}, ("linear", 2), ("output", "weight")),
        ("image-cnn", {"dataset": "digits", "widths": (5, 7)}, ("conv2d", 1), ("features.4.0", "input")),
        ("image-cnn", {"dataset": "digits", "widths": (5, 7)}, ("conv2d", 2), ("features.4.0", "weight")),
        ("image-cnn", {"dataset": "digits", "widths": (5, 7)}, ("max_pool2d", 1), ("features.2", "input")),
        ("image-cnn", {"dataset": "digits", "widths": (5, 7)}, ("batch_norm", 0), ("features.0.1", "value")),
        ("sequence-lstm", {"hidden_size": 5}, ("sigmoid", 1), ("lstm.backwards", "weight_ih_l0")),
        ("sequence-lstm", {"hidden_size": 5}, ("tanh", 0), ("lstm.forwards", "value")),
        ("sequence-lstm", {"hidden_size": 5}, ("concatenate", 1), ("lstm", "parts")),
    ],
)
def test_a_broken_rule_is_found_in_its_layer(monkeypatch, name, settings, rule, found):
    broken(monkeypatch, *rule, lambda values: 1.01 * values)
    answer = api.compare_gradients(name, **settings)
    assert not answer["agrees"]
    fault = answer["fault"]
    assert (fault["layer"], fault["what"]) == found
    assert f" {fault['layer']} (" in fault["sentence"] or fault["layer"] == "loss"


def test_what_is_no_number_has_no_size(monkeypatch):
    broken(monkeypatch, "gelu", 1, lambda values: values * np.nan)
    found = api.compare_gradients("mlp-classification")
    row = next(row for row in found["layers"] if row["layer"] == "hidden.4")
    assert row["passed_back"] == {"absolute": None, "relative": None, "agrees": False}


def test_a_recipe_without_a_twin_says_so_before_its_data_are_fetched(monkeypatch, tmp_path):
    sentence = r"sentiment has no twin on our autograd; the recipes that have one are .*image-cnn, mlp-classification"
    with pytest.raises(UsageError, match=sentence):
        api.compare_gradients("sentiment", data=tmp_path / "missing.csv")


def test_wrong_calls_are_refused():
    with pytest.raises(OptionError, match="--precision is bf16; it must be fp32 or fp64."):
        api.compare_gradients("mlp-classification", precision="bf16")
    with pytest.raises(UnknownNameError, match="there is no setting named 'hidden'; did you mean"):
        api.compare_gradients("mlp-classification", hidden=3)
    with pytest.raises(OptionError, match="exclude each other"):
        api.compare_gradients("mlp-classification", data=Path("own.csv"), dataset="digits")


X, Y = np.random.default_rng(0).normal(size=(29, 3)).astype(np.float32), np.arange(29) % 2


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A recipe whose learner has a network on our own autograd."""

    name: ClassVar[str] = "own"
    dataset: ClassVar[str] = "digits"
    model: object = None
    batch_size: int = 7

    def build(self, setting):
        generator, outputs = np.random.default_rng(setting.seed), 2 if hasattr(self, "classifying") else 1
        model = self.model or ag.Sequential(
            ag.Linear(3, 5, generator=generator), ag.tanh, ag.Linear(5, outputs, generator=generator)
        )
        targets = Y if outputs == 2 else X[:, 0]
        batches = SimpleNamespace(
            train=SimpleNamespace(targets=targets),
            training=lambda *_: [SimpleNamespace(inputs=X[: self.batch_size], targets=targets[: self.batch_size])],
        )
        return SimpleNamespace(learner=SimpleNamespace(model=model, batches=batches))


@dataclass(frozen=True, kw_only=True)
class Classification(Regression):
    classifying: Classifying = Classifying(label_smoothing=0.1)


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
@pytest.mark.parametrize("recipe", [Regression(), Classification()])
def test_a_network_that_learns_on_our_autograd_has_a_twin_in_torch(monkeypatch, recipe, precision):
    setting = SimpleNamespace(seed=0, dataset="digits", data=None)
    found = comparing.compare(recipe, setting, precision)
    assert found["agrees"]
    assert [layer["layer"] for layer in found["layers"]] == ["0", "1", "2", "loss"]
    assert found["examples"] == 7
    broken(monkeypatch, "tanh", 1, lambda values: 1.01 * values)
    assert comparing.compare(recipe, setting, precision)["fault"]["layer"] == "1"


def test_a_network_of_any_other_kind_is_refused():
    setting = SimpleNamespace(seed=0, dataset="digits", data=None)
    with pytest.raises(UsageError, match="own cannot be compared: object has no twin."):
        comparing.compare(Regression(model=object()), setting, "fp64")
    with pytest.raises(UsageError, match="own cannot be compared: part 0 of the network has no twin in torch"):
        comparing.compare(Regression(model=ag.Sequential(ag.exp)), setting, "fp64")
