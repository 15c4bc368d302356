"""The recipe's settings, its report, its pictures, and collapse told in a sentence."""

import io
import json
import logging

import numpy as np
import pytest
from PIL import Image

from chainrule import api
from chainrule.errors import DataError, OptionError, StorageError
from chainrule.evaluation import generation
from chainrule.evaluation.collapse import collapse
from chainrule.evaluation.generation import Seen, gaussian_pictures, judge_generation
from chainrule.evaluation.sheets import as_gif, as_png, sheet
from chainrule.recipes.gan import Gan
from chainrule.training.album import Album
from chainrule.training.loop import Position

OF_RESIDUAL = {"widths", "blocks", "group_size", "patch", "latent_size"}


def test_the_report_has_the_keys_that_were_promised(trained):
    report = json.loads((trained("gan") / "report.json").read_text())
    assert report["metric"] == "frechet_distance"
    assert report["higher_is_better"] is False
    assert type(report["classes_covered"]) is int
    assert 0 <= report["classes_covered"] <= 10
    assert 0 <= report["precision"] <= 1
    assert 0 <= report["recall"] <= 1
    assert report["baseline"]["name"] == "normal distribution of each class's pixels"
    assert report["examples"] == report["data"]["splits"]["test"]
    assert 0 < report["figures"]["frechet_distance_of_real"] < report["value"]
    assert sum(row["made"] for row in report["class_shares"]) == pytest.approx(1)
    assert {"samples.png", "neighbours.png", "interpolation.png"} <= set(report["plots"])
    assert any("it is no Inception FID" in note for note in report["notes"])


def test_every_evaluation_leaves_a_picture_and_the_run_an_animation(trained):
    run = trained("gan")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["split"] == "validation"]
    assert sorted(path.name for path in (run / "samples").iterdir()) == sorted(f"step-{step}.png" for step in steps)
    with Image.open(run / "training.gif") as animation, Image.open(run / f"samples/step-{steps[0]}.png") as first:
        assert 1 < animation.n_frames <= len(steps)  # frames that are alike become one
        assert animation.size == first.size


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"widths": ()}, "--widths holds 0; each must be from 1 to 1,000,000,000."),
        ({"penalty": -1.0}, "--penalty is -1.0; it must be from 0 to 1,000,000,000."),
        ({"blocks": 0}, "--blocks is 0; it must be from 1 to 1,000,000,000."),
        ({"averaging": 1.0}, "--averaging is 1.0; it must be from 0 to 0.99."),
        ({"objective": "standard", "penalty": 2.0}, "--penalty is for --objective relativistic; leave it out."),
        (
            {"objective": "wasserstein", "penalty_every": 2},
            "--penalty-every is for --objective relativistic; leave it out.",
        ),
        ({"largest_weight": 0.1}, "--largest-weight is for --objective wasserstein; leave it out."),
        ({"network": "article", "group_size": 8}, "--group-size is for --network residual; leave it out."),
    ],
)
def test_a_setting_out_of_its_range_is_one_sentence(settings, sentence):
    with pytest.raises(OptionError) as caught:
        Gan(**settings)
    assert str(caught.value) == sentence


def test_a_split_too_small_for_the_figures_is_refused_before_the_training(tmp_path):
    pixels, labels = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2
    pixels[:, 0, 0] = np.arange(40)  # no two alike
    parts = {"train": slice(0, 30), "validation": slice(30, 37), "test": slice(37, 40)}
    arrays = {f"x_{name}": pixels[part] for name, part in parts.items()}
    np.savez(tmp_path / "few.npz", **arrays, **{f"y_{name}": labels[part] for name, part in parts.items()})
    with pytest.raises(DataError) as caught:
        api.train("gan", data=tmp_path / "few.npz", output=tmp_path / "run")
    assert str(caught.value) == ("the test split has 3 pictures, and a Fréchet distance needs at least 4; give more.")
    assert not (tmp_path / "run/metrics.jsonl").exists()


def test_the_model_card_names_the_task(trained):
    card = (trained("gan") / "model/README.md").read_text(encoding="utf-8")
    assert 'pipeline_tag: "unconditional-image-generation"\n' in card
    assert "chainrule predict run/model 7 --output pictures" in card


def seen(pictures, classes):
    return Seen(pictures=pictures, features=pictures.reshape(len(pictures), -1).astype(np.float32), classes=classes)


def test_the_judgement_sees_all_classes_of_data_in_their_order(monkeypatch):
    monkeypatch.setattr(generation, "MOST_COMPARED", 10)
    random = np.random.default_rng(5)

    def lot(low, count):
        return random.integers(low, low + 20, size=(count, 1, 2, 3)).astype(np.uint8)

    real = np.concatenate([lot(10, 30), lot(200, 30)])  # one class after the other
    made = lot(200, 60)  # the second class alone
    train = np.concatenate([lot(10, 30), made[:7], lot(200, 30)])
    classes = np.repeat([0, 1], 30)
    judgement = judge_generation(
        real=seen(real, classes),
        made=seen(made, np.ones(60, np.int64)),
        shown=made[:9],
        baseline=seen(real, classes),
        floor=seen(real, classes),
        train=train,
        wanted=np.array([0.5, 0.5]),
        classes=("dark", "light"),
        between=made[:8],
        accuracy=1.0,
        asked=classes,
    )
    assert judgement.figures["precision"] > 0.5
    assert 0 < judgement.figures["recall"] <= 0.5  # the first pictures alone would give 0
    assert judgement.figures["class_agreement"] == 0.5
    assert judgement.extra["classes_covered"] == 1
    assert any(note.startswith("7 of the 9 pictures shown lie less than half as far") for note in judgement.notes)


