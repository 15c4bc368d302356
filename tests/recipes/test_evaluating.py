"""What `evaluate` says of a finished run, of its test split and of other files."""

import json
import shutil

import numpy as np
import pytest

from chainrule import api, recipes
from chainrule.data.catalog import open_dataset
from chainrule.errors import ColumnError, DataError, ModelFolderError, OptionError
from chainrule.models import folder as model_folders
from tests.crash.small_runs import reviews

TABLE = {"steps": 5, "hidden_sizes": (5,), "threads": 1, "log_every": 5}
CUT = "texts' characters are unknown to the tokenizer; "
USING = "Using column {!r} as text and {!r} as label; choose others with --text-column and --label-column."


def sentence_on(run, error, **options):
    with pytest.raises(error) as caught:
        api.evaluate(run, **options)
    return str(caught.value)


@pytest.fixture(scope="module")
def own_reviews(tmp_path_factory):
    """A run on texts of one's own, and their file; tests that change either take a copy."""
    folder = tmp_path_factory.mktemp("own")
    settings = {"steps": 5, "hidden_size": 5, "embedding_size": 7, "threads": 1, "max_length": 7, "log_every": 5}
    api.train("sentiment", data=reviews(folder / "reviews.csv"), output=folder / "run", **settings)
    return folder


@pytest.fixture
def copied(own_reviews, tmp_path, monkeypatch):
    """The same, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(own_reviews, folder)
    record = json.loads((folder / "run/run.json").read_text())
    record["options"]["data"] = str(folder / "reviews.csv")
    (folder / "run/run.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def own_table(tmp_path_factory):
    """A run on a table of one's own with a column of categories that look like numbers in part."""
    folder = tmp_path_factory.mktemp("table")
    draw = np.random.default_rng(1)
    rows = [(round(draw.normal(), 3), ["01", "2", "x"][i % 3], "same", ["yes", "no"][i % 2]) for i in range(90)]
    lines = ["size,colour,constant,bought", *(",".join(map(str, row)) for row in rows)]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    settings = {"label_column": "bought", **TABLE}
    api.train("mlp-classification", data=folder / "table.csv", output=folder / "run", **settings)
    return folder


OTHER_UNITS = {"maze-dqn": "mazes", "q-learning": "first state"}


@pytest.mark.parametrize("recipe", recipes.BUILT_IN)
def test_the_test_split_is_judged_as_after_training(trained, recipe):
    written = json.loads((trained(recipe) / "report.json").read_text())
    again = api.evaluate(trained(recipe))
    assert {name for name in written if name != "plots" and written[name] != again[name]} == set()
    assert again["unit"] == written["unit"] == OTHER_UNITS.get(recipe, "test examples")


def test_what_is_cut_stands_in_the_record_and_in_the_report(own_reviews):
    record = json.loads((own_reviews / "run/run.json").read_text())
    *read, train, validation = record["data"]["notes"]
    assert read == ["Read as UTF-8.", USING.format("review", "label")]
    assert f" % of the train {CUT}" in train
    assert f" % of the validation {CUT}" in validation
    assert train.endswith(" texts are longer than 7 tokens and were cut.")
    report = json.loads((own_reviews / "run/report.json").read_text())
    assert f" % of the test {CUT}" in report["notes"][0]
    assert report["data"] == record["data"]


def test_every_row_of_a_file_is_scored(own_reviews, tmp_path):
    first = (own_reviews / "reviews.csv").read_text().splitlines()[1]
    path = tmp_path / "more.csv"
    path.write_text(f'label,words\nbad,x\nbad,x\ngood,x\nbad,!!\n,y\nbad,"{first.rpartition(",")[0][1:-1]}"\n')
    report = api.evaluate(own_reviews / "run", data=path, text_column="words")
    assert (report["examples"], report["unit"]) == (4, "examples of more.csv")
    assert report["left_out"] == {"empty": 1, "no label": 1}
    assert [row["support"] for row in report["per_class"]] == [3, 1]
    assert {score["name"] for score in report["baselines"]} == {
        "majority class",
        "TF-IDF with logistic regression",
    }
    assert f" % of the scored {CUT}" in report["notes"][1]
    assert report["data"]["notes"] == ["Read as UTF-8.", USING.format("words", "label")]
    assert (report["expected"], report["plots"], report["data"]["source"]) == (None, [], str(path))


