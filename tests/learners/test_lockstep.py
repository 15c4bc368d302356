"""Two networks in step: they agree, and a rule that was broken on purpose is found where it is."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import chainrule.autograd as ag
from chainrule.errors import OperandError
from chainrule.learners.lockstep import Difference, Row, first_fault, in_lockstep

GENERATOR = np.random.default_rng(0)
OPTIONS = {"generator": GENERATOR, "dtype": np.float64}


def own_network():
    return ag.Sequential(
        ag.Conv2d(2, 3, 3, **OPTIONS),
        ag.BatchNorm(3, dtype=np.float64),
        ag.gelu,
        lambda x: ag.max_pool2d(x, 2),
        lambda x: x.flatten(1),
        ag.Linear(27, 5, **OPTIONS),
        ag.tanh,
        ag.Linear(5, 7, **OPTIONS),
    )


def other_network():
    return nn.Sequential(
        *(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(27, 5), nn.Tanh(), nn.Linear(5, 7)),
    ).double()


PICTURES = GENERATOR.normal(size=(11, 2, 8, 8))
CLASSES = GENERATOR.integers(0, 7, 11)
LOSSES = (
    lambda scores: ag.cross_entropy(scores, CLASSES),
    lambda scores: functional.cross_entropy(scores, torch.from_numpy(CLASSES)),
)
SUMS = (lambda y: (y**2).sum(), lambda y: (y**2).sum())


def compared(own=own_network, other=other_network, losses=LOSSES):
    return in_lockstep(own(), other(), [PICTURES], *losses, tolerance=1e-10)


def broken(monkeypatch, name, place, change):
    """Changes what a rule makes: 0 is the value, 1 the gradient by the first input."""
    right = ag.OPERATIONS[name].rule

    def wrong(*arguments, **options):
        made = list(right(*arguments, **options))
        if place:
            rule = made[place]
            made[place] = lambda dy: change(rule(dy))
        else:
            made[0] = change(made[0])
        return tuple(made)

    monkeypatch.setattr(ag.OPERATIONS[name], "rule", wrong)


def test_equal_networks_agree_in_everything():
    rows = compared()
    assert [row.layer for row in rows] == [*map(str, range(8)), "loss"]
    assert [row.kind for row in rows[:3]] == ["Conv2d", "BatchNorm2d", "GELU"]
    assert [row.shape for row in rows[:6:5]] == [(11, 3, 6, 6), (11, 5)]
    assert all(row.agrees for row in rows)
    assert first_fault(rows) is None
    assert rows[0].passed_back is None, "nobody needs the gradient by the pictures"
    assert all(row.passed_back is not None for row in rows[1:])
    assert [sorted(row.parameters) for row in rows[:3]] == [["bias", "weight"], ["bias", "weight"], []]
    # Something was compared: every gradient differs from 0.
    assert all(row.gradient.absolute < 1e-12 for row in rows[:-1])


@pytest.mark.parametrize(
    ("operation", "place", "layer", "what"),
    [
        ("conv2d", 0, "0", "value"),
        ("gelu", 0, "2", "value"),
        ("max_pool2d", 0, "3", "value"),
        ("conv2d", 2, "0", "weight"),
        ("conv2d", 3, "0", "bias"),
        ("batch_norm", 1, "1", "input"),
        ("batch_norm", 2, "1", "weight"),
        ("batch_norm", 3, "1", "bias"),
        ("gelu", 1, "2", "input"),
        ("max_pool2d", 1, "3", "input"),
        ("reshape", 1, "4", "input"),
        ("linear", 1, "7", "input"),
        ("linear", 2, "7", "weight"),
        ("tanh", 1, "6", "input"),
        ("cross_entropy", 0, "loss", "value"),
        ("cross_entropy", 1, "loss", "input"),
    ],
)
def test_a_broken_rule_is_found_in_its_layer(monkeypatch, operation, place, layer, what):
    broken(monkeypatch, operation, place, lambda values: values + 0.01)
    fault = first_fault(compared())
    assert (fault.layer, fault.what) == (layer, what)


def test_one_wrong_element_is_enough(monkeypatch):
    def change(values):
        values = values.copy()
        values.flat[3] += 1e-6
        return values

    broken(monkeypatch, "max_pool2d", 1, change)
    assert first_fault(compared()).layer == "3"


def test_the_sentence_names_layer_and_size(monkeypatch):
    broken(monkeypatch, "gelu", 1, lambda values: 2 * values)
    assert first_fault(compared()).sentence.startswith(
        "all values agree, and the first wrong gradient is the one that 2 (GELU) passes back to its input, off by "
    )
    broken(monkeypatch, "linear", 2, lambda values: 2 * values)
    assert "is that of weight in 7 (Linear), off by" in first_fault(compared()).sentence
    broken(monkeypatch, "tanh", 0, lambda values: 2 * values)
    assert first_fault(compared()).sentence.startswith("the first difference is in what 6 (Tanh) computes, off by ")


def test_what_is_no_number_is_a_difference(monkeypatch):
    broken(monkeypatch, "tanh", 1, lambda values: values * np.nan)
    fault = first_fault(compared())
    assert fault.sentence.endswith("6 (Tanh) passes back to its input, of another shape or no number.")


class Cut(ag.Module):
    """Forgets that its second layer's input was computed."""

    def __init__(self):
        self.first = ag.Linear(3, 3, **OPTIONS)
        self.second = ag.Linear(3, 2, **OPTIONS)

    def forward(self, x):
        return self.second(self.first(x).detach())


