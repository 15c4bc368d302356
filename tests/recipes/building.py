"""A recipe's learner, built without a run around it."""

from dataclasses import replace
from typing import Any

from chainrule import recipes
from chainrule.recipes.contract import Assembly
from chainrule.recipes.record import setting_of
from chainrule.recipes.settings import make, setting_fields
from chainrule.runtime.devices import Compute, available_devices
from chainrule.runtime.draws import reseed_all
from chainrule.training.options import RunOptions
from chainrule.training.state_tree import copy_tree

COMPUTE = Compute(device="cpu", precision="fp32", threads=1)
DEVICES = available_devices()


def devices_of(name: str) -> list[str]:
    """The devices of this machine on which a recipe learns."""
    return ["cpu"] if getattr(recipes.find(name), "in_numpy", False) else DEVICES


def recipe_and_options(name: str, settings: dict[str, Any]) -> tuple[Any, RunOptions]:
    """The two that `api.train` makes of its settings; those the recipe has not are passed over."""
    kind = recipes.find(name)
    own, common = setting_fields(kind), setting_fields(RunOptions)
    options = make(RunOptions, {field: value for field, value in settings.items() if field in common})
    return make(kind, {field: value for field, value in settings.items() if field in own}), options


def build(name: str, settings: dict[str, Any], **changes: Any) -> Assembly:
    """On the device that the settings name, the CPU where they name none."""
    recipe, options = recipe_and_options(name, {"device": "cpu", **settings, **changes})
    compute = replace(COMPUTE, device=options.device)
    with compute.active():
        return recipe.build(setting_of(recipe, options, compute))


def steps(assembly: Assembly, *numbers: int, seed: int = 7) -> None:
    """Does some updates as the loop does them."""
    with COMPUTE.active():
        for number in numbers:
            reseed_all(seed, "step", number)
            assembly.learner.step(number)


def state(assembly: Assembly) -> Any:
    return copy_tree(assembly.learner.state_dict())


def leaves(tree: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path; arrays as bytes, so that equal means equal bit for bit."""
    if isinstance(tree, dict):
        return {k: v for key, item in tree.items() for k, v in leaves(item, f"{path}/{key}").items()}
    if isinstance(tree, list):
        return {k: v for number, item in enumerate(tree) for k, v in leaves(item, f"{path}/{number}").items()}
    return {path: tree.cpu().numpy().tobytes() if hasattr(tree, "numpy") else getattr(tree, "tobytes", lambda: tree)()}
