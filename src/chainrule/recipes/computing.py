"""Where a recipe computes: what `--device` and `--precision` mean for it."""

from chainrule.errors import OptionError
from chainrule.recipes.contract import Recipe

IN_NUMPY = {"device": "cpu", "precision": "fp32"}


def asked_of(recipe: Recipe, *, device: str, precision: str) -> tuple[str, str]:
    """Device and precision to compute in, `auto` where the machine is to decide.

    A recipe that sets `in_numpy = True` computes in NumPy alone, whatever the machine has; one that sets
    `in_fp32 = True` on any device, but in float32.

    Raises:
        OptionError: it cannot compute so.
    """
    if getattr(recipe, "in_fp32", False):
        if precision == "bf16":
            raise OptionError(f"{recipe.name} computes in fp32, and --precision bf16 was given; leave it out.")
        return device, "fp32"
    if not getattr(recipe, "in_numpy", False):
        return device, precision
    for name, value in (("device", device), ("precision", precision)):
        if value not in {"auto", IN_NUMPY[name]}:
            raise OptionError(
                f"{recipe.name} computes in NumPy, in fp32 on the cpu, and --{name} {value} was given; leave it out."
            )
    return IN_NUMPY["device"], IN_NUMPY["precision"]
