"""A generator's answers: pictures of seeds and classes, whole folders, and what is refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from chainrule import api
from chainrule.cli import main
from chainrule.errors import DataError, ModelFolderError, NotFiniteError, OptionError
from chainrule.models.folder import seal


@pytest.fixture(scope="module")
def conditional(tmp_path_factory, small_settings):
    """A small run that was told the classes."""
    output = tmp_path_factory.mktemp("conditional") / "run"
    report = api.train("gan", output=output, conditional=True, **small_settings["gan"])
    assert 0 <= report["figures"]["class_agreement"] <= 1
    return output


def test_a_seed_is_a_picture(trained):
    model = api.load(trained("gan"))
    answers = model.predict([3, "11", np.int64(3)])
    assert [answer["seed"] for answer in answers] == [3, 11, 3]
    pixels = np.array([answer["pixels"] for answer in answers])
    assert pixels.shape == (3, 8, 8)
    assert pixels.min() >= 0
    assert pixels.max() <= 255
    assert (pixels[0] == pixels[2]).all()
    assert (pixels[0] != pixels[1]).any()
    assert model.predict(["11"]) == answers[1:2]
    assert model.predict([]) == []
    assert model.predict([model.example()])[0]["seed"] == 7


def test_the_samples_that_are_drawn_are_those_of_the_first_seeds(trained):
    run = trained("gan")
    best = json.loads((run / "checkpoints/step-13/checkpoint.json").read_text())["best"]
    with Image.open(run / f"samples/step-{best}.png") as image:
        sheet = np.asarray(image)
    times = sheet.shape[0] // (8 * 9 - 1)
    cell = sheet[::times, ::times][9 : 9 + 8, 18 : 18 + 8]  # second row, third column: seed 10
    answer = np.array(api.load(run).predict([10])[0]["pixels"])
    assert np.abs(cell.astype(int) - answer).max() <= 3  # the run may compute in bfloat16, `load` in float32


def test_a_class_with_and_without_a_seed(conditional):
    model = api.load(conditional)
    plain, same, other, third = model.predict(["7", "7:0", "7:5", "3"])
    assert plain == same
    assert (plain["label"], plain["seed"], other["seed"], third["label"]) == ("7", 0, 5, "3")
    assert plain["pixels"] != other["pixels"]
    assert model.predict([7]) == [plain]


@pytest.mark.parametrize("given", ["-1", "1.5", "", "x", "٣", str(2**63), 1.0, None, True, b"1", "9" * 5000])
def test_what_is_no_seed_is_told(trained, given):
    with pytest.raises(
        DataError, match=r"^input 2 (names the seed|is) .*(was needed|takes seeds, whole numbers from 0)\.$"
    ):
        api.load(trained("gan")).predict([1, given])


@pytest.mark.parametrize("given", ["boot", "7:", "7:-1", ":3", 12, "boot:3"])
def test_what_is_no_class_is_told(conditional, given):
    with pytest.raises(DataError, match=r"^input 2 (names the seed|is) .*(was needed|as in '0:7': 0, 1, 2.*)\.$"):
        api.load(conditional).predict(["1", given])


def test_a_single_seed_is_no_list(trained):
    with pytest.raises(DataError, match="a single int was given; give a list of inputs"):
        api.load(trained("gan")).predict(3)


def test_pictures_become_files(trained, conditional, tmp_path, monkeypatch, capsys):
    answers = api.predict(trained("gan"), [4, 9], output=tmp_path / "made")
    assert [answer["picture"] for answer in answers] == [
        str(tmp_path / "made/1-seed-4.png"), str(tmp_path / "made/2-seed-9.png"),
    ]  # fmt: skip
    expected = api.load(trained("gan")).predict([4])[0]["pixels"]
    with Image.open(answers[0]["picture"]) as image:
        assert np.asarray(image).tolist() == expected
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(conditional), "7:2", "--output", "pictures"]) == 0
    assert "pictures/1-7-2.png" in capsys.readouterr().out
    assert (tmp_path / "pictures/1-7-2.png").exists()
    assert main(["predict", str(conditional), "7:2", "--output", "pictures"]) == 2
    assert "--output pictures is not an empty folder; give a new one." in capsys.readouterr().err
    assert main(["predict", str(conditional), "7:2"]) == 2
    assert "name a new folder for them with --output, or ask for --json." in capsys.readouterr().err
    assert main(["predict", str(conditional), "7:2", "--json"]) == 0
    assert np.array(json.loads(capsys.readouterr().out)["predictions"][0]["pixels"]).shape == (8, 8)


def test_a_full_disk_is_one_sentence_and_leaves_no_part_of_a_picture(trained, tmp_path, full_disk, capsys):
    run = str(trained("gan"))
    with full_disk(20):
        assert main(["predict", run, "4", "--output", str(tmp_path / "made")]) == 1
    assert f"no space to write {tmp_path / 'made'}" in capsys.readouterr().err
    assert not list((tmp_path / "made").iterdir())


def test_a_folder_for_pictures_is_refused_where_there_are_none(trained, tmp_path):
    with pytest.raises(OptionError, match="--output is for models that make pictures"):
        api.predict(
            trained("mlp-classification"),
            data=None,
            inputs=[api.load(trained("mlp-classification")).example()],
            output=tmp_path,
        )


def test_seeds_may_come_from_a_file(trained, tmp_path):
    (tmp_path / "seeds.txt").write_text("4\n9\n")
    assert api.predict(trained("gan"), data=tmp_path / "seeds.txt") == api.predict(trained("gan"), [4, 9])


def change(run, folder, **changes):
    """A copy of the run's model, its configuration changed."""
    shutil.copytree(run / "model", folder)
    content = json.loads((folder / "config.json").read_text())
    for name, value in changes.items():
        (content if name in content else content["arguments"])[name] = value
    (folder / "config.json").write_text(json.dumps(content))
    seal(folder)
    return folder


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id2label": None}, "names no classes, and a conditional generator needs them."),
        ({"latent_size": 10**9}, "does not fit config.json"),
        ({"widths": [10**6, 10**6]}, "does not fit config.json"),
        ({"patch": 0}, "does not fit config.json"),
        ({"height": 9}, "does not fit config.json"),
        ({"widths": "wide"}, "does not fit config.json"),
        ({"model_type": "mlp", "arguments": {"input_size": 1, "hidden_sizes": [], "output_size": 1}}, "does not fit"),
    ],
)
def test_a_folder_whose_parts_do_not_fit_is_one_sentence(conditional, tmp_path, changes, sentence):
    folder = change(conditional, tmp_path / "model", **changes)
    with pytest.raises(ModelFolderError, match=sentence):
        api.load(folder)


def test_a_model_of_another_kind_makes_no_pictures(trained, tmp_path):
    folder = change(trained("image-cnn"), tmp_path / "model", task="image-generation")
    with pytest.raises(ModelFolderError, match="holds a 'cnn-small', which makes no pictures from latent vectors"):
        api.load(folder)


def test_fewer_classes_than_names_is_one_sentence(conditional, tmp_path):
    labels = {str(number): f"class {number}" for number in range(12)}
    folder = change(conditional, tmp_path / "model", id2label=labels)
    with pytest.raises(ModelFolderError):
        api.load(folder).predict(["class 11"])


def test_damaged_weights_are_told(trained, tmp_path):
    shutil.copytree(trained("gan") / "model", tmp_path / "model")
    weights = load_file(tmp_path / "model/model.safetensors")
    weights["basis"][0, 0, 0] = float("nan")
    save_file(weights, tmp_path / "model/model.safetensors")
    seal(tmp_path / "model")
    with pytest.raises(NotFiniteError, match="the generator makes pixels that are not finite"):
        api.load(tmp_path / "model").predict([0])