def test_a_gradient_that_is_missing_is_a_difference():
    other = lambda: nn.Sequential(OrderedDict(first=nn.Linear(3, 3), second=nn.Linear(3, 2))).double()  # noqa: E731
    rows = in_lockstep(Cut(), other(), [GENERATOR.normal(size=(5, 3))], *SUMS, tolerance=1e-10)
    fault = first_fault(rows)
    assert (fault.layer, fault.what) == ("second", "input")
    assert fault.sentence.endswith("second (Linear) passes back to its input, of another shape or no number.")
    assert rows[0].gradient.relative == 1.0


def test_a_network_is_as_before(monkeypatch):
    own, other = own_network(), other_network()
    in_lockstep(own, other, [PICTURES], *LOSSES, tolerance=1e-10)
    assert all("forward" not in vars(module) for module in own.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in other.modules())


def test_other_parameters_are_refused():
    with pytest.raises(OperandError, match="the state lacks"):
        compared(other=lambda: nn.Sequential(nn.Flatten(), nn.Linear(128, 7)).double())


class Twice(ag.Module):
    def __init__(self):
        self.layer = ag.Linear(3, 3, **OPTIONS)

    def forward(self, x):
        return self.layer(self.layer(x))


class TwiceOfTorch(nn.Module):
    def __init__(self, times=2):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.times = times

    def forward(self, x):
        for _ in range(self.times):
            x = self.layer(x)
        return x


def test_a_layer_may_be_called_several_times(monkeypatch):
    rows = in_lockstep(Twice(), TwiceOfTorch().double(), [GENERATOR.normal(size=(5, 3))], *SUMS, tolerance=1e-10)
    assert [row.layer for row in rows] == ["layer", "loss"]
    assert first_fault(rows) is None
    with pytest.raises(OperandError, match=r"layer was called 2 times and 3 times in torch; build both networks to"):
        in_lockstep(Twice(), TwiceOfTorch(3).double(), [GENERATOR.normal(size=(5, 3))], *SUMS, tolerance=1e-10)


class Scaled(ag.Module):
    """A network with a parameter of its own, and an operation between its layers."""

    def __init__(self):
        self.scale = ag.Tensor(np.ones(3), requires_grad=True)
        self.first = ag.Linear(3, 3, **OPTIONS)
        self.second = ag.Linear(3, 2, **OPTIONS)

    def forward(self, x):
        return self.second(ag.exp(self.first(x)) * self.scale) * 3


class ScaledOfTorch(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 2)

    def forward(self, x):
        return self.second(torch.exp(self.first(x)) * self.scale) * 3


def scaled():
    return in_lockstep(Scaled(), ScaledOfTorch().double(), [GENERATOR.normal(size=(5, 3))], *SUMS, tolerance=1e-10)


def test_a_networks_own_parameters_are_in_the_row_of_the_whole(monkeypatch):
    rows = scaled()
    assert [row.layer for row in rows] == ["first", "second", "network", "loss"]
    assert list(rows[2].parameters) == ["scale"]
    assert first_fault(rows) is None


def test_what_is_wrong_between_the_layers_is_told_of_the_whole(monkeypatch):
    broken(monkeypatch, "multiply", 2, lambda values: 1.5 * values)
    fault = first_fault(scaled())
    assert (fault.layer, fault.what) == ("network", "scale")


def test_a_part_is_blamed_before_the_whole():
    def row(layer, *, right, gradient=True):
        good, bad = Difference(0.0, 0.0, agrees=True), Difference(1.0, 1.0, agrees=False)
        return Row(
            layer=layer,
            kind="",
            shape=(),
            value=good,
            gradient=good if gradient else bad,
            passed_back=good if right else bad,
        )

    rows = [row("a.b", right=False), row("a.c", right=True), row("a", right=False), row("d", right=True)]
    assert first_fault(rows).layer == "a.b"
    assert first_fault([*rows[:2], row("a", right=False), row("d", right=False)]).layer == "d"
    assert first_fault([row("a.b", right=False, gradient=False), row("a", right=False)]).layer == "a"
    # Where no layer is at fault, what joins them is.
    inherited = [row("a.b", right=False, gradient=False), row("a.c", right=True)]
    assert (first_fault([*inherited, row("a", right=True)]).layer, first_fault(inherited).layer) == ("a", "a.b")
    assert first_fault([*inherited, row("network", right=True)]).sentence == (
        "all values agree, and the first wrong gradient is the one that network passes back to a.b, off by 1, 1 of the "
        "largest."
    )
    assert first_fault(inherited).sentence.endswith(
        "the one that comes to a.b from what follows it, off by 1, 1 of the largest."
    )
