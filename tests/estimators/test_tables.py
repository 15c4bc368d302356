"""The estimators for tables."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from scipy.special import erf, softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, make_blobs
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import ColumnError, NotFiniteError, OptionError
from chainrule.learners.supervised import SupervisedLearner

QUICK = {"hidden_sizes": (7,), "epochs": 1, "least_steps": 3, "random_state": 0}
ROWS = np.random.default_rng(0).normal(5, 3, (41, 3))
CLASSES = np.where(ROWS[:, 0] > 5, "right", "left")
VALUES = 100 + 10 * ROWS[:, 1]


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_scikit_learns_check_that_needs_an_environment_of_its_own():
    code = (
        "from chainrule import MLPClassifier, MLPRegressor\n"
        "from sklearn.utils.estimator_checks import check_array_api_input as check\n"
        "for estimator in (MLPClassifier(least_steps=9), MLPRegressor(least_steps=9)):\n"
        "    check('estimator', estimator, array_namespace='numpy', expect_only_array_outputs=False)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={**os.environ, "SCIPY_ARRAY_API": "1"})


@pytest.mark.slow
def test_breast_cancer_is_told_by_its_cells():
    features, labels = load_breast_cancer(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(MLPClassifier(random_state=0), features, labels, cv=folds).mean() >= 0.95


@pytest.mark.slow
def test_diabetes_is_foretold_about_as_well_as_by_a_linear_model():
    features, values = load_diabetes(return_X_y=True)
    folds = KFold(5, shuffle=True, random_state=0)
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 4, 30)))
    linear = cross_val_score(ridge, features, values, cv=folds).mean()
    assert cross_val_score(MLPRegressor(random_state=0), features, values, cv=folds).mean() >= linear - 0.05


def by_hand(model, rows):
    """The network's outputs, from its weights, in NumPy; one hidden layer."""
    scaled = ((rows - ROWS.mean(axis=0)) / ROWS.std(axis=0)).astype(np.float32).astype(np.float64)
    weights = [parameter.detach().numpy() for parameter in model.parameters()]
    hidden = scaled @ weights[0].T + weights[1]
    hidden *= 0.5 * (1 + erf(hidden / np.sqrt(2)))
    return hidden @ weights[2].T + weights[3]


def test_probabilities_are_those_of_the_network_on_standardised_columns():
    fitted = MLPClassifier(**QUICK).fit(ROWS, CLASSES)
    outputs = by_hand(fitted.model_, ROWS[:11])
    np.testing.assert_allclose(fitted.predict_proba(ROWS[:11]), softmax(outputs, axis=1), rtol=1e-6)
    assert fitted.classes_.tolist() == ["left", "right"]
    assert fitted.predict(ROWS[:11]).tolist() == [fitted.classes_[row.argmax()] for row in outputs]
    assert fitted.n_features_in_ == 3


def test_values_are_in_the_unit_of_the_target():
    fitted = MLPRegressor(**QUICK).fit(ROWS, VALUES)
    expected = by_hand(fitted.model_, ROWS[:11])[:, 0] * VALUES.std() + VALUES.mean()
    np.testing.assert_allclose(fitted.predict(ROWS[:11]), expected, rtol=1e-6)


def test_a_rows_answer_is_the_same_whichever_rows_stand_beside_it():
    rows = np.random.default_rng(1).normal(5, 3, (601, 3))
    fitted = MLPClassifier(**{**QUICK, "hidden_sizes": (64, 64)}).fit(ROWS, CLASSES)
    alone = np.concatenate([fitted.predict_proba(row[None]) for row in rows])
    np.testing.assert_allclose(fitted.predict_proba(rows), alone, rtol=1e-7, atol=0)


def test_a_missing_value_counts_as_the_mean():
    fitted = MLPRegressor(**QUICK).fit(ROWS, VALUES)
    missing = [[np.nan, 4.0, 2.0]]
    assert fitted.predict(missing) == fitted.predict([[ROWS[:, 0].mean(), 4.0, 2.0]])


def test_a_further_input_says_where_values_are_missing():
    rows = np.tile([[1.0], [2.0], [3.0], [np.nan]], (20, 1))
    values = np.tile([2.0, 2.0, 2.0, 9.0], 20)
    fitted = MLPRegressor(random_state=0).fit(rows, values)
    np.testing.assert_allclose(fitted.predict([[2.0], [np.nan]]), [2, 9], atol=0.7)


def test_equal_random_state_gives_equal_weights_whatever_was_drawn_before():
    first = MLPClassifier(**QUICK).fit(ROWS, CLASSES).predict_proba(ROWS)
    torch.rand(5)
    np.testing.assert_array_equal(MLPClassifier(**QUICK).fit(ROWS, CLASSES).predict_proba(ROWS), first)
    other = MLPClassifier(**{**QUICK, "random_state": 1}).fit(ROWS, CLASSES).predict_proba(ROWS)
    assert np.abs(other - first).max() > 1e-3


