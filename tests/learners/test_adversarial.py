"""The adversarial learner: its losses by hand, its penalties beside finite differences, its count of operations."""

import copy
import math
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from chainrule.learners.adversarial import AdversarialLearner
from chainrule.learners.rivalry import gradient_penalties, objective_named
from chainrule.models.convolution import Convolution, differentiated_twice
from chainrule.models.gan import Discriminator, Generator

SHAPE = {"channels": 1, "height": 8, "width": 12, "patch": 2, "widths": (8, 4), "blocks": 1, "group_size": 16}
REAL, MADE = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])


class Counter(TorchDispatchMode):
    """Adds up what torch counts; its own mode fails at the gradient of a gradient."""

    total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = kwargs or {}
        result = function(*args, **given)
        if count := flop_registry.get(function._overloadpacket):
            self.total += count(*args, **given, out_val=result)
        return result


def learner(objective="relativistic", penalty=1.0, rate=1e-3, **changes):
    torch.manual_seed(3)
    makes, tells = Generator(**SHAPE, latent_size=3), Discriminator(**SHAPE)
    return AdversarialLearner(
        generator=makes,
        discriminator=tells,
        average=copy.deepcopy(makes),
        objective=objective_named(objective, largest_weight=0.01),
        optimizers=tuple(torch.optim.Adam(one.parameters(), lr=rate, betas=(0.0, 0.99)) for one in (makes, tells)),
        learning_rate=lambda _: rate,
        penalty=penalty,
        averaging=lambda _: 0.75,
        real=lambda number: (torch.randn(5, 1, 8, 12, generator=torch.Generator().manual_seed(number)), None),
        judge=lambda network: {"weights": float(sum(p.detach().sum() for p in network.parameters()))},
        autocast=nullcontext,
        **changes,
    )


def log1pexp(x):
    return math.log(1 + math.exp(x))


@pytest.mark.parametrize(
    ("name", "of_discriminator", "of_generator"),
    [
        (
            "standard",
            (log1pexp(-1) + log1pexp(2)) / 2 + (log1pexp(0.5) + log1pexp(3)) / 2,
            (log1pexp(-0.5) + log1pexp(-3)) / 2,
        ),
        ("wasserstein", 1.75 + 0.5, -1.75),
        ("relativistic", (log1pexp(-0.5) + log1pexp(5)) / 2, (log1pexp(0.5) + log1pexp(-5)) / 2),
    ],
)
def test_the_losses_by_hand(name, of_discriminator, of_generator):
    objective = objective_named(name, largest_weight=0.01)
    assert float(objective.discriminator(REAL, MADE)) == pytest.approx(of_discriminator)
    assert float(objective.generator(REAL, MADE)) == pytest.approx(of_generator)


def test_the_penalties_are_the_squared_slopes():
    torch.manual_seed(2)
    tells = Discriminator(**SHAPE).double()
    pictures = torch.randn(6, 1, 8, 12).double().requires_grad_()
    with differentiated_twice():
        scores = tells(pictures)
    found = gradient_penalties(scores, pictures)
    step, squares = 1e-6, torch.zeros(6).double()
    with torch.no_grad():
        for place in range(8 * 12):
            moved = pictures.clone().flatten(1)
            moved[:, place] += step
            squares += ((tells(moved.view_as(pictures)) - tells(pictures)) / step).square()
    torch.testing.assert_close(torch.stack(found).detach(), squares.view(2, 3).mean(dim=1), rtol=1e-4, atol=1e-8)


