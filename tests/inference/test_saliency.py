"""Grad-CAM by hand, and what is drawn of a picture."""

import numpy as np
import pytest
import torch
from torch import nn

from chainrule.errors import ModelFolderError
from chainrule.inference.saliency import explain, grad_cam
from chainrule.models.cnn import ConvolutionalNetwork, article_network, small_network
from chainrule.models.fast_cnn import fast_network

CLASSES = ("ant", "bee", "cat")


class Sums(nn.Module):
    """Scores that are weighted sums over all places, so that the gradient is known."""

    def forward(self, maps):
        weights = torch.tensor([[0.0, 0.0, 0.0], [2.0, -1.0, 0.5]])
        return maps.sum(dim=(2, 3)) @ weights.T


def test_grad_cam_equals_its_equation():
    torch.manual_seed(1)
    maps = torch.randn(1, 3, 5, 7)
    expected = (2 * maps[0, 0] - maps[0, 1] + 0.5 * maps[0, 2]).clamp(min=0)  # α is the gradient, alike everywhere
    torch.testing.assert_close(grad_cam(nn.Identity(), Sums(), maps, 1), expected)
    doubled = grad_cam(nn.Conv2d(3, 3, 1, bias=False), Sums(), torch.zeros(1, 3, 5, 7), 0)
    assert torch.equal(doubled, torch.zeros(5, 7))


NETWORKS = {
    "small": (
        lambda: small_network(channels=1, classes=3, widths=(5, 7)),
        (1, 23, 19),
        (5, 1, 3, 3),
        (5, 23, 19),
        (11, 9),
    ),
    "fast": (
        lambda: fast_network(channels=3, classes=3, widths=(5, 7)),
        (3, 23, 19),
        (24, 3, 2, 2),
        (24, 22, 18),
        (11, 9),
    ),
    "article": (
        lambda: article_network(channels=3, classes=3, height=37, width=41),
        (3, 37, 41),
        (32, 3, 3, 3),
        (32, 35, 39),
        (5, 6),
    ),
    "tiny": (lambda: fast_network(channels=1, classes=3, widths=(5, 7)), (1, 8, 8), (8, 1, 2, 2), (8, 7, 7), (7, 7)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_told_of_a_picture(name):
    build, shape, filters, activations, places = NETWORKS[name]
    torch.manual_seed(1)
    model = build().eval().requires_grad_(False)
    picture, pixels = torch.randn(1, *shape), np.zeros(shape, np.uint8)
    found = explain(model, picture, pixels, CLASSES, np.array([0.2, 0.5, 0.3]))
    assert found.probabilities.tolist() == [0.2, 0.5, 0.3]
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    np.testing.assert_array_equal(found.filters, first.weight.numpy())
    assert found.filters.shape == filters
    assert found.activations.shape == activations
    answer = model.features[0](picture) if name == "small" else model.features[1](first(picture))
    np.testing.assert_allclose(found.activations, answer[0].numpy(), rtol=1e-5, atol=1e-6)
    assert found.places == places
    assert found.saliency.shape == shape[1:]
    assert found.saliency.min() >= 0
    assert found.saliency.max() == pytest.approx(1, abs=1e-5) or not found.saliency.any()


def test_what_a_class_depends_on_lights_up():
    """A network that sees brightness alone: what speaks for its class is where it is bright."""
    features = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False), nn.ReLU())
    features[0].weight.data[:] = torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1, 1)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    picture = torch.zeros(1, 1, 11, 13)
    picture[..., 2:5, 7:9] = 1.0
    model, pixels = ConvolutionalNetwork(features=features, head=head).eval(), np.zeros((1, 11, 13), np.uint8)
    found = explain(model, picture, pixels, CLASSES, np.array([0.1, 0.8, 0.1]))
    np.testing.assert_allclose(found.saliency, picture[0, 0].numpy(), atol=1e-6)


def test_other_networks_have_no_maps():
    with pytest.raises(ModelFolderError, match="no maps to explain a picture by; the networks of image-cnn have"):
        explain(nn.Linear(3, 3), torch.zeros(1, 3), np.zeros((1, 1, 3), np.uint8), CLASSES, np.ones(3) / 3)