def test_a_random_state_is_drawn_from_and_none_means_numpys_own():
    state = np.random.RandomState(0)
    answers = [MLPClassifier(**{**QUICK, "random_state": state}).fit(ROWS, CLASSES).predict_proba(ROWS) for _ in "ab"]
    assert np.abs(answers[0] - answers[1]).max() > 1e-3
    np.random.seed(0)  # noqa: NPY002
    from_global = MLPClassifier(**{**QUICK, "random_state": None}).fit(ROWS, CLASSES).predict_proba(ROWS)
    np.testing.assert_array_equal(from_global, answers[0])


def test_fitting_leaves_the_programs_generators_and_torchs_settings_alone():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    threads = torch.get_num_threads()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    MLPRegressor(**QUICK, threads=1).fit(ROWS, VALUES).predict(ROWS)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (threads, False)


@pytest.mark.parametrize(("least_steps", "steps"), [(1, 15), (23, 23)])
def test_every_row_is_seen_as_often_as_asked_for(monkeypatch, least_steps, steps):
    seen = []
    step = SupervisedLearner.step
    monkeypatch.setattr(SupervisedLearner, "step", lambda self, index: seen.append(index) or step(self, index))
    MLPRegressor(batch_size=16, epochs=5, least_steps=least_steps).fit(ROWS, VALUES)  # 41 rows make 3 batches
    assert seen == list(range(steps))


def test_balanced_classes_let_a_rare_one_be_found():
    features, labels = make_blobs([300, 12], centers=[[0, 0], [2, 0]], random_state=0)
    found = {
        weights: (MLPClassifier(class_weights=weights, random_state=0).fit(features, labels).predict(features) == 1)[
            labels == 1
        ].mean()
        for weights in ("equal", "balanced")
    }
    assert found["equal"] < 0.8 < found["balanced"]


def test_a_search_in_a_pipeline_finds_the_better_setting(tmp_path):
    features, labels = make_blobs(90, centers=3, random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), MLPClassifier(random_state=0, least_steps=60))
    search = GridSearchCV(pipeline, {"mlpclassifier__learning_rate": [1e-9, 1e-2]}, cv=3).fit(features, labels)
    assert search.best_params_ == {"mlpclassifier__learning_rate": 1e-2}
    assert search.best_score_ >= 0.9
    joblib.dump(search, tmp_path / "search.joblib")
    again = joblib.load(tmp_path / "search.joblib")
    np.testing.assert_array_equal(again.predict_proba(features), search.predict_proba(features))


def test_other_processes_and_threads_give_the_same_scores():
    features, labels = make_blobs(90, centers=3, cluster_std=4, random_state=0)
    estimator = MLPClassifier(random_state=0, least_steps=20)
    scores = [cross_val_score(estimator, features, labels, cv=3, n_jobs=jobs) for jobs in (1, 2)]
    with joblib.parallel_backend("threading"):
        scores.append(cross_val_score(estimator, features, labels, cv=3, n_jobs=2))
    assert scores[0].tolist() == scores[1].tolist() == scores[2].tolist()


def test_numpys_numbers_and_lists_will_do_as_parameters():
    given = MLPRegressor(hidden_sizes=[np.int64(7)], least_steps=np.int64(3), epochs=1, random_state=np.int64(0))
    plain = MLPRegressor(**QUICK)
    np.testing.assert_array_equal(given.fit(ROWS, VALUES).predict(ROWS), plain.fit(ROWS, VALUES).predict(ROWS))
    assert clone(given).get_params() == given.get_params()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dropout": 1.5}, "--dropout is 1.5; it must be from 0 to 0.99."),
        ({"hidden_sizes": (5, 0)}, "--hidden-sizes holds 0; each must be from 1 to 1,000,000,000."),
        ({"decay": "none"}, "--decay is 'none'; it must be one of 'constant', 'linear', 'cosine'."),
        ({"batch_size": 2.5}, "--batch-size is 2.5; it must be a whole number."),
        ({"precision": "fp8"}, "--precision is 'fp8'; it must be one of 'auto', 'fp32', 'bf16'."),
        ({"threads": 0}, "--threads is 0; it must be from 1 to 512."),
    ],
)
def test_a_parameter_out_of_its_range_is_refused_when_fitting(parameters, message):
    estimator = MLPRegressor(**parameters)
    with pytest.raises(OptionError) as caught:
        estimator.fit(ROWS, VALUES)
    assert str(caught.value) == message


def test_a_table_that_says_nothing_is_refused():
    with pytest.raises(ColumnError) as caught:
        MLPRegressor().fit(np.ones((5, 2)), VALUES[:5])
    assert str(caught.value) == "every column is the same in all training rows; nothing can be learned from them."


def test_a_column_that_says_nothing_is_named(caplog):
    with caplog.at_level("INFO", "chainrule"):
        MLPRegressor(**QUICK).fit(np.column_stack([ROWS, np.ones(len(ROWS))]), VALUES)
    assert caplog.messages == ["Column 'x3' is the same in all training rows and is dropped."]


def test_training_that_runs_away_is_named():
    runaway = MLPRegressor(**{**QUICK, "least_steps": 9}, learning_rate=1e9, clip_norm=None)
    with pytest.raises(NotFiniteError, match=r"^step \d of 9 was not finite: loss .*; try a lower learning_rate\.$"):
        runaway.fit(ROWS, VALUES)
