"""Rows of tables reach a model the same from memory and from disk; texts are packed."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from chainrule.data import row_store
from chainrule.data.dataset import Dataset
from chainrule.data.preprocess import TablePreprocessor
from chainrule.data.text_tokens import train_tokenizer
from chainrule.data.token_store import encode
from chainrule.learners import batches


@pytest.mark.parametrize("most", [1 << 24, 0])
def test_rows_from_memory_and_from_disk_are_the_same(monkeypatch, most):
    monkeypatch.setattr(row_store, "MOST_VALUES", most)
    columns = {
        "size": pa.array([2.0, 6.0, 7.0, 1.0]),
        "colour": pa.array(["red", "blue", None, "red"]).dictionary_encode(),
        "target": pa.array([0.0] * 4),
    }
    codes = np.zeros(4, np.uint8)
    examples = Dataset(name="t", kind="table", rows=pa.table(columns), split_codes=codes, sha256="").split("train")
    gather = batches.gather_table(examples, TablePreprocessor.fit(examples), torch.device("cpu"))
    (features,) = gather(np.array([3, 1, 3]))
    deviation = np.sqrt(6.5)
    expected = [[-3 / deviation, 0, 1], [2 / deviation, 1, 0], [-3 / deviation, 0, 1]]
    torch.testing.assert_close(features, torch.tensor(expected, dtype=torch.float32))


def test_packed_texts_stand_one_after_another():
    tokenizer = train_tokenizer("characters", ["aabbcc"], vocabulary_size=5)  # a 2, b 3, c 4
    gather = batches.gather_packed(encode(tokenizer, ["abc", "c", "ba"], max_length=9), torch.device("cpu"))
    tokens, lengths = gather(np.array([2, 0]))
    assert (tokens.tolist(), lengths.tolist()) == ([3, 2, 2, 3, 4], [2, 3])
    assert tokens.dtype == lengths.dtype == torch.int64
