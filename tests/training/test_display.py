"""The lines a run shows while it goes on."""

import pytest

from chainrule.training import display
from chainrule.training.display import Display
from chainrule.training.loop import Plan, Position

PLAN = Plan(seed=0, steps=8, evaluate_every=4, checkpoint_every=4, log_every=4, patience=None, selection=None)


@pytest.mark.parametrize(
    ("peak", "share"),
    [
        (None, ""),
        (40e9, " (25.0% of peak)"),
        (5e9, ""),  # nothing is faster than the peak: it was measured while the machine was busy
    ],
)
def test_the_sentence_of_a_run(monkeypatch, peak, share):
    times = iter([100.0, 102.0, 104.0])
    monkeypatch.setattr(display.time, "perf_counter", lambda: next(times))
    shown = Display(PLAN, peak, Position())
    position = Position(step=2, examples=12, flops=20e9)
    shown.figures(position, {"split": "train", "loss": 0.5})  # 20 GFLOP in 2 seconds
    assert shown.sentence(position) == f"step 2/8 · train loss 0.5 · 3 examples/s · 10.0 GFLOP/s{share} · 0:12 left"
