"""The loop: what it writes when, and that a run cut anywhere goes on as if it had never stopped."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from chainrule.errors import NotFiniteError
from chainrule.training.checkpoints import Checkpoints
from tests.training.drive import drive, plan
from tests.training.toys import NoisyWalk


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_come_when_the_plan_says(tmp_path):
    position = drive(tmp_path, plan())
    written = [(line["step"], line["split"]) for line in lines(tmp_path / "metrics.jsonl")]
    train = [(step, "train") for step in (5, 10, 15, 20, 23)]
    validation = [(step, "validation") for step in (7, 14, 21, 23)]
    assert sorted(written) == sorted(train + validation)
    assert [step for step, _ in written] == sorted(step for step, _ in written)
    assert position.finished
    assert position.step == 23
    assert position.examples == 23 * 5
    assert position.flops == 23 * 10.0


def test_a_line_is_the_mean_of_its_window(tmp_path):
    drive(tmp_path, plan(steps=5, log_every=5))
    learner, losses = NoisyWalk(), []
    from chainrule.runtime.draws import reseed_all

    for index in range(5):
        reseed_all(3, "step", index)
        losses.append(learner.step(index).figures["loss"])
    (line,) = (line for line in lines(tmp_path / "metrics.jsonl") if line["split"] == "train")
    assert line["loss"] == sum(losses) / 5


def test_the_clock_is_in_the_timings_alone(tmp_path):
    drive(tmp_path / "a", plan())
    drive(tmp_path / "b", plan())
    assert (tmp_path / "a/metrics.jsonl").read_bytes() == (tmp_path / "b/metrics.jsonl").read_bytes()
    assert all(line["seconds"] >= 0 for line in lines(tmp_path / "a/timings.jsonl"))
    assert "seconds" not in (tmp_path / "a/metrics.jsonl").read_text()


@pytest.mark.parametrize("stop_after", [1, 4, 5, 6, 7, 22])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, stop_after):
    whole, parted = NoisyWalk(), NoisyWalk()
    drive(tmp_path / "whole", plan(), whole)
    position = drive(tmp_path / "parted", plan(), stop_after=stop_after)
    assert (position.step, position.finished) == (stop_after, False)
    drive(tmp_path / "parted", plan(), parted)
    np.testing.assert_array_equal(parted.place, whole.place)
    np.testing.assert_array_equal(parted.speed, whole.speed)
    assert (tmp_path / "parted/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    first = drive(tmp_path, plan())
    before = (tmp_path / "metrics.jsonl").read_bytes()
    again = drive(tmp_path, plan())
    assert (again.step, again.finished, again.seconds) == (first.step, True, first.seconds)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_another_seed_walks_elsewhere(tmp_path):
    one, other = NoisyWalk(), NoisyWalk()
    drive(tmp_path / "one", plan(seed=3), one)
    drive(tmp_path / "other", plan(seed=4), other)
    assert not np.array_equal(one.place, other.place)


def test_the_best_checkpoint_stays_and_patience_ends_the_run(tmp_path):
    # The score is best near step 7 and falls ever after.
    learner = NoisyWalk(worse_after=24)
    position = drive(tmp_path, plan(steps=500, patience=3), learner)
    scores = {x["step"]: x["score"] for x in lines(tmp_path / "metrics.jsonl") if x["split"] == "validation"}
    best = max(scores, key=scores.get)
    assert position.best_step == best
    assert position.best_value == scores[best]
    assert position.step == best + 3 * 7
    assert position.finished
    kept = Checkpoints(tmp_path / "checkpoints", keep=2).steps()
    assert kept == [best, position.step - 1, position.step]


def test_an_evaluation_that_is_not_finite_stops_the_run_before_it_is_kept(tmp_path):
    class Unlucky(NoisyWalk):
        def evaluate(self):
            return {"score": math.nan if len(self.place) and self.calls > 1 else 1.0}

        calls = 0

        def step(self, index):
            self.calls += index == 10
            self.calls += index == 11
            return super().step(index)

    with pytest.raises(NotFiniteError, match="the evaluation after step 14 was not finite: score nan; the last"):
        drive(tmp_path, plan(), Unlucky())
    assert Checkpoints(tmp_path / "checkpoints", keep=2).steps()[-1] == 12
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    with pytest.raises(NotFiniteError) as caught:
        drive(tmp_path, plan(), NoisyWalk(not_finite_at=16))
    assert str(caught.value) == (
        "step 16 was not finite: loss nan, learning rate 0.1; every checkpoint is from before it. "
        "Try a lower learning rate, or clip the gradient more tightly."
    )
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=2)
    assert checkpoints.steps()[-1] == 15
    assert np.isfinite(checkpoints.read(15)["learner"]["place"]).all()


def test_the_loop_needs_no_torch(tmp_path):
    program = (
        "import sys; from pathlib import Path; from tests.training.drive import drive, plan;"
        "drive(Path(sys.argv[1]) / 'run', plan());"
        "drive(Path(sys.argv[1]) / 'run', plan());"
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
