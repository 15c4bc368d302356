"""A learner's state from the first process of a run to the others, without a disk that they share."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.runtime.processes import Processes
from chainrule.training.state_tree import NUMPY, TORCH, put_together, take_apart


def from_first(tree: Mapping[str, Any] | None, processes: Processes) -> Any:
    """The first process's tree, whose arrays are on the host, in every process.

    Args:
        tree: in the first process; what the others give is not looked at.
        processes: all of them.
    """
    if processes.count == 1:
        return tree
    import torch

    skeleton, arrays = take_apart(tree or {}) if processes.is_first else (None, {TORCH: {}, NUMPY: {}})
    own = [(kind, path, *_described(array)) for kind in arrays for path, array in arrays[kind].items()]
    skeleton, described = processes.on_first(lambda: (skeleton, own))
    received: dict[str, dict[str, Any]] = {TORCH: {}, NUMPY: {}}
    for kind, path, dtype, shape in described:
        array = arrays[kind][path] if processes.is_first else _empty(kind, dtype, shape)
        held = torch.from_numpy(array) if kind == NUMPY else array
        processes.send(held.view(-1).view(torch.uint8))
        received[kind][path] = array
    return put_together(skeleton, received)


def _described(array: Any) -> tuple[str, list[int]]:
    return str(array.dtype).removeprefix("torch."), list(array.shape)


def _empty(kind: str, dtype: str, shape: list[int]) -> Any:
    import torch

    return np.empty(shape, dtype) if kind == NUMPY else torch.empty(shape, dtype=getattr(torch, dtype))
