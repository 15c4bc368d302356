"""What every recipe's learner promises; a new recipe is held to it by its entry in the table and its small run."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from chainrule import recipes
from chainrule.training.state_tree import read_tree, write_tree
from tests.crash.small_runs import recipe_in
from tests.recipes.building import COMPUTE, build, devices_of, leaves, state, steps

WAYS = ("maze-dqn, replay", "maze-dqn, at once", "maze-dqn, alone")
RECIPES = (*recipes.BUILT_IN, "image-cnn, fast", "q-learning, stepped", "attention-text, additive", *WAYS)
ADVERSARIAL = {"gan"}  # what has no meaning without labels is tested in tests/learners/test_adversarial.py
TABULAR = {"q-learning"}  # and without a gradient: tests/learners/test_tabular.py
REWARDED = {*TABULAR, "maze-dqn"}
NO_NOISE = {"dropout": 0.0, "word_dropout": 0.0, "crop": 0.0, "label_smoothing": 0.0}
LEARNED_BY_HEART = 0.02  # of the loss at the beginning


PLACES = [(name, device) for name in RECIPES for device in devices_of(recipe_in(name))]


@pytest.fixture(params=PLACES, ids="-".join)
def small(request, small_settings):
    """The name of a recipe, and the settings of its small run on each device there is."""
    name, device = request.param
    return recipe_in(name), {**small_settings[name], "device": device}


def in_double(model):
    """Has a network of torch compute in float64, and says so; one in NumPy stays as it is.

    In float32 rounding decides which of two places is the larger where a maximum is taken of nearly equal ones, and so
    which of them gets the gradient.
    """
    if not isinstance(model, torch.nn.Module):
        return False
    model.double()
    model.register_forward_pre_hook(lambda _, given: tuple(x.double() if x.is_floating_point() else x for x in given))
    return True


def on_host(gradient):
    return gradient.cpu().numpy() if isinstance(gradient, torch.Tensor) else gradient


@pytest.fixture(params=[place for place in PLACES if recipe_in(place[0]) not in ADVERSARIAL | REWARDED], ids="-".join)
def supervised(request, small_settings):
    """The same of a recipe that learns from labels."""
    name, device = request.param
    return recipe_in(name), {**small_settings[name], "device": device}


def test_every_parameter_gets_a_gradient(small):
    name, settings = small
    if name in TABULAR:
        pytest.skip("a table has no gradient")
    assembly = build(name, settings)
    steps(assembly, 0, 1)  # a layer that begins at 0 lets no gradient through in the first update
    learner = assembly.learner
    networks = (learner.generator, learner.discriminator) if name in ADVERSARIAL else (learner.model,)
    gradients = {
        f"{place}/{n}": p.grad
        for place, network in enumerate(networks)
        for n, p in network.named_parameters()
        if p.requires_grad
    }
    assert gradients
    for parameter, gradient in gradients.items():
        assert gradient is not None, parameter
        assert np.isfinite(on_host(gradient)).all(), parameter
        assert np.abs(on_host(gradient)).sum() > 0, parameter


def test_one_batch_can_be_learned_by_heart(supervised):
    name, settings = supervised
    if settings.get("network") == "fast":
        pytest.skip("its head is slow by design, and has a test of its own in test_image_cnn")
    learner = build(name, settings, **NO_NOISE).learner
    with COMPUTE.active():
        few = learner.batches.training(0, 8)[:1]  # a small run's network is too small for a whole batch
        learner.batches = SimpleNamespace(
            training=lambda *_: few, examples=lambda _: len(few[0]), validation=lambda *_: iter(())
        )
        learner.learning_rate = lambda _: 0.01
        losses = [float(learner.step(number).figures["loss"]) for number in range(120)]
    assert min(losses[-10:]) < LEARNED_BY_HEART * losses[0]


def test_the_seed_decides_every_bit(small):
    name, settings = small
    outcomes = []
    for seed in (7, 7, 8):
        assembly = build(name, settings, seed=seed)
        steps(assembly, 0, 1, 2, seed=seed)
        outcomes.append(leaves(state(assembly)))
    assert outcomes[0] == outcomes[1]
    differing = [path for path in outcomes[0] if outcomes[0][path] != outcomes[2][path]]
    assert any(path.startswith(("/model", "/generator")) for path in differing)


def test_a_state_on_the_disk_goes_on_bit_for_bit(small, tmp_path):
    name, settings = small
    whole, resumed = build(name, settings), build(name, settings)
    steps(whole, 0, 1, 2)
    write_tree(tmp_path, state(whole))
    steps(whole, 3, 4)
    steps(resumed, 11)  # what it was before must not matter
    resumed.learner.load_state_dict(read_tree(tmp_path))
    steps(resumed, 3, 4)
    assert leaves(state(resumed)) == leaves(state(whole))


def test_evaluation_changes_nothing_and_repeats(small):
    name, settings = small
    assembly, untouched = build(name, settings), build(name, settings)
    for each in (assembly, untouched):
        steps(each, 0)
    before = leaves(state(assembly))
    with COMPUTE.active():
        first, second = assembly.learner.evaluate(), assembly.learner.evaluate()
    assert first == second
    assert assembly.selection is None or assembly.selection.figure in first
    assert leaves(state(assembly)) == before
    for each in (assembly, untouched):
        steps(each, 1)
    assert leaves(state(assembly)) == leaves(state(untouched))


def test_draws_from_before_do_not_matter(small):
    name, settings = small
    outcomes = []
    for drawn in (0, 13):
        for draw in (random.random, np.random.random, lambda: torch.rand(1)):
            for _ in range(drawn):
                draw()
        assembly = build(name, settings)
        steps(assembly, 0)
        torch.rand(drawn)
        steps(assembly, 1)
        outcomes.append(leaves(state(assembly)))
    assert outcomes[0] == outcomes[1]


def test_a_batch_in_parts_gives_the_same_gradient(supervised):
    """With all layers as in evaluation: dropout draws anew in each part, and normalisation over the batch sees
    the part alone. So a network with batch normalisation, such as image-cnn's, does learn a little differently
    in parts; everything else does not.
    """
    name, settings = supervised
    if settings["device"] == "mps":
        pytest.skip("it has no float64")
    gradients = []
    for parts in (1, 3):
        learner = build(name, settings, **NO_NOISE, accumulate=parts).learner
        rounding = 1e-8 if in_double(learner.model) else 1e-5
        learner.model.eval()
        learner.model.train = lambda *_, model=learner.model, **__: model
        with COMPUTE.active():
            assert len(learner.batches.training(0, parts)) == parts
            loss = float(learner.step(0).figures["loss"])
        gradients.append((loss, [on_host(p.grad).copy() for p in learner.model.parameters() if p.requires_grad]))
    (loss, whole), (loss_in_parts, cut) = gradients
    assert loss_in_parts == pytest.approx(loss, rel=1e-5)
    largest = max(float(np.abs(gradient).max()) for gradient in whole)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(other, one, rtol=100 * rounding, atol=rounding * largest)
