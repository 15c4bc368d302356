"""The perceptron on our own autograd: torch's twin, its folder, and what is never allocated."""

import resource
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from chainrule.autograd import Tensor
from chainrule.errors import ModelFolderError, StorageError, UnknownNameError
from chainrule.models.arrays import Blank
from chainrule.models.folder import ModelConfig, read_model, write_model
from chainrule.models.perceptron import forward_flops, perceptron

SIZES = {"input_size": 7, "hidden_sizes": [5, 11], "output_size": 3}
CONFIG = ModelConfig(
    family="perceptron",
    arguments={**SIZES, "activation": "gelu"},
    task="tabular-classification",
    recipe="backprop-classifier",
    classes=("a", "b", "c"),
)
TWINS = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}


@pytest.fixture
def network():
    return perceptron(**CONFIG.arguments, generator=np.random.default_rng(2))


@pytest.mark.parametrize("activation", TWINS)
def test_torch_s_twin_takes_the_weights_and_gives_the_same(activation):
    ours = perceptron(**SIZES, activation=activation, generator=np.random.default_rng(1))
    made = TWINS[activation]
    twin = nn.Sequential(nn.Linear(7, 5), made(), nn.Linear(5, 11), made(), nn.Linear(11, 3))
    twin.load_state_dict({name: torch.from_numpy(values) for name, values in ours.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((13, 7)).astype(np.float32)
    np.testing.assert_allclose(ours(Tensor(x)).data, twin(torch.from_numpy(x)).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_without_hidden_layers_it_is_one_weighted_sum():
    network = perceptron(input_size=2, hidden_sizes=(), output_size=1, generator=np.random.default_rng(0))
    network.load_state_dict({"0.weight": [[2.0, -3.0]], "0.bias": [0.5]})
    assert network(Tensor(np.array([[1.0, 4.0]], np.float32))).data.tolist() == [[2 - 12 + 0.5]]


def test_the_generator_decides_the_weights():
    first, same, other = (perceptron(**SIZES, generator=np.random.default_rng(seed)).state_dict() for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first)


def test_operations_are_two_a_weight_and_example(network):
    assert forward_flops(network, 13) == 2 * 13 * (7 * 5 + 5 * 11 + 11 * 3)


def test_an_unknown_activation_is_named():
    with pytest.raises(UnknownNameError, match="there is no activation named 'tang'; did you mean 'tanh'?"):
        perceptron(**SIZES, activation="tang", generator=np.random.default_rng(0))


def test_round_trip(tmp_path, network):
    write_model(tmp_path, network, CONFIG, {"notes.txt": "x"})
    read, config = read_model(tmp_path)
    assert config == CONFIG
    x = Tensor(np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32))
    assert np.array_equal(read(x).data, network(x).data)
    assert not read.training
    assert not any(parameter.requires_grad for parameter in read.parameters())


def test_torch_reads_the_file(tmp_path, network):
    write_model(tmp_path, network, CONFIG, {})
    weights = load_file(tmp_path / "model.safetensors")
    assert list(weights) == sorted(["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"])
    assert torch.equal(weights["2.weight"], torch.from_numpy(network.state_dict()["2.weight"]))


def test_a_configuration_cannot_ask_for_memory(tmp_path, network):
    hungry = replace(CONFIG, arguments={**CONFIG.arguments, "hidden_sizes": [10**7, 10**7]})
    write_model(tmp_path, network, hungry, {})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFolderError, match=r"model.safetensors does not fit config.json \(the state's '0.weight'"):
        read_model(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


def test_a_blank_network_takes_no_memory():
    drawn = Blank().uniform(-1, 1, (10**6, 10**6))
    assert (drawn.shape, drawn.dtype, drawn.strides) == ((10**6, 10**6), np.float32, (0, 0))


def test_a_model_for_which_there_is_no_space_is_told(tmp_path, full_disk, network):
    with full_disk(100), pytest.raises(StorageError, match="no space to write .*; make room, then resume the run."):
        write_model(tmp_path, network, CONFIG, {})
