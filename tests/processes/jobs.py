"""What a process of a run does in these tests, and what is compared afterwards."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from chainrule import api
from chainrule.errors import ChainruleError
from chainrule.learners.supervised import SupervisedLearner

NO_NOISE = {"dropout": 0.0, "word_dropout": 0.0, "crop": 0.0, "noise": 0.0}


def train_or_resume(  # noqa: PLR0917 - they go through a pipe by their places
    recipe: str,
    settings: dict[str, Any],
    output: Path,
    at: int | None = None,
    number: int = signal.SIGTERM,
    ranks: tuple[int, ...] = (1,),
) -> Any:
    """Takes the run up wherever it is; where `at` is given, some processes send themselves a signal in that step.

    Returns:
        The report, or of a failure its class, its text and whether this process is the one to tell it.
    """
    if at is not None and int(os.environ.get("RANK", "0")) in ranks:
        step = SupervisedLearner.step

        def interrupted(learner: SupervisedLearner, index: int) -> Any:
            if index == at:
                os.kill(os.getpid(), number)
            return step(learner, index)

        SupervisedLearner.step = interrupted
    try:
        if (output / "run.json").exists():
            # No other than the first process needs the run's folder; it may be on another machine.
            return api.resume(output if os.environ.get("RANK", "0") == "0" else output / "not here")
        return api.train(recipe, output=output, **settings)
    except ChainruleError as error:
        return type(error).__name__, str(error), error.is_for_this_process


def lines(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def assert_same_curve(output: Path, expected: Path, within: float = 1e-5) -> None:
    ours, theirs = lines(output), lines(expected)
    assert [(line["step"], line["split"]) for line in ours] == [(line["step"], line["split"]) for line in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.pop("split") == other.pop("split")
        assert one == pytest.approx(other, abs=within, rel=within)


def assert_same_weights(output: Path, expected: Path, within: float = 1e-5) -> None:
    ours, theirs = (load_file(folder / "model/model.safetensors") for folder in (output, expected))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=within, atol=within, err_msg=name)


def checkpoints(output: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in (output / "checkpoints").glob("step-*"))