def test_examples_that_the_model_learned_from_are_counted(own_reviews, tmp_path):
    run, training = own_reviews / "run", own_reviews / "reviews.csv"
    splits = json.loads((run / "run.json").read_text())["data"]["splits"]
    note = api.evaluate(run, data=training)["notes"][0]
    assert note == (
        f"{splits['train']} of 600 scored examples stand in the training split, so the model has seen them."
    )
    path = tmp_path / "new.csv"
    path.write_text("review,label\nnever seen,good\n")
    report = api.evaluate(run, data=path)
    assert report["notes"][0] == "None of the scored examples stands in the training split."
    assert report["examples"] == 1


def test_without_the_training_data_a_file_is_scored_all_the_same(copied):
    moved = (copied / "reviews.csv").rename(copied / "moved.csv")
    splits = json.loads((copied / "run/run.json").read_text())["data"]["splits"]
    report = api.evaluate(copied / "run", data=moved)
    assert [(score["name"], score["value"]) for score in report["baselines"]] == [("majority class of the file", 0.5)]
    assert report["notes"][0].startswith("The training data are not at hand (there is nothing at ")
    assert report["notes"][0].endswith(
        "), so no baseline could learn from them: the one given knows the scored answers alone."
    )
    assert report["notes"][1] == (
        f"{splits['train']} of 600 scored examples fall into the training split by their content, "
        "so the model may have seen them."
    )
    assert "there is nothing at" in sentence_on(copied / "run", DataError)


def test_changed_training_data_are_told_before_anything_is_judged(copied, monkeypatch):
    whole = shutil.copy(copied / "reviews.csv", copied / "whole.csv")
    with (copied / "reviews.csv").open("a") as file:
        file.write("one more,neither\n")
    report = api.evaluate(copied / "run", data=whole)
    assert report["baseline"]["name"] == "majority class of the file"
    assert report["notes"][0].startswith(
        "The training data, reviews.csv, have changed since (their SHA-256 differs), so no baseline could"
    )
    assert [row["class"] for row in report["per_class"]] == ["bad", "good"]
    monkeypatch.setattr("chainrule.inference.texts.TextPredictor.tokens", None)  # nothing is asked of the model
    assert sentence_on(copied / "run", DataError) == (
        "the training data, reviews.csv, have changed since (their SHA-256 differs), so the model may have learned "
        "from what is now their test split; restore them, or name other examples with --data."
    )


def test_a_model_with_other_classes_is_not_judged_by_the_run_s_data(copied):
    model = copied / "run/model"
    config = json.loads((model / model_folders.CONFIG).read_text())
    text = json.dumps(config).replace('"bad"', '"poor"')
    (model / model_folders.CONFIG).write_text(text)
    model_folders.seal(model)
    assert sentence_on(copied / "run", DataError).startswith(
        "the training data, reviews.csv, hold other classes than the model was taught, so the model may"
    )
    (copied / "new.csv").write_text("review,label\nx,poor\ny,good\n")
    report = api.evaluate(copied / "run", data=copied / "new.csv")
    assert [(row["class"], row["support"]) for row in report["per_class"]] == [("poor", 1), ("good", 1)]


