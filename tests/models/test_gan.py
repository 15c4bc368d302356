"""The networks of the GAN against their equations, torch's convolution and torch's own count of operations."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from chainrule.models.convolution import Convolution, differentiated_twice
from chainrule.models.gan import Discriminator, Generator
from chainrule.models.gan_article import ArticleDiscriminator, ArticleGenerator
from chainrule.models.gan_block import ResidualBlock

SHAPE = {"channels": 3, "height": 12, "width": 20}
SIZES = {"patch": 2, "widths": (10, 6), "blocks": 2, "group_size": 4}
CLASSES = {"classes": 7, "class_size": 5}


def plain(function, x, weight, bias, groups):
    """Value, slope, and all second derivatives that a penalty on the slope needs."""
    x, weight, bias = (value.clone().requires_grad_() for value in (x, weight, bias))
    y = function(x, weight, bias, groups)
    (slope,) = torch.autograd.grad(y.sin().sum(), x, create_graph=True)
    (slope.square().sum() + y.square().sum()).backward()
    return y, slope, x.grad, weight.grad, bias.grad


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("twice", [True, False])
def test_the_convolution_is_torchs_with_its_second_derivatives(size, groups, twice):
    torch.manual_seed(1)
    x, weight = torch.randn(5, 6, 7, 11).double(), torch.randn(9, 6 // groups, size, size).double()
    bias = torch.randn(9).double()
    ours = Convolution(6, 9, size, padding=size // 2, groups=groups).double()

    def convolved(x, weight, bias, groups):
        with differentiated_twice(wanted=twice):
            y = torch.func.functional_call(ours, {"weight": weight, "bias": bias}, x)
        assert y.grad_fn.name() == ("_ConvolveBackward" if twice else "ConvolutionBackward0")
        return y

    def by_torch(x, weight, bias, groups):
        return nn.functional.conv2d(x, weight, bias, padding=size // 2, groups=groups)

    for one, other in zip(
        plain(convolved, x, weight, bias, groups), plain(by_torch, x, weight, bias, groups), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_gradients_of_weights_are_spared_where_the_pictures_are_recorded():
    layer, x = Convolution(2, 3, 3, padding=1), torch.randn(2, 2, 5, 7, requires_grad=True)
    for twice, expected in ((True, None), (False, layer.weight.shape)):
        with differentiated_twice(wanted=twice):
            y = layer(x).sum()
        found = torch.autograd.grad(y, [x, layer.weight], create_graph=True, allow_unused=True)
        assert found[0].shape == x.shape
        assert expected == (found[1] if found[1] is None else found[1].shape)


def test_under_autocast_the_convolution_computes_in_that_type():
    torch.manual_seed(1)
    layer, x = Convolution(2, 3, 3, padding=1), torch.randn(2, 2, 5, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(
        y.float(), nn.functional.conv2d(x, layer.weight, layer.bias, padding=1), rtol=0.02, atol=0.02
    )
    y.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_a_block_equals_its_equation_and_begins_as_the_identity():
    torch.manual_seed(1)
    block, x = ResidualBlock(channels=6, group_size=4, depth=3), torch.randn(2, 6, 5, 7)
    torch.testing.assert_close(block(x), x)
    nn.init.normal_(block.narrow.weight)
    nn.init.normal_(block.look.bias)
    weights = dict(block.named_parameters())

    def rectified(values):
        return torch.where(values > 0, values, 0.2 * values)

    inner = rectified(nn.functional.conv2d(x, weights["widen.weight"], weights["widen.bias"]))
    inner = rectified(nn.functional.conv2d(inner, weights["look.weight"], weights["look.bias"], padding=1, groups=3))
    torch.testing.assert_close(block(x), x + nn.functional.conv2d(inner, weights["narrow.weight"]))


def test_the_discriminator_is_the_generator_in_a_mirror():
    made = Generator(**SHAPE, **SIZES, latent_size=3)(torch.randn(2, 3))
    assert made.shape == (2, 3, 12, 20)
    assert 0.1 < made.abs().max() < 1
    assert Discriminator(**SHAPE, **SIZES)(made).shape == (2,)


def test_the_pixels_of_a_square_begin_alike():
    torch.manual_seed(1)
    made = Generator(**SHAPE, **SIZES, latent_size=3)(torch.randn(2, 3))
    squares = made.view(2, 3, 6, 2, 10, 2)
    torch.testing.assert_close(squares, squares[:, :, :, :1, :, :1].expand_as(squares))
    assert made[:, 0].sub(made[:, 1]).abs().max() > 0.01


def test_a_class_changes_the_picture_and_the_score():
    torch.manual_seed(1)
    makes, tells = Generator(**SHAPE, **SIZES, **CLASSES, latent_size=3), Discriminator(**SHAPE, **SIZES, **CLASSES)
    latents = torch.randn(1, 3).expand(2, 3)
    made = makes(latents, torch.tensor([2, 5]))
    assert (made[0] - made[1]).abs().max() > 0.01
    scores = tells(made[:1].expand(2, -1, -1, -1), torch.tensor([2, 5]))
    features = (tells.of_class.weight[[2, 5]] @ tells.score) / 5**0.5  # (classes, width)
    maps = tells.stages[1](
        nn.functional.avg_pool2d(tells.stages[0](tells.from_pixels(nn.functional.pixel_unshuffle(made[:1], 2))), 2)
    )
    expected = features @ (maps * tells.basis).sum(dim=(2, 3))[0]
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)


NETWORKS = {
    "generator": lambda: (Generator(**SHAPE, **SIZES, latent_size=3), torch.randn(2, 3)),
    "discriminator": lambda: (Discriminator(**SHAPE, **SIZES), torch.randn(2, 3, 12, 20)),
    "article's generator": lambda: (ArticleGenerator(**SHAPE, latent_size=3), torch.randn(2, 3)),
    "article's discriminator": lambda: (ArticleDiscriminator(**SHAPE), torch.randn(2, 3, 12, 20)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_operations_are_those_torch_counts(name):
    model, inputs = NETWORKS[name]()
    with FlopCounterMode(display=False) as counter:
        model(inputs)
    # torch counts no product element by element, and there are few: the weighing of the maps at the lowest resolution.
    assert model.forward_flops(inputs) == pytest.approx(counter.get_total_flops(), rel=0.03)


def test_the_articles_networks_are_dense_layers():
    makes, tells = ArticleGenerator(**SHAPE, latent_size=100, classes=7), ArticleDiscriminator(**SHAPE, classes=7)
    shapes = [tuple(p.shape) for name, p in makes.named_parameters() if name.endswith("weight")]
    assert shapes == [(256, 107), (512, 256), (1024, 512), (720, 1024)]
    classes = torch.tensor([3, 6])
    made = makes(torch.randn(2, 100), classes)
    assert made.abs().max() < 1
    assert tells(made, classes).shape == (2,)


def test_pictures_that_cannot_be_divided_are_refused():
    with pytest.raises(ValueError, match="pictures of 14x20 cannot be divided into squares of 4x4"):
        Generator(**{**SHAPE, "height": 14}, **SIZES, latent_size=3)
