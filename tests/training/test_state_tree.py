"""A state written and read back is the same, bit for bit, whatever arrays it holds."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule.errors import CheckpointError
from chainrule.training.state_tree import copy_tree, read_tree, write_tree

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "$array"), inner),
    max_leaves=20,
)
numpy_arrays = arrays.arrays(
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_, np.uint32]),
    shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
)


@given(tree=st.dictionaries(st.text().filter(lambda key: key != "$array"), json_values | numpy_arrays))
def test_round_trip(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    write_tree(folder, copy_tree(tree))
    read = read_tree(folder)
    assert read.keys() == tree.keys()
    for key, value in tree.items():
        if isinstance(value, np.ndarray):
            assert read[key].dtype == value.dtype
            assert read[key].shape == value.shape
            assert read[key].tobytes() == value.tobytes()
        else:
            assert read[key] == value


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool])
def test_tensors_keep_every_bit(tmp_path, kind):
    tensor = (torch.arange(2 * 3 * 5) % 2).reshape(2, 3, 5).to(kind)
    tree = {"a": tensor, "list": [tensor.transpose(0, 2), {"scalar": tensor[1, 0, 1]}]}
    write_tree(tmp_path, copy_tree(tree))
    read = read_tree(tmp_path)
    assert read["a"].dtype == kind
    assert torch.equal(read["a"], tensor)
    assert torch.equal(read["list"][0], tensor.transpose(0, 2))
    assert read["list"][1]["scalar"].shape == ()


def test_infinities_and_nan_survive(tmp_path):
    write_tree(tmp_path, {"high": math.inf, "low": -math.inf, "none": math.nan})
    read = read_tree(tmp_path)
    assert (read["high"], read["low"]) == (math.inf, -math.inf)
    assert math.isnan(read["none"])


def test_a_copy_is_not_touched_by_later_updates():
    weights, numbers = torch.zeros(3), np.zeros(3)
    copied = copy_tree({"weights": weights, "numbers": [numbers]})
    weights += 1
    numbers += 1
    assert copied["weights"].tolist() == [0, 0, 0]
    assert copied["numbers"][0].tolist() == [0, 0, 0]


def test_weights_that_share_memory_are_kept_apart(tmp_path):
    shared = torch.arange(5.0)
    write_tree(tmp_path, copy_tree({"one": shared, "two": shared}))
    read = read_tree(tmp_path)
    assert read["one"].tolist() == read["two"].tolist() == shared.tolist()


@pytest.mark.parametrize("tree", [{"a": {1: 2}}, {"a": {"$array": 1}}])
def test_keys_that_cannot_be_kept_are_refused(tmp_path, tree):
    with pytest.raises(TypeError, match="keys must be strings other than"):
        write_tree(tmp_path, tree)


def test_a_damaged_state_is_one_sentence(tmp_path):
    write_tree(tmp_path, {"a": np.zeros(3), "b": torch.zeros(2)})
    for name in ("arrays.safetensors", "tensors.safetensors"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-1])
        with pytest.raises(CheckpointError, match=f"{name} is damaged"):
            read_tree(tmp_path)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match="the state in .* is damaged"):
        read_tree(tmp_path)