def test_a_few_rows_of_a_table_are_read_as_the_model_learned_them(own_table, tmp_path):
    path = tmp_path / "few.csv"
    first = (own_table / "table.csv").read_text().splitlines()[1].split(",")
    path.write_text(f"size,colour,answer\n{first[0]},{first[1]},yes\n0.5,2,yes\n0.1,01,yes\n")
    report = api.evaluate(own_table / "run", data=path, label_column="answer", precision="fp32")
    assert report["examples"] == 3
    assert report["data"]["notes"] == ["Read as UTF-8."]
    table = api.load(own_table / "run").table
    rows = [{"size": first[0], "colour": first[1]}, {"size": 0.5, "colour": "2"}, {"size": 0.1, "colour": "01"}]
    probabilities = api.load(own_table / "run").probabilities(table.features(rows))
    assert report["value"] == np.mean(probabilities.argmax(axis=1) == 1)
    np.testing.assert_allclose(report["figures"]["log_loss"], -np.log(probabilities[:, 1]).mean(), rtol=1e-6)
    assert "stand" in report["notes"][0]
    assert sentence_on(own_table / "run", ColumnError, data=path) == (
        f"{path} has no column 'bought' (--label-column); its columns are 'size', 'colour', 'answer'."
    )


@pytest.mark.parametrize(("recipe", "dataset"), [("image-cnn", "digits"), ("sequence-lstm", "japanese-vowels")])
def test_pictures_and_sequences_of_one_class(trained, tmp_path, recipe, dataset):
    train = open_dataset(dataset).split("train")
    chosen = np.flatnonzero(train.labels() == 3)[:5]
    if recipe == "image-cnn":
        arrays = {"x": train.pictures(chosen)}
    else:
        sequences = train.sequences(chosen)
        arrays = {"steps": np.concatenate(sequences), "lengths": list(map(len, sequences))}
    name = (train.dataset.classes or ())[3]
    path = tmp_path / "five.npz"
    np.savez(path, **arrays, y=np.array([name] * 5))
    report = api.evaluate(trained(recipe), data=path)
    assert report["notes"][0] == ("5 of 5 scored examples stand in the training split, so the model has seen them.")
    assert [row["class"] for row in report["per_class"] if row["support"]] == [name]
    assert (report["examples"], report["data"]["classes"]) == (5, list(train.dataset.classes))
    assert "columns were named" in sentence_on(trained(recipe), OptionError, data=path, label_column="y")


def test_numbers_without_the_training_data(tmp_path):
    rows = "".join(f"{i % 17},{i % 7},{i % 17 * 2}\n" for i in range(119))
    training = tmp_path / "training.csv"
    training.write_text(f"a,b,target\n{rows}")
    api.train("mlp-regression", data=training, output=tmp_path / "run", **TABLE)
    (tmp_path / "few.csv").write_text("a,b,y\n1,2,3\n4,5,7\n")
    seen = api.evaluate(tmp_path / "run", data=tmp_path / "few.csv")
    assert [score["name"] for score in seen["baselines"]] == ["mean", "ridge regression"]
    training.unlink()
    gone = api.evaluate(tmp_path / "run", data=tmp_path / "few.csv", target_column="y")
    assert [(score["name"], score["value"]) for score in gone["baselines"]] == [("mean of the file", 0)]
    assert (
        gone["notes"][1]
        == "Whether the model has seen the scored examples in training cannot be told without its data."
    )
    assert gone["value"] == seen["value"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"label_column": "x"}, "--label-column is for files of your own; name the file with --data."),
        (
            {"data": "reviews.csv", "target_column": "x"},
            "--target-column is for tables; leave it out for text.",
        ),
    ],
)
def test_columns_that_are_of_no_use(own_reviews, options, sentence):
    if "data" in options:
        options = {**options, "data": own_reviews / options["data"]}
    assert sentence_on(own_reviews / "run", OptionError, **options) == sentence


def test_a_run_that_is_not_finished(copied):
    (copied / "run/report.json").unlink()
    assert sentence_on(copied / "run", ModelFolderError) == (
        f"{copied}/run is not finished; finish it with: chainrule resume {copied}/run"
    )
