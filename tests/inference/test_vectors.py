"""The best action for a vector, and what is refused."""

import numpy as np
import pytest
import torch

from chainrule.errors import DataError, ModelFolderError, NotFiniteError
from chainrule.inference.vectors import VectorPredictor
from chainrule.models.folder import ModelConfig
from chainrule.models.q_network import VectorQNetwork
from chainrule.models.value_iteration import ValueIteration
from chainrule.runtime.devices import Compute

COMPUTE = Compute(device="cpu", precision="fp32", threads=1)


def made(tmp_path, *, classes=("left", "stay", "right"), network=None):
    torch.manual_seed(0)
    network = network or VectorQNetwork(input_size=5, hidden_sizes=(7,), actions=3)
    config = ModelConfig(family="it", arguments={}, task="reinforcement-learning", recipe="maze-dqn", classes=classes)
    return VectorPredictor(tmp_path, network, config, COMPUTE)


def test_answers_are_the_network_s(tmp_path):
    predictor, draw = made(tmp_path), np.random.default_rng(0)
    vectors = draw.normal(size=(11, 5)).astype(np.float32)
    with torch.no_grad():
        wanted = predictor.network(torch.from_numpy(vectors))[:, 0].numpy()
    for answer, row in zip(predictor.predict([str(vectors[0].tolist()), *vectors[1:]]), wanted, strict=True):
        assert list(answer["values"].values()) == pytest.approx(row.tolist(), abs=1e-6)
        assert answer["label"] == ("left", "stay", "right")[row.argmax()]
        assert answer["value"] == pytest.approx(float(row.max()), abs=1e-6)
    assert predictor.predict([]) == []
    assert predictor.predict([predictor.example()])


@pytest.mark.parametrize(
    "given",
    [
        *("[1, 2]", "left", "[1, 2, 3, 4, true]", [1, 2, 3, 4, float("nan")], 7, "[[1], 2, 3, 4, 5]"),
        *("[1e39, 2, 3, 4, 5]", f"[1{400 * '0'}, 2, 3, 4, 5]"),
    ],
)
def test_what_is_no_vector_is_refused(given, tmp_path):
    with pytest.raises(DataError) as error:
        made(tmp_path).predict([given])
    assert str(error.value) == (
        f"input 1 is {str(given)[:60]!r}; a list of 5 numbers was needed, such as [0.0, 0.0, 0.0, 0.0, 0.0]."
    )


def test_damaged_folders_are_refused(tmp_path):
    with pytest.raises(ModelFolderError, match="does not name each of its actions; copy the whole model folder again."):
        made(tmp_path, classes=("left", "right"))
    with pytest.raises(ModelFolderError, match="holds a 'it', which is no Q-network over vectors."):
        made(tmp_path, network=ValueIteration(lowest=-1.0, discount=0.9))
    predictor = made(tmp_path)
    torch.nn.init.constant_(predictor.network.output.bias, float("inf"))
    with pytest.raises(NotFiniteError, match="the network gives values that are not finite"):
        predictor.predict([[0, 0, 0, 0, 0]])
