"""The settings that go by the network, what is refused, and transfer."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from chainrule import api
from chainrule.errors import ModelFolderError, OptionError, ResumeError, UnknownNameError
from chainrule.models.folder import read_model, read_weights
from chainrule.recipes.contract import Setting
from chainrule.recipes.image_cnn import ImageCnn
from chainrule.recipes.image_networks import PRESETS
from chainrule.recipes.record import band_setting, command_line
from chainrule.recipes.settings import make, settings_of
from chainrule.recipes.transfer import Trunk
from chainrule.training.options import RunOptions
from tests.cli import schemas
from tests.recipes.building import COMPUTE, build, steps

QUICK = {"dataset": "digits", "widths": (4, 8), "batch_size": 64, "seed": 7, "threads": 1, "precision": "fp32"}


@pytest.mark.parametrize("network", PRESETS)
def test_settings_are_the_networks_own_where_they_are_not_given(network):
    preset = PRESETS[network]
    recipe = make(ImageCnn, {"network": network, "epochs": 3})
    assert (recipe.widths, recipe.flip, recipe.shift) == (preset.widths, preset.flip, preset.shift)
    assert recipe.classifying.label_smoothing == preset.label_smoothing
    assert recipe.fitting.learning_rate == preset.fitting.learning_rate
    assert recipe.fitting.epochs == 3
    again = make(ImageCnn, json.loads(json.dumps(settings_of(recipe))))
    assert again == recipe


def test_the_article_has_the_tutorials_settings():
    fitting = ImageCnn(network="article").fitting
    assert (fitting.batch_size, fitting.epochs, fitting.learning_rate) == (32, 10, 1e-3)
    assert (fitting.decay, fitting.warmup, fitting.weight_decay) == ("constant", 0, 0)
    assert (ImageCnn(network="article").flip, ImageCnn(network="article").shift) == ("never", 0)


def test_a_band_and_a_command_hold_what_was_given_alone():
    options = RunOptions(seed=3)
    assert band_setting(ImageCnn(), options) == {"dataset": "fashion-mnist"}
    fast = make(ImageCnn, {"network": "fast", "epochs": 3})
    assert band_setting(fast, options) == {"dataset": "fashion-mnist", "network": "fast", "epochs": 3}
    assert command_line(fast, options) == "chainrule train image-cnn --seed=3 --network=fast --epochs=3.0"
    assert band_setting(make(ImageCnn, {"network": "fast", "epochs": 8}), options)["network"] == "fast"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"flip": "never", "views": 2}, "--views 2 judges mirror images as well, and with --flip never"),
        ({"lookahead": True}, "--lookahead is for --network fast, and this is small; leave it out."),
        ({"frozen_epochs": 1.0}, "--frozen-epochs is for what --from takes over; name a run with --from, or leave it"),
        ({"trunk_rate": 0.2}, "--trunk-rate is for what --from takes over; name a run with --from, or leave it out."),
        ({"network": "fast", "dropout": 0.1}, "--network fast has no use for --dropout; leave it out."),
        ({"network": "article", "widths": (8,)}, "--network article has no use for --widths; leave it out."),
        ({"cutout": 1.5}, "--cutout is 1.5; it must be from 0 to 1."),
        ({"shift": 0.6}, "--shift is 0.6; it must be from 0 to 0.5."),
        ({"labels_per_class": 0}, "--labels-per-class is 0; it must be from 1 to 1,000,000,000."),
        ({"validation_examples": 0}, "--validation-examples is 0; it must be from 1 to 1,000,000,000."),
        ({"trunk_rate": 0.0}, "--trunk-rate is 0.0; it must be greater than 0 and at most 1,000,000,000."),
        ({"frozen_epochs": -1.0}, "--frozen-epochs is -1.0; it must be from 0 to 1,000,000,000."),
        ({"widths": ()}, "--widths is empty; it needs at least one number."),
    ],
)
def test_what_is_out_of_range_is_refused(settings, sentence):
    with pytest.raises(OptionError) as caught:
        make(ImageCnn, settings)
    assert str(caught.value).startswith(sentence)


def test_a_setting_that_python_has_taken_the_word_of_is_called_by_its_flag():
    with pytest.raises(OptionError, match="^--from is 3; it must be a path"):
        make(ImageCnn, {"from_": 3})


def test_pictures_too_small_for_three_stages_are_refused():
    sentence = (
        "--network fast with 3 --widths needs pictures of at least 9 pixels a side; these have 8x8. "
        "Use fewer --widths, or --network small."
    )
    with pytest.raises(OptionError) as caught:
        build("image-cnn", {"dataset": "digits", "network": "fast"})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"views": 2}, "--views 2 judges mirror images as well, and --flip auto shows training none of classes that"),
        ({"batch_size": 1, "widths": (4, 8, 8, 8)}, "the smallest batch, or part of one, is a single picture, whose"),
        ({"batch_size": 64, "accumulate": 64, "network": "fast"}, "the smallest batch, or part of one, is a single"),
    ],
)
def test_what_does_not_fit_the_pictures_is_refused(changes, sentence):
    with pytest.raises(OptionError) as caught:
        build("image-cnn", QUICK | changes)
    assert str(caught.value).startswith(sentence)


def test_single_pictures_will_do_where_their_maps_have_places():
    steps(build("image-cnn", QUICK | {"batch_size": 1}), 0)


def test_a_single_pixel_cannot_be_moved():
    ImageCnn(widths=(3,), flip="always", views=2).family_and_arguments((1, 1, 1), 2)
    with pytest.raises(OptionError) as caught:
        ImageCnn(widths=(3,), flip="always", views=6).family_and_arguments((1, 1, 1), 2)
    assert str(caught.value) == ("--views 6 moves pictures of at least 2 pixels a side; these have 1x1. Use --views 2.")


def test_what_is_frozen_at_first_is_not_divided(trunk):
    recipe = make(ImageCnn, {"from_": trunk, "frozen_epochs": 1.0})
    setting = Setting(dataset="digits", data=None, seed=1, steps=None, compute=COMPUTE, shard=True)
    with pytest.raises(OptionError, match="^--frozen-epochs changes during the run what is learned, which a divided"):
        recipe.build(setting)


def test_muon_does_not_divide_a_model():
    setting = Setting(dataset="digits", data=None, seed=1, steps=None, compute=COMPUTE, shard=True)
    with pytest.raises(OptionError) as caught:
        ImageCnn(network="fast").build(setting)
    assert str(caught.value) == "--network fast learns by Muon, which needs whole kernels; leave out --shard."


def test_the_first_layer_is_whitened_and_stays():
    assembly = build("image-cnn", QUICK | {"network": "fast"})
    before = assembly.learner.model.features[0].weight.clone()
    assert before.abs().sum() > 0
    steps(assembly, 0, 1)
    assert torch.equal(assembly.learner.model.features[0].weight, before)


def test_one_batch_can_be_learned_by_heart():
    learner = build("image-cnn", QUICK | {"network": "fast", "label_smoothing": 0.0}).learner
    with COMPUTE.active():
        batch, *_ = learner.batches.training(0, 8)
        learner.batches = SimpleNamespace(
            training=lambda *_: [batch], examples=lambda _: len(batch), validation=lambda *_: iter(())
        )
        learner.learning_rate = lambda step: 0.05 * (1 - step / 400)
        losses = [float(learner.step(number).figures["loss"]) for number in range(400)]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize(("flip", "mirrored"), [("auto", False), ("always", True), ("never", False)])
def test_letters_and_digits_are_not_mirrored_unless_asked(flip, mirrored):
    assembly = build("image-cnn", QUICK | {"flip": flip})
    assert assembly.learner.batches.augment.mirror is mirrored
    shape = build("image-cnn", QUICK).learner.batches.augment
    assert ImageCnn().augmentation(shape.preprocessor, ("coat", "bag"), seed=1).mirror


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    """A finished run on five digits."""
    folder = tmp_path_factory.mktemp("runs") / "trunk"
    report = api.train("image-cnn", **QUICK, network="fast", classes=("0", "1", "2", "3", "4"), steps=20, output=folder)
    assert report["data"]["classes"] == ["0", "1", "2", "3", "4"]
    assert report["views"] == 1
    return folder


def test_validation_keeps_so_many_and_the_others_are_learned_from():
    whole, few = build("image-cnn", QUICK), build("image-cnn", QUICK, validation_examples=20)
    held_out = [len(assembly.learner.batches.held_out.targets) for assembly in (whole, few)]
    train = [len(assembly.learner.batches.train.targets) for assembly in (whole, few)]
    assert held_out[1] == 20 < held_out[0]
    assert sum(train) - 2 * train[0] == held_out[0] - 20
    assert f"{held_out[0] - 20} examples of the validation split are learned from; 20 stay." in few.data["notes"]


def others(trunk, **changes):
    return {
        **QUICK,
        "network": "fast",
        "classes": ("9", "8", "7", "6", "5"),
        "labels_per_class": 3,
        "from_": trunk,
        "frozen_epochs": 2.0,
        **changes,
    }


def test_the_trunk_is_taken_over_and_frozen_at_first(trunk):
    given = read_weights(trunk / "model" / "model.safetensors")
    assembly = build("image-cnn", others(trunk))
    model = assembly.learner.model
    for stage in range(3):
        now = {name: value for name, value in model.state_dict().items() if name.startswith("features.")}
        same = [torch.equal(value, given[name]) for name, value in now.items()]
        assert all(same) == (stage < 2), stage
        head = model.head.linear.weight.clone()
        steps(assembly, stage)  # of 15 examples a step is an epoch
        steps(assembly, 2) if stage == 1 else None
        assert not torch.equal(model.head.linear.weight, head)


def test_the_report_has_the_same_training_from_nothing_beside_it(trunk, tmp_path):
    report = api.train("image-cnn", **others(trunk), steps=12, output=tmp_path / "run")
    schemas.check_report(report)
    schemas.check(report, schemas.TRANSFERRED)
    beside = next(score for score in report["baselines"] if score["name"] == "the same training from nothing")
    assert report["from_nothing"] == {"value": beside["value"], "interval": beside["interval"]}
    assert len(beside["difference"]) == 2
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["configuration"]["from_"] == str(trunk)
    assert "--from=" in record["command"]
    assert record["data"]["left_out"]["beyond the labels of a class"] > 0
    _, config = read_model(tmp_path / "run" / "from-nothing")
    assert config.classes == ("9", "8", "7", "6", "5")
    plain = {**others(trunk), "from_": None, "frozen_epochs": 0.0}
    alone = api.train("image-cnn", **plain, steps=12, output=tmp_path / "alone")
    assert alone["value"] == beside["value"]
    again = api.evaluate(tmp_path / "run")
    assert again["from_nothing"] == report["from_nothing"]
    assert again["value"] == report["value"]
    shutil.rmtree(tmp_path / "run" / "from-nothing")
    assert "from_nothing" not in api.evaluate(tmp_path / "run")


def test_a_trunk_that_does_not_fit_is_refused(trunk, tmp_path):
    for changes, sentence in (
        ({"network": "small"}, f"--from {trunk} holds a network 'fast'; give --network fast as well."),
        ({"widths": (4, 16)}, f"--from {trunk} holds a network of other widths; give --widths 4 8 as well."),
    ):
        with pytest.raises(OptionError) as caught:
            build("image-cnn", others(trunk, **changes))
        assert str(caught.value) == sentence
    with pytest.raises(OptionError) as caught:
        Trunk(trunk).check((1, 8, 8), "cnn-fast", {"channels": 1, "widths": [4, 8], "halves_first": True})
    assert str(caught.value) == (
        f"--from {trunk} holds a network as an earlier version built it; train it again with this one."
    )
    with pytest.raises(ModelFolderError, match="holds no finished model .SHA256SUMS cannot be read.; give the folder"):
        build("image-cnn", others(tmp_path))
    with pytest.raises(UnknownNameError, match="there is no class named 'x'"):
        build("image-cnn", others(trunk, classes=("x", "1")))


def test_a_run_does_not_go_on_from_another_trunk(trunk, tmp_path):
    copy, run = shutil.copytree(trunk, tmp_path / "copy"), tmp_path / "run"
    api.train("image-cnn", **others(copy), steps=12, output=run)
    assert json.loads((run / "run.json").read_text())["data"]["from"]["run"] == str(copy)
    (run / "report.json").unlink()
    sums = copy / "model" / "SHA256SUMS"
    sums.write_text("\n".join(reversed(sums.read_text().splitlines())) + "\n")  # still right, and another file
    with pytest.raises(ResumeError) as caught:
        api.resume(run)
    assert str(caught.value) == (
        f"the model that {run} began with has changed since (its SHA-256 differs); restore it, or start a new run."
    )


def test_a_run_goes_on_from_a_trunk_that_was_named_from_its_own_place(trunk, tmp_path, monkeypatch):
    monkeypatch.chdir(trunk.parent)
    report = api.train("image-cnn", **others(Path(trunk.name)), steps=12, output=tmp_path / "run")
    (tmp_path / "run" / "report.json").unlink()
    assert api.resume(tmp_path / "run")["value"] == report["value"]


def test_from_nothing_it_is_evaluated_as_often(trunk, tmp_path):
    planned = {"steps": 12, "evaluate_every": 5}
    api.train("image-cnn", **others(trunk), **planned, output=tmp_path / "run")
    plain = {**others(trunk), "from_": None, "frozen_epochs": 0.0}
    api.train("image-cnn", **plain, **planned, output=tmp_path / "alone")
    beside, alone = (tmp_path / place / "model.safetensors" for place in ("run/from-nothing", "alone/model"))
    assert beside.read_bytes() == alone.read_bytes()


def test_an_explanation_is_as_sure_as_the_answer(trunk, tmp_path):
    picture = tmp_path / "a.png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(picture)
    predictor = api.load(trunk)
    (answer,) = predictor.predict([picture])
    found = predictor.explain(picture)
    assert found.probabilities.max() == pytest.approx(answer["probability"], rel=1e-6)
    assert found.classes[found.probabilities.argmax()] == answer["label"]


def test_rates_of_trunk_and_head(trunk):
    groups = build("image-cnn", others(trunk, trunk_rate=0.25)).learner.optimizer.param_groups
    assert [group["rate"] for group in groups] == [0.25, pytest.approx(0.055), 22.0]
