"""From a `gan`'s settings and training pictures to the learner."""

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from chainrule.data.dataset import Examples
from chainrule.data.order import EpochOrder
from chainrule.learners.adversarial import AdversarialLearner, Pictures
from chainrule.learners.rivalry import objective_named
from chainrule.models.folder import ModelConfig, build_model
from chainrule.models.gan import Discriminator
from chainrule.models.gan_article import ArticleDiscriminator
from chainrule.recipes.contract import Setting
from chainrule.runtime.draws import reseed_all

if TYPE_CHECKING:
    from chainrule.recipes.gan import Gan

HALF_RANGE = 127.5  # of a pixel


def adversaries(
    recipe: "Gan",
    setting: Setting,
    train: Examples,
    config: ModelConfig,
    *,
    steps: int,
    judge: Callable[[nn.Module], Mapping[str, float]],
) -> AdversarialLearner:
    """Both networks with fresh weights, ready to learn.

    Args:
        recipe: the settings.
        setting: of the run.
        train: the pictures.
        config: of the generator.
        steps: updates in all.
        judge: the averaged generator → figures.
    """
    from chainrule.recipes.gan import MOMENTUM, SECOND_MOMENTUM

    device = torch.device(setting.compute.device)
    reseed_all(setting.seed, "weights")
    generator = build_model(config)
    own = {name: value for name, value in config.arguments.items() if name != "latent_size"}
    rival: nn.Module = ArticleDiscriminator(**own) if recipe.network == "article" else Discriminator(**own)
    networks = [network.to(device) for network in (generator, rival)]
    optimizers = [
        torch.optim.Adam(
            network.parameters(), lr=recipe.fitting.learning_rate, betas=(MOMENTUM, SECOND_MOMENTUM), fused=True
        )
        for network in networks
    ]

    def averaging(step: int) -> float:
        half_life = recipe.averaging * (step + 1)  # at first the average follows at once
        return 0.5 ** (1 / half_life) if half_life else 0.0

    penalised = recipe.objective == "relativistic" and recipe.penalty > 0
    return AdversarialLearner(
        generator=networks[0],
        discriminator=networks[1],
        average=copy.deepcopy(networks[0]),
        objective=objective_named(recipe.objective, largest_weight=recipe.largest_weight),
        optimizers=(optimizers[0], optimizers[1]),
        learning_rate=recipe.fitting.rates(steps),
        penalty=recipe.penalty if penalised else None,
        penalty_every=recipe.penalty_every,
        averaging=averaging,
        real=real_pictures(train, setting, batch_size=recipe.batch_size, conditional=recipe.conditional),
        judge=judge,
        autocast=setting.compute.autocast,
        discriminator_updates=recipe.turns,
    )


def real_pictures(
    train: Examples, setting: Setting, *, batch_size: int, conditional: bool
) -> Callable[[int], Pictures]:
    """Number of an update → training pictures, with their classes where these count.

    Pictures stay bytes in memory, and become numbers in [-1, 1] a batch at a time.
    """
    device = torch.device(setting.compute.device)
    pixels = torch.from_numpy(train.pictures().copy()).to(device, memory_format=torch.channels_last)
    labels = torch.from_numpy(train.labels()).to(device)
    order = EpochOrder(examples=len(train), batch_size=batch_size, seed=setting.seed)

    def real(number: int) -> Pictures:
        places = torch.from_numpy(order.positions(number)).to(device)
        return pixels[places].float() / HALF_RANGE - 1, labels[places] if conditional else None

    return real
