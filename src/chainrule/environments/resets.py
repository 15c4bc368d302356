"""With what seed each episode of many environments begins."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import OptionError
from chainrule.runtime.draws import draws_of_each

NO_ACTION = "an action is none of the {} that there are; they are numbered from 0."


def reset_seeds(seed: int, environments: NDArray[np.int64], episodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The seed that an environment's episode begins with: hash(seed, environment, episode), in [0, 2⁶³).

    A single environment reset with it begins the same episode.

    Args:
        seed: of all of them, ≥ 0.
        environments: (resets,) numbers of environments, in [0, 2³¹).
        episodes: (resets,) numbers of their episodes, in [0, 2³²).

    Returns:
        (resets,).
    """
    bits = draws_of_each(seed, "reset", numbers=(environments << 32) + episodes)
    return (bits >> np.uint64(1)).astype(np.int64)


def masked(options: Mapping[str, Any] | None, count: int) -> NDArray[np.int64]:
    """The numbers of the environments that a vector environment is asked to reset: all where there is no mask.

    Args:
        options: what `reset` was given; `reset_mask` in it is (environments,) of bool, an array or a tensor.
        count: how many environments there are.

    Raises:
        OptionError: the mask has another shape or type.
    """
    mask = (options or {}).get("reset_mask")
    if mask is None:
        return np.arange(count)
    mask = np.asarray(mask.cpu() if hasattr(mask, "cpu") else mask)
    if mask.shape != (count,) or mask.dtype != np.bool_:
        raise OptionError(
            f"reset_mask has shape {mask.shape} and type {mask.dtype}; "
            f"it must be a bool for each of {count} environments."
        )
    return np.flatnonzero(mask)
