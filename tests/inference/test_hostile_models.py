"""Model folders that were changed by accident or on purpose, and texts nobody thought of."""

import json
import math
import pickle
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from chainrule import api
from chainrule.cli import main
from chainrule.errors import DataError, ModelFolderError, NotFiniteError
from chainrule.models.folder import seal

ROW = {"age": 48, "sex": 1, "bmi": 26, "bp": 94, "s1": 189, "s2": 115, "s3": 49, "s4": 4, "s5": 4.6, "s6": 91}


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of a recipe's model folder, to be changed."""

    def copy(recipe):
        shutil.copytree(trained(recipe) / "model", tmp_path / "model")
        return tmp_path / "model"

    return copy


def change(folder, name, changed):
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    changed(content)
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    seal(folder)


def refused(folder, asked, capsys):
    """What `load` and `predict` say, which is what the command line says in one line, with status 1."""
    with pytest.raises(ModelFolderError) as caught:
        api.load(folder).predict([asked])
    assert main(["predict", str(folder), asked if isinstance(asked, str) else json.dumps(asked)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"chainrule: {caught.value}\n"
    return re.sub(re.escape(str(folder)), "M", str(caught.value))


class Hostile:
    def __reduce__(self):
        return (print, ("the pickle ran",))


def test_a_pickle_in_place_of_the_weights_does_not_run(copied, capsys):
    folder = copied("sentiment")
    (folder / "model.safetensors").write_bytes(pickle.dumps(Hostile()))
    assert refused(folder, "好", capsys) == (
        "M/model.safetensors is not what was written (its SHA-256 differs); copy the folder again."
    )
    seal(folder)
    assert refused(folder, "好", capsys) == (
        "M/model.safetensors is not a safetensors file (it begins as a pickle does); "
        "only safetensors are read, never pickles."
    )


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_changed_byte_is_noticed(copied, capsys, name):
    folder = copied("sentiment")
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    assert refused(folder, "好", capsys) == (
        f"M/{name} is not what was written (its SHA-256 differs); copy the folder again."
    )


@pytest.mark.parametrize(
    ("place", "changed", "sentence"),
    [
        (
            ("sentiment", "config.json"),
            lambda c: c.update(task="mind-reading"),
            "M/config.json names the task 'mind-reading'; this version knows image-classification, ",
        ),
        (
            ("sentiment", "config.json"),
            lambda c: c.update(task=["text-classification"]),
            "M/config.json is not a model's configuration (TypeError(",
        ),
        (
            ("sentiment", "config.json"),
            lambda c: c.update(model_type="antigravity:fly"),
            "M/config.json names an architecture this version lacks: there is no model family named 'antigravity:fly'",
        ),
        (
            ("sentiment", "config.json"),
            lambda c: c.update(id2label=None),
            "M names no classes, and a classifier needs them.",
        ),
        (
            ("sentiment", "config.json"),
            lambda c: c["id2label"].update({"2": "third"}),
            "the model tells 2 classes apart, and its folder names 3; copy the whole model folder again.",
        ),
        (
            ("sentiment", "config.json"),
            lambda c: c["id2label"].update({"1": 3}),
            "M/config.json is not a model's configuration (TypeError('3 is no name')).",
        ),
        (
            ("sentiment", "config.json"),
            lambda c: c["arguments"].update(hidden_size=10**9),
            "M/model.safetensors does not fit config.json (",
        ),
        (
            ("sentiment", "tokenizer_config.json"),
            lambda c: c.update(model_max_length=0),
            "M/tokenizer_config.json does not say model_max_length (",
        ),
        (
            ("sentiment", "tokenizer_config.json"),
            lambda c: c.update(model_max_length=1e3),
            "M/tokenizer_config.json does not say model_max_length (",
        ),
        (
            ("sentiment", "tokenizer.json"),
            lambda c: c["model"]["vocab"].__setitem__(slice(2, 2), [[f"x{n}", -99.0] for n in range(10**5)]),
            "the model's preprocessing does not fit its weights (",
        ),
        (
            ("mlp-regression", "preprocessor_config.json"),
            lambda c: c["columns"].pop(),
            "the model's preprocessing does not fit its weights (",
        ),
        (
            ("mlp-regression", "target_config.json"),
            lambda c: c.update(deviation=0),
            "the model's scale of its target cannot be read (",
        ),
        (
            ("backprop-regression", "preprocessor_config.json"),
            lambda c: c["columns"].pop(),
            "the model's preprocessing does not fit its weights (linear was given ",
        ),
        (
            ("backprop-regression", "config.json"),
            lambda c: c["arguments"].update(hidden_sizes=[10**9, 10**9]),
            "M/model.safetensors does not fit config.json (",
        ),
        (
            ("backprop-regression", "config.json"),
            lambda c: c["arguments"].update(hidden_sizes=[10**12, 10**12]),
            "M/model.safetensors does not fit config.json (",
        ),
        (
            ("backprop-regression", "config.json"),
            lambda c: c["arguments"].update(hidden_sizes=[-3]),
            "M/model.safetensors does not fit config.json (",
        ),
        (
            ("backprop-regression", "config.json"),
            lambda c: c["arguments"].update(generator=7),
            "M/model.safetensors does not fit config.json (",
        ),
        (
            ("backprop-regression", "config.json"),
            lambda c: c["arguments"].update(activation="antigravity"),
            "M/config.json names an architecture this version lacks: there is no activation named 'antigravity'",
        ),
        (
            ("backprop-regression", "config.json"),
            lambda c: c.update(task="text-classification"),
            "M/config.json names the task 'text-classification', and 'perceptron' is a network for tables; ",
        ),
    ],
)
def test_a_folder_whose_parts_do_not_fit_is_one_sentence(copied, capsys, place, changed, sentence):
    recipe, name = place
    folder = copied(recipe)
    change(folder, name, changed)
    assert refused(folder, "很好" if recipe == "sentiment" else ROW, capsys).startswith(sentence)


def test_a_file_that_is_missing_is_named(copied, capsys):
    folder = copied("sentiment")
    (folder / "tokenizer.json").unlink()
    assert refused(folder, "好", capsys) == (
        "M lacks the file 'tokenizer.json' that SHA256SUMS lists; copy the whole folder again."
    )
    seal(folder)
    assert refused(folder, "好", capsys).startswith("M/tokenizer.json cannot be read as a tokenizer: ")


def test_what_is_no_model_folder_is_told(tmp_path, capsys):
    assert refused(tmp_path / "none", "x", capsys) == (
        "M is not a folder; give the `model` folder of a run, or the run itself."
    )
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty", "x", capsys) == (
        "M has no readable SHA256SUMS, so it is no model folder; give the `model` folder of a finished run."
    )


@pytest.fixture(scope="module")
def sentiment(trained):
    return api.load(trained("sentiment"))


TEXTS = [
    "",
    " \t\r\n　",
    "很好" * 50_000,
    "x" * 100_000,
    "👩‍👩‍👧‍👦🏳️‍🌈😀",
    "\x00\x01\x1b[31m\x7f\u200b\u202e\ufeff",
    "[PAD][UNK]<s></s>",
    "\U0010ffff￾\u0378",
    "e\u0301" * 300,
    "ﷺ" * 300,
    "1e999",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_text_has_an_answer(sentiment, text):
    (answer,) = sentiment.predict([text])
    assert answer["label"] in {"good", "bad"}
    assert 0.5 <= answer["probability"] <= 1
    (among_others, _) = sentiment.predict([text, "很好"])
    assert among_others["label"] == answer["label"]
    assert among_others["probability"] == pytest.approx(answer["probability"], abs=1e-5)


def test_a_text_without_a_known_token_is_answered_as_an_unknown_one(sentiment):
    unknown = sentiment.predict(["ж"])
    assert sentiment.predict([""]) == unknown


def test_a_long_text_is_read_to_its_last_token_that_fits(sentiment):
    text = "很好" * 1000
    (whole,), (more,) = sentiment.predict([text]), sentiment.predict([text + "很差" * 1000])
    assert whole == more


def test_what_is_not_unicode_is_told(sentiment):
    with pytest.raises(DataError) as caught:
        sentiment.predict(["好", "a\udcff"])
    assert str(caught.value) == "input 2 is not Unicode (character 2); give it in UTF-8."


@pytest.mark.parametrize("given", ["", "{", "[1]", "3", '"a"', "null", "NaN", "[" * 100_000])
def test_what_is_no_row_is_told(trained, given):
    with pytest.raises(DataError) as caught:
        api.load(trained("mlp-regression")).predict([ROW, given])
    assert str(caught.value).startswith("input 2 is not a row; give a JSON object such as")


@pytest.mark.parametrize(
    ("cell", "told"),
    [("heavy", "'heavy'"), ([1], "'[1]'"), (float("inf"), "'inf'"), ({}, "'{}'"), (10**400, "'1000")],
)
def test_a_cell_that_is_no_number_is_told(trained, cell, told):
    with pytest.raises(DataError) as caught:
        api.load(trained("mlp-regression")).predict([ROW, ROW | {"bmi": cell}])
    assert str(caught.value).startswith(f"row 2, column 'bmi': {told}")
    assert str(caught.value).endswith("was found; a finite number was needed.")


def test_cells_may_be_missing_and_columns_too_many(trained):
    model = api.load(trained("mlp-regression"))
    for missing in (None, "", float("nan"), "NaN", "n/a"):
        (answer,) = model.predict([ROW | {"bmi": missing, "colour": "red"}])
        assert np.isfinite(answer["value"])
    without = {name: value for name, value in ROW.items() if name != "bmi"}
    with pytest.raises(DataError, match="row 2 has no column 'bmi'; the model needs 'age', 'sex', 'bmi'"):
        model.predict([ROW, without])


@pytest.mark.parametrize(("recipe", "bias"), [("mlp-regression", "hidden.0.bias"), ("backprop-regression", "0.bias")])
def test_an_answer_that_is_no_number_is_told(copied, recipe, bias):
    folder = copied(recipe)
    weights = load_file(folder / "model.safetensors")
    weights[bias][3] = math.inf
    save_file(weights, folder / "model.safetensors")
    seal(folder)
    with pytest.raises(NotFiniteError) as caught:
        api.load(folder).predict([ROW])
    assert str(caught.value) == (
        "the model's answer to input 1 is not finite: the input is too far from what was learned from, "
        "or the weights are damaged and the model must be trained again."
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (torch.bfloat16, "M/model.safetensors is damaged ("),
        (torch.int32, "M/model.safetensors does not fit config.json (0.bias holds int32, and weights are floating-"),
    ],
)
def test_weights_of_a_type_that_numpy_does_not_multiply(copied, capsys, kind, sentence):
    folder = copied("backprop-regression")
    weights = load_file(folder / "model.safetensors")
    save_file({name: values.to(kind) for name, values in weights.items()}, folder / "model.safetensors")
    seal(folder)
    assert refused(folder, ROW, capsys).startswith(sentence)


@pytest.mark.parametrize("path", ["nothing.png", "a\0b.png", ""])
def test_a_picture_that_is_not_there_is_told(trained, path):
    with pytest.raises(DataError, match="there is nothing at|is no path|is a folder"):
        api.load(trained("image-cnn")).predict([path])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("a", "input 2 is not a sequence (Expecting value"),
        ("[" * 100_000, "input 2 is not a sequence (maximum recursion depth exceeded"),
        ([[0.5, "a"]], "input 2 is not a sequence (could not convert string to float: 'a')"),
        ([0.5], "input 2 has 1 axes; give steps of values"),
        ([], "input 2 has 1 axes; give steps of values"),
        ([[0.5]], "a sequence of shape (1, 1) was given; at least one step of 12 values was needed."),
        ([[math.nan] * 12], "step 1 of a sequence holds what is no finite number"),
    ],
)
def test_what_is_no_sequence_is_told(trained, given, sentence):
    with pytest.raises(DataError) as caught:
        api.load(trained("sequence-lstm")).predict([[[0.5] * 12], given])
    assert str(caught.value).startswith(sentence)
