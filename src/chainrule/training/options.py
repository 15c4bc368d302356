"""What every run has, whatever its recipe."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chainrule.errors import OptionError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "fp32", "bf16"]

# Thousands of threads the system refuses to start, in the middle of a computation.
HIGHEST = {"threads": 512, "steps": 10**12}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options that are the same for every recipe; what a recipe alone has are fields of its own."""

    dataset: str | None = None
    """A named data set, see `chainrule data list`; the recipe's own where it is not given."""
    data: Path | None = None
    """A file or folder of your own instead of a named data set."""
    seed: int = 0
    """Seed of every random draw, ≥ 0."""
    steps: int | None = None
    """Updates of the weights in all; otherwise the recipe's epochs decide."""
    device: DeviceName = "auto"
    """Where the arithmetic is done; `auto` takes CUDA, then MPS, then the CPU."""
    precision: PrecisionName = "auto"
    """Type of the products: fp32, or bf16 with weights in fp32; `auto` goes by the device's features."""
    threads: int | None = None
    """Processor threads of each process; as many as there are cores for it where it is not given."""
    output: Path | None = None
    """Folder of the run, new or empty; runs/<recipe>/<time>-<seed> where it is not given."""
    log_every: int | None = None
    """Steps between two lines of figures; about a hundred lines a run where it is not given."""
    evaluate_every: int | None = None
    """Steps between two evaluations on validation; an epoch, or a fortieth of a longer run, by default."""
    checkpoint_every: int | None = None
    """Steps between two checkpoints; as evaluations where it is not given."""
    keep_checkpoints: int = 2
    """How many of the last checkpoints stay, beside the best."""
    patience: int | None = None
    """Evaluations without improvement after which the run stops; never where it is not given."""
    shard: bool = False
    """Whether several processes divide the model among them, for one that is larger than a device."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        if self.dataset is not None and self.data is not None:
            raise OptionError("--dataset and --data exclude each other: give the name or your own file, not both.")
        lowest = {"seed": 0, "steps": 1, "threads": 1, "log_every": 1, "evaluate_every": 1}
        lowest |= {"checkpoint_every": 1, "keep_checkpoints": 1, "patience": 1}
        for name, low in lowest.items():
            value, high = getattr(self, name), HIGHEST.get(name, math.inf)
            if value is not None and not low <= value <= high:
                limits = f"at least {low}" if high == math.inf else f"from {low} to {high:,}"
                raise OptionError(f"--{name.replace('_', '-')} is {value}; it must be {limits}.")
