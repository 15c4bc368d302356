"""A state as it arrives in the other processes."""

import numpy as np
import torch

from chainrule.runtime.group import joined
from chainrule.runtime.processes import ALONE, here
from chainrule.training.sending import from_first
from tests.processes.crew import in_processes
from tests.recipes.building import leaves


def tree():
    return {
        "position": {"step": 7, "best_value": 0.1, "nothing": None, "flag": True, "window": [{"loss": float("inf")}]},
        "learner": {
            "weights": torch.arange(35, dtype=torch.float32).view(5, 7) / 3,
            "halves": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
            "scalar": torch.tensor(3, dtype=torch.int64),
            "mask": torch.tensor([[True], [False], [True]]),
            "empty": torch.zeros(0, 3),
            "replay": [np.arange(6, dtype=np.int16).reshape(2, 3), np.array(2.5), np.zeros((3, 0), np.uint8)],
        },
    }


def received():
    with joined(here()) as processes:
        state = from_first(tree() if processes.is_first else None, processes)
        kinds = {"mask": state["learner"]["mask"].dtype, "halves": state["learner"]["halves"].dtype}
        kinds["replay"] = [(array.dtype.str, array.shape) for array in state["learner"]["replay"]]
        state["learner"]["halves"] = state["learner"]["halves"].float()
        return leaves(state), {name: str(kind) for name, kind in kinds.items()}


def test_every_process_gets_the_firsts_state_bit_for_bit():
    first, *others = in_processes(3, received)
    assert all(other == first for other in others)
    expected = tree()
    expected["learner"]["halves"] = expected["learner"]["halves"].float()
    assert first[0] == leaves(expected)
    assert first[1]["mask"] == "torch.bool"
    assert first[1]["halves"] == "torch.bfloat16"
    assert first[1]["replay"] == "[('<i2', (2, 3)), ('<f8', ()), ('|u1', (3, 0))]"


def test_one_process_keeps_its_own():
    own = tree()
    assert from_first(own, ALONE) is own
