"""Rates are measured with a clock that the work itself moves on, so every figure is known beforehand."""

import time
from dataclasses import dataclass, field

import pytest

from chainrule.runtime import stopwatch


@dataclass
class Machine:
    """Does `rate` operations a second, and takes `overhead` seconds more for a call."""

    rate: float
    overhead: dict[int, list[float]] = field(default_factory=dict)
    now: float = 0.0
    calls: list[int] = field(default_factory=list)

    def prepare(self, size):
        def work():
            self.calls.append(size)
            late = self.overhead.get(size, [])
            self.now += self.operations(size) / self.rate + (late.pop(0) if late else 0.0)

        return work

    def operations(self, size):
        return 2 * size**3


@pytest.fixture
def machine(monkeypatch):
    made = Machine(rate=1e9)
    monkeypatch.setattr(time, "perf_counter", lambda: made.now)
    return made


SIZES = (100, 200, 400, 800)


def test_the_rate_is_operations_over_seconds(machine):
    assert stopwatch.rate(machine, SIZES, target=10.0) == pytest.approx(1e9)


def test_growth_stops_where_the_next_size_would_take_too_long(machine):
    # 400 takes 0.128 s, so 800 would take 1.024.
    stopwatch.rate(machine, SIZES, target=1.0)
    assert machine.calls == [100] * 6 + [200] * 6 + [400] * 6


def test_slow_arithmetic_is_timed_once(machine):
    machine.rate = 1e6  # the smallest size takes 2 s
    assert stopwatch.rate(machine, SIZES, target=0.1) == pytest.approx(1e6)
    assert machine.calls == [100, 100]


def test_the_first_call_does_not_count(machine):
    machine.overhead = {100: [1000.0]}
    assert stopwatch.rate(machine, (100,), target=1.0) == pytest.approx(1e9)


def test_one_hiccup_neither_counts_nor_stops_the_growth(machine):
    # At 100 the work takes 2 ms; calls that were interrupted take up to 50 ms.
    machine.overhead = {100: [0.0, 0.05, 0.04, 0.0, 0.0, 0.0], 200: [0.0, 0.0, 0.0, 0.03, 0.0, 0.0]}
    assert stopwatch.rate(machine, (100, 200), target=0.2) == pytest.approx(1e9)
    assert machine.calls[-1] == 200


def test_the_best_may_be_chosen_in_place_of_the_median(machine):
    machine.overhead = {100: [0.0, 0.002, 0.002, 0.002, 0.002, 0.0]}
    assert stopwatch.rate(machine, (100,), target=1.0) == pytest.approx(0.5e9)
    machine.overhead = {100: [0.0, 0.002, 0.002, 0.002, 0.002, 0.0]}
    assert stopwatch.rate(machine, (100,), target=1.0, choose=min) == pytest.approx(1e9)


def test_the_clock_stops_when_the_device_is_done(machine):
    waiting = []

    def wait():
        waiting.append(machine.now)
        machine.now += 0.002  # what the device still computes after the call has returned

    assert stopwatch.rate(machine, (100,), target=1.0, wait=wait) == pytest.approx(0.5e9)
    assert len(waiting) == 12  # before and after each of six calls


def test_a_processor_is_not_waited_for():
    assert stopwatch.waiter("cpu")() is None