def test_pictures_that_cannot_be_divided_are_one_sentence(tmp_path):
    with pytest.raises(OptionError) as caught:
        api.train("gan", dataset="digits", widths=(8, 8, 8, 8), output=tmp_path / "run")
    assert str(caught.value) == (
        "--patch and --widths divide pictures into squares of 16x16 pixels, and those of 8x8 cannot be divided so; "
        "give a smaller patch or fewer widths."
    )


@pytest.mark.parametrize("settings", [{"network": "article", "objective": "standard"}, {"objective": "wasserstein"}])
def test_the_other_objectives_and_the_articles_network_run(small_settings, tmp_path, settings):
    small = {**small_settings["gan"], "steps": 3, **settings}
    if "network" in settings:  # it has one size
        small = {name: value for name, value in small.items() if name not in OF_RESIDUAL}
    report = api.train("gan", output=tmp_path / "run", **small)
    assert np.isfinite(report["value"])
    line = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[0])
    assert line["penalty_real"] == 0


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({"generator_gradient_norm": 1e-6}, "the generator's gradient has vanished (its norm is 1.0e-06), so it "),
        ({"classes_covered": 4.0, "recall": 0.5}, "the generator has collapsed: of 10 classes it makes 4; try "),
        ({"classes_covered": 9.0, "recall": 0.002}, "the generator makes next to nothing of the variety there is ("),
    ],
)
def test_collapse_is_told_with_what_to_try(figures, sentence):
    told = collapse(figures, 10)
    assert told.startswith(sentence)
    assert "--objective relativistic" in told


def test_where_all_is_well_nothing_is_told():
    assert collapse({"generator_gradient_norm": 0.1, "classes_covered": 5.0, "recall": 0.4}, 10) is None
    assert collapse({"loss": 1.0}, 10) is None


def test_the_album_tells_once_until_it_is_well_again(tmp_path, caplog):
    album = Album(
        tmp_path,
        draw=lambda: as_png(np.zeros((3, 3, 1), np.uint8)),
        animate=as_gif,
        warn=lambda line: "all is lost." if line["bad"] else None,
        quiet_until=2,
    )
    with caplog.at_level(logging.INFO, "chainrule"):
        for step, bad in enumerate((True, True, True, False, True)):
            album.figures(Position(step=step), {"split": "validation", "bad": bad})
    assert caplog.messages == ["step 2: all is lost.", "step 4: all is lost."]
    album.close()
    with Image.open(tmp_path / "training.gif") as animation:
        assert animation.size == (510, 510)


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("damaged"), StorageError("no space")])
def test_what_happens_to_the_animation_does_not_end_the_run(tmp_path, error):
    def animate(frames):
        assert len(frames) == 2
        raise error

    album = Album(tmp_path, draw=lambda: b"picture", animate=animate, warn=lambda _: None)
    for step in (5, 11):
        album.figures(Position(step=step), {"split": "validation"})
    (tmp_path / "samples/step-5 copy.png").write_bytes(b"stray")
    album.close()
    assert not (tmp_path / "training.gif").exists()


def test_a_sheet_by_hand():
    pictures = np.array([[[[1, 2]]], [[[3, 4]]], [[[5, 6]]]], np.uint8)  # three of 1 x 2 pixels
    assert sheet(pictures, columns=2)[:, :, 0].tolist() == [
        [1, 2, 255, 3, 4],
        [255, 255, 255, 255, 255],
        [5, 6, 255, 255, 255],
    ]
    large = np.asarray(Image.open(io.BytesIO(as_png(sheet(pictures, columns=2)))))
    assert large.shape == (3 * 102, 5 * 102)
    assert large[101, 203] == 2


def test_the_baseline_has_the_pixels_mean_and_covariance():
    random = np.random.default_rng(1)
    train = (128 + 20 * random.normal(size=(900, 1, 2, 3)) @ random.normal(size=(3, 3))).clip(0, 255).astype(np.uint8)
    labels = (np.arange(900) % 3 == 0).astype(np.int64)
    train[labels == 1] //= 2
    made = gaussian_pictures(train, labels, 6000)
    assert made.shape == (6000, 1, 2, 3)
    dark = made.mean(axis=(1, 2, 3)) < 96
    assert dark.mean() == pytest.approx(1 / 3, abs=0.03)
    for chosen, label in ((dark, 1), (~dark, 0)):
        ours, theirs = (part.reshape(len(part), -1).astype(float) for part in (made[chosen], train[labels == label]))
        np.testing.assert_allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=3)
        np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.2 * np.cov(theirs.T).max())
