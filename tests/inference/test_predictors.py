"""Every model answers as it was judged, each input for itself and in its place."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from chainrule import api, recipes
from chainrule.errors import DataError
from tests.inference.asking import asked, figures, held_back

FEW = 7


# Asked for what no test example holds: tests/inference/test_generation.py and test_actions.py.
OTHERS = {"gan", "maze-dqn", "q-learning"}


@pytest.fixture(params=[name for name in recipes.BUILT_IN if name not in OTHERS], scope="module")
def run(request, trained):
    return trained(request.param)


@pytest.fixture(scope="module")
def inputs(run, tmp_path_factory):
    return asked(run, tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def model(run):
    return api.load(run)


@pytest.fixture(scope="module")
def answers(model, inputs):
    return model.predict(inputs)


def test_the_answers_are_those_that_were_judged(run, answers):
    report = api.evaluate(run, precision="fp32")  # as `load` computes
    test = held_back(run)
    assert len(answers) == len(test) == report["examples"]
    if "value" in answers[0]:
        residuals = np.array(figures(answers)) - test.targets()
        r2 = 1 - np.square(residuals).sum() / np.square(test.targets() - test.targets().mean()).sum()
        assert r2 == pytest.approx(report["value"], abs=1e-6)
        return
    classes = report["confusion"]["classes"]
    counts = np.zeros((len(classes), len(classes)), int)
    for answer, label in zip(answers, test.labels(), strict=True):
        counts[label, classes.index(answer["label"])] += 1
    assert counts.tolist() == report["confusion"]["counts"]
    assert report["mistakes"]
    for mistake in report["mistakes"]:
        answer = answers[mistake["index"]]
        assert answer["label"] == mistake["predicted"]
        assert answer["probability"] == pytest.approx(mistake["probability"], abs=1e-5)


def test_answers_keep_the_order_of_the_inputs(model, inputs, answers):
    turned = model.predict(inputs[::-1])[::-1]
    np.testing.assert_allclose(figures(turned), figures(answers), rtol=1e-5)
    assert [answer.get("label") for answer in turned] == [answer.get("label") for answer in answers]


def test_an_input_alone_is_answered_as_among_others(model, inputs, answers):
    for place in np.linspace(0, len(inputs) - 1, FEW).astype(int):
        alone = model.predict([inputs[place]])
        np.testing.assert_allclose(figures(alone), [figures(answers)[place]], rtol=1e-5)


def test_no_input_no_answer(model):
    assert model.predict([]) == []
    assert model.predict(iter([])) == []


def test_inputs_may_come_from_an_iterator(model, inputs, answers):
    np.testing.assert_allclose(figures(model.predict(iter(inputs[:FEW]))), figures(answers)[:FEW], rtol=1e-5)


def test_a_single_input_is_no_list(model, inputs):
    told = "a single .* was given; give a list of inputs, also where it is one."
    if isinstance(inputs[0], list):  # its steps are taken for inputs
        told = "input 1 has 1 axes; give steps of values"
    with pytest.raises(DataError, match=told):
        model.predict(inputs[0])
    with pytest.raises(DataError, match="a single NoneType was given; give a list of inputs"):
        model.predict(None)


@pytest.mark.parametrize("wrong", [3, None, b"abc", object()])
def test_an_input_of_another_kind_is_one_sentence(model, inputs, wrong):
    with pytest.raises(DataError, match="input 2 (is|has)"):
        model.predict([inputs[0], wrong])


def test_its_own_example_is_answered(model, inputs, tmp_path):
    example = model.example()
    if "image" in model.config.task:
        example = shutil.copy(inputs[0], tmp_path / example)
    assert np.isfinite(figures(model.predict([example]))).all()


def test_a_model_folder_can_be_carried_away(run, inputs, answers, tmp_path, monkeypatch):
    shutil.copytree(run / "model", tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    carried = api.load("elsewhere").predict(inputs[:FEW])
    np.testing.assert_allclose(figures(carried), figures(answers)[:FEW], rtol=1e-5)


def test_inputs_in_a_file_are_answered_alike(run, inputs, answers, tmp_path):
    few = inputs[:FEW]
    path = tmp_path / "inputs.jsonl"
    if isinstance(few[0], Path):
        path = tmp_path
        for place, given in enumerate(few):
            shutil.copy(given, path / f"{place}.png")
    else:
        column = {str: "text", list: "sequence"}.get(type(few[0]))
        lines = [{column: given} if column else given for given in few]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    from_file = api.predict(run, data=path)
    np.testing.assert_allclose(figures(from_file), figures(answers)[:FEW], rtol=1e-5)