def test_the_penalty_s_gradient_is_that_of_finite_differences():
    torch.manual_seed(2)
    tells = Discriminator(**SHAPE).double()
    for block in tells.modules():
        if hasattr(block, "narrow"):
            nn.init.normal_(block.narrow.weight, std=0.3)
    pictures = torch.randn(4, 1, 8, 12).double().requires_grad_()
    weight = tells.stages[0][0].look.weight

    def penalty():
        with differentiated_twice():
            scores = tells(pictures)
        return sum(gradient_penalties(scores, pictures))

    (slopes,) = torch.autograd.grad(penalty(), weight)
    place, step = (3, 1, 2, 0), 1e-5
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[place] += sign * step
        values.append(float(penalty().detach()))
        with torch.no_grad():
            weight[place] -= sign * step
    assert float(slopes[place]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def test_convolutions_are_made_to_be_differentiated_twice_where_penalties_come_and_nowhere_else():
    ours = learner()
    ours.penalty_every = 3
    seen = []
    for network, name in ((ours.discriminator, "D"), (ours.generator, "G")):
        first = next(module for module in network.modules() if isinstance(module, Convolution))
        first.register_forward_hook(
            lambda _, __, y, name=name: seen.append((name, y.grad_fn and y.grad_fn.name().partition("Backward")[0]))
        )
    ways = []
    for number in range(4):
        seen.clear()
        ours.step(number)
        ways.append(next(way for name, way in seen if name == "D" and way))
        assert ("G", "_Convolve") not in seen
        assert seen.count(("D", "_Convolve")) == (number % 3 == 0)
    assert ways == ["_Convolve", "Convolution", "Convolution", "_Convolve"]


def test_the_average_follows_the_generator():
    ours = learner()
    before = [p.clone() for p in ours.average.parameters()]
    ours.step(0)
    for average, old, new in zip(ours.average.parameters(), before, ours.generator.parameters(), strict=True):
        torch.testing.assert_close(average.data, 0.75 * old + 0.25 * new.data)
    assert ours.evaluate() == {"weights": pytest.approx(float(sum(p.sum() for p in ours.average.parameters())))}


def test_every_weight_of_both_networks_gets_a_gradient():
    ours = learner()
    for number in (0, 1):  # at first the last layer of each block is 0, and no gradient goes through it
        ours.step(number)
    for network in (ours.generator, ours.discriminator):
        for name, weight in network.named_parameters():
            assert weight.grad.abs().sum() > 0, name


def test_the_generator_s_turn_leaves_the_discriminator_alone():
    ours = learner()
    pictures, _ = ours.real(0)
    before = copy.deepcopy(ours.discriminator.state_dict())
    ours._teach_generator(pictures, None)
    for name, value in ours.discriminator.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(weight.grad is None and weight.requires_grad for weight in ours.discriminator.parameters())


def test_with_a_generator_that_stands_still_the_discriminator_learns_one_batch_by_heart():
    ours = learner("standard", penalty=None, rate=0.01)
    pictures, _ = ours.real(0)
    losses = []
    for _ in range(150):
        torch.manual_seed(0)  # the same made pictures each time
        losses.append(float(ours._teach_discriminator(pictures, None, 0)[0]["discriminator_loss"]))
    assert min(losses[-10:]) < 0.02 * losses[0]


@pytest.mark.parametrize("objective", ["standard", "wasserstein", "relativistic"])
def test_operations_are_those_torch_counts(objective):
    ours = learner(objective, penalty=1.0 if objective == "relativistic" else None, discriminator_updates=2)
    with Counter() as counter:
        step = ours.step(0)
    assert step.examples == 10
    # The first layer's gradient with respect to pictures is counted, and is not computed where there is no penalty.
    assert step.flops == pytest.approx(counter.total, rel=0.06)


def test_lazy_penalties_count_as_often_more():
    every, lazy = learner(), learner(penalty_every=3)
    figures = [ours.step(0).figures for ours in (every, lazy)]
    assert float(figures[1]["penalty_real"]) == pytest.approx(3 * float(figures[0]["penalty_real"]))
    assert float(lazy.step(1).figures["penalty_real"]) == 0


def test_figures_are_the_mean_over_the_discriminator_s_updates():
    ours, alone = learner(discriminator_updates=2, penalty_every=2), learner()
    first = float(alone.step(0).figures["penalty_real"])  # of the same pictures and weights, counted once
    assert float(ours.step(0).figures["penalty_real"]) == pytest.approx((2 * first + 0) / 2)


def test_the_critic_s_weights_are_clipped():
    ours = learner("wasserstein", penalty=None, discriminator_updates=5)
    ours.step(0)
    assert max(float(weight.detach().abs().max()) for weight in ours.discriminator.parameters()) <= 0.01
    assert max(float(weight.detach().abs().max()) for weight in ours.generator.parameters()) > 0.01


def test_the_first_update_that_is_not_finite_is_remembered():
    ours = learner()
    ours.step(0)
    assert ours.fault() is None
    ours.real = lambda _: (torch.full((5, 1, 8, 12), math.nan), None)
    for number in (1, 2):
        ours.step(number)
    fault = ours.fault()
    assert fault.step == 1
    assert math.isnan(fault.figures["discriminator_loss"])
    assert fault.figures["learning_rate"] == 1e-3


def test_weights_out_of_all_bounds_are_a_fault_too():
    ours = learner()
    ours.step(4)
    with torch.no_grad():
        ours.generator.basis[0] = math.inf
    fault = ours.fault()
    assert fault.step == 4
    assert fault.figures == {"weights' norm": math.inf}
