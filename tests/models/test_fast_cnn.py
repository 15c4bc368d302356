"""The fast network against its equations, NumPy's eigenvectors and torch's own count of operations."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from chainrule.models import fast_cnn
from chainrule.models.cnn import article_network, small_network
from chainrule.models.fast_cnn import SMOOTHING, Stage, Whitening, fast_network, patch_moment, smallest_side

MEAN, DEVIATION = (101.0, 87.0, 120.0), (31.0, 41.0, 53.0)


def some_pictures():
    draw = np.random.default_rng(1)
    smooth = draw.normal(size=(23, 3, 13, 11)).cumsum(axis=2).cumsum(axis=3)  # neighbours are alike, as in pictures
    return np.clip(120 + 12 * smooth, 0, 255).astype(np.uint8)


def all_patches(pictures):
    """Every 2x2 patch, one by one."""
    scaled = (pictures - np.array(MEAN)[:, None, None]) / np.array(DEVIATION)[:, None, None]
    return np.stack(
        [
            [picture[c, i + u, j + v] for c in range(3) for u in range(2) for v in range(2)]
            for picture in scaled
            for i in range(12)
            for j in range(10)
        ]
    )


@pytest.mark.parametrize("at_a_time", [1 << 22, 5 * 429, 1])
def test_whitening_is_numpys(monkeypatch, at_a_time):
    monkeypatch.setattr(fast_cnn, "VALUES_AT_A_TIME", at_a_time)
    pictures = some_pictures()
    patches = all_patches(pictures)
    moment = patch_moment(pictures, MEAN, DEVIATION)
    np.testing.assert_allclose(moment, patches.T @ patches / len(patches), rtol=1e-10)
    whitening = Whitening(channels=3)
    whitening.fit(moment)
    variances, directions = np.linalg.eigh(patches.T @ patches / len(patches))
    expected = directions.T / np.sqrt(variances + SMOOTHING)[:, None]
    found = whitening.weight.numpy().reshape(24, 12)
    signs = np.sign((found[:12] * expected).sum(axis=1, keepdims=True))  # an eigenvector has none
    np.testing.assert_allclose(found[:12], signs * expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found[12:], -found[:12])
    assert not whitening.weight.requires_grad


def test_whitened_patches_are_uncorrelated_and_of_variance_1():
    pictures = some_pictures()
    whitening = Whitening(channels=3)
    whitening.fit(patch_moment(pictures, MEAN, DEVIATION))
    scaled = (pictures - np.array(MEAN)[:, None, None]) / np.array(DEVIATION)[:, None, None]
    answers = whitening(torch.tensor(scaled, dtype=torch.float32))
    assert answers.shape == (23, 24, 12, 10)
    rows = answers[:, :12].permute(0, 2, 3, 1).reshape(-1, 12).double()
    torch.testing.assert_close(rows.T @ rows / len(rows), torch.eye(12).double(), rtol=0, atol=0.05)


def test_a_stage_begins_as_the_identity_and_equals_its_equation():
    torch.manual_seed(1)
    stage = Stage(channels_in=5, channels_out=7).eval()
    maps = torch.randn(3, 5, 13, 11)
    torch.testing.assert_close(stage.convolution_1(maps)[:, :5], maps)
    inner = torch.randn(3, 7, 6, 5)
    torch.testing.assert_close(stage.convolution_2(inner), inner)
    nn.init.normal_(stage.norm_1.bias)
    halved = nn.functional.max_pool2d(nn.functional.conv2d(maps, stage.convolution_1.weight, padding=1), 2)
    scale = (1 + stage.norm_1.eps) ** -0.5  # the running variance is 1
    first = nn.functional.gelu(scale * halved + stage.norm_1.bias[:, None, None])
    second = nn.functional.conv2d(first, stage.convolution_2.weight, padding=1)
    torch.testing.assert_close(stage(maps), nn.functional.gelu(scale * second))


def test_normalisations_learn_a_shift_alone():
    names = {name for name, value in fast_network(channels=1, classes=3).named_parameters() if value.requires_grad}
    assert "features.2.norm_1.bias" in names
    assert "features.2.norm_1.weight" not in names
    assert "features.0.weight" not in names


def test_the_head_takes_the_highest_value_of_each_map():
    torch.manual_seed(1)
    model = fast_network(channels=1, classes=3, widths=(5, 7)).eval()
    assert float(model.head.linear.weight.detach().std()) == pytest.approx(1, abs=1e-5)
    maps = torch.randn(2, 7, 3, 5)
    expected = maps.flatten(2).max(dim=2).values @ model.head.linear.weight.T / 7
    torch.testing.assert_close(model.head(maps), expected)


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_smallest_pictures(stages):
    side = smallest_side(stages)
    model = fast_network(channels=1, classes=3, widths=(5,) * stages).eval()
    assert model.features(torch.randn(2, 1, side, side)).shape == (2, 5, 1, 1)
    with pytest.raises(RuntimeError):
        model(torch.randn(2, 1, side - 1, side - 1))


def test_views_are_means_of_scores():
    torch.manual_seed(1)
    model = fast_network(channels=3, classes=5, widths=(7, 11), views=6).eval()
    pictures = torch.randn(3, 3, 13, 17)
    both = lambda x: (model.scores(x) + model.scores(x.flip(3))) / 2  # noqa: E731
    padded = nn.functional.pad(pictures, (1, 1, 1, 1), mode="reflect")
    moved = (both(padded[:, :, 0:13, 0:17]) + both(padded[:, :, 2:15, 2:19])) / 2
    torch.testing.assert_close(model(pictures), (both(pictures) + moved) / 2)
    model.views = 2
    torch.testing.assert_close(model(pictures), both(pictures))
    torch.testing.assert_close(model(pictures), model(pictures.flip(3)))
    model.views = 1
    torch.testing.assert_close(model(pictures), model.scores(pictures))
    with pytest.raises(ValueError, match="3 views; there can be 1, 2, 6"):
        fast_network(channels=3, classes=5, views=3)


NETWORKS = {
    "fast": (lambda: fast_network(channels=3, classes=7, widths=(5, 11, 13)), (3, 3, 37, 29)),
    "small": (lambda: small_network(channels=1, classes=7, widths=(5, 7)), (2, 1, 19, 17)),
    "article": (lambda: article_network(channels=3, classes=5, height=32, width=31), (2, 3, 32, 31)),
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_operations_of_both_passes_are_those_torch_counts(name, frozen):
    build, shape = NETWORKS[name]
    model = build()
    if frozen:
        model.features.requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(shape)).square().sum().backward()
    assert model.training_flops(torch.randn(shape)) == counter.get_total_flops()
