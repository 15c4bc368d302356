"""Modules: what they consist of, by name, and its saving and loading."""

import numpy as np
import pytest

import chainrule.autograd as ag
from chainrule.errors import OperandError


class Network(ag.Module):
    """A parameter, a buffer, a part, a list of parts, and things that are none of these."""

    def __init__(self, seed=0):
        generator = np.random.default_rng(seed)
        self.scale = ag.Tensor(np.ones(1, np.float32), requires_grad=True)
        self.seen = np.zeros(2)
        self.absent = None
        self.name = "net"
        self.first = ag.Linear(2, 3, generator=generator)
        self.others = [ag.Linear(3, 3, generator=generator), ag.relu, ag.Dropout(0.5, generator=generator)]

    def forward(self, x):
        x = self.first(x)
        for step in self.others:
            x = step(x)
        return x * self.scale


NAMES = ["scale", "first.weight", "first.bias", "others.0.weight", "others.0.bias"]


def test_parameters_are_named_as_they_are_written():
    network = Network()
    assert [name for name, _ in network.named_parameters()] == NAMES
    assert all(
        parameter is value
        for parameter, (_, value) in zip(network.parameters(), network.named_parameters(), strict=True)
    )
    assert list(network.state_dict()) == ["scale", "seen", *NAMES[1:]]
    assert [type(module).__name__ for module in network.modules()] == ["Network", "Linear", "Linear", "Dropout"]
    assert [name for name, _ in network.named_parts()] == ["first", "others.0", "others.2"]


def test_a_parameter_with_two_names_is_listed_once_and_saved_twice():
    network = Network()
    network.others[0].weight = network.first.weight
    assert [name for name, _ in network.named_parameters()] == [name for name in NAMES if name != "others.0.weight"]
    assert list(network.state_dict()) == ["scale", "seen", *NAMES[1:]]


def test_loading_what_was_saved():
    one, two = Network(0), Network(1)
    kept = list(two.parameters())
    two.load_state_dict({name: values.astype(np.float64) for name, values in one.state_dict().items()})
    assert all(before is now for before, now in zip(kept, two.parameters(), strict=True))
    assert two.first.weight.dtype == np.float32
    x = ag.Tensor(np.array([[1.0, -2.0]], np.float32))
    np.testing.assert_array_equal(one.eval()(x).data, two.eval()(x).data)
    one.first.weight.data += 1  # not shared
    assert not np.array_equal(one.first.weight.data, two.first.weight.data)


def test_a_state_of_another_network_changes_nothing():
    network = Network()
    before = {name: values.copy() for name, values in network.state_dict().items()}
    other = {name: values + 1 for name, values in before.items()}
    renamed = {("more" if name == "scale" else name): values for name, values in other.items()}
    with pytest.raises(OperandError) as caught:
        network.load_state_dict(renamed)
    assert str(caught.value) == (
        "the state lacks ['scale'] and has ['more'] beyond what the network has; load it into the network it was saved "
        "from."
    )
    with pytest.raises(OperandError) as caught:
        network.load_state_dict({**other, "others.0.bias": np.zeros(5)})
    assert str(caught.value) == (
        "the state's 'others.0.bias' has the shape (5,) and the network's (3,); build the network with the sizes it "
        "was saved with."
    )
    with pytest.raises(OperandError) as caught:
        network.load_state_dict({name: values for name, values in other.items() if name != "scale"})
    assert str(caught.value).startswith("the state lacks ['scale'] and has nothing beyond")
    for name, values in network.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


def test_arrays_can_be_taken_as_they_are():
    network = Network()
    given = {name: values + 1 for name, values in network.state_dict().items()}
    given["scale"] = given["scale"].astype(np.float64 if given["scale"].dtype == np.float32 else np.float32)
    parameters = dict(network.named_parameters())
    before = network.state_dict()
    network.load_state_dict(given, assign=True)
    for name, values in network.state_dict().items():
        np.testing.assert_array_equal(values, given[name])
        assert values.dtype == before[name].dtype
        if name in parameters:
            assert (values is given[name]) == (name != "scale"), "what is of another type is converted"
        else:
            assert values is before[name], "a buffer keeps its array"


def test_training_and_evaluating():
    network = Network()
    assert all(module.training for module in network.modules())
    assert network.eval() is network
    assert not any(module.training for module in network.modules())
    network.train()
    assert network.others[2].training


def test_gradients_are_forgotten():
    network = Network()
    network(ag.Tensor(np.ones((4, 2), np.float32))).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.zero_grad()
    assert all(parameter.grad is None for parameter in network.parameters())
