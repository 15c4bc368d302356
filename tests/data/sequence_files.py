"""Files of sequences for the tests: the same ones in every form."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RANDOM = np.random.default_rng(7)
LENGTHS = [1 + i * i % 11 for i in range(61)]
SEQUENCES = [RANDOM.normal(size=(length, 3)).astype(np.float32) for length in LENGTHS]
LABELS = [["rising", "falling"][i % 2] for i in range(61)]


def jsonl(tmp_path, rows, name="a.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(tmp_path, **columns):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def npz(tmp_path, **arrays):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **arrays)
    return path


def lists(sequences):
    return [sequence.tolist() for sequence in sequences]


def padded(sequences, *, filler=0.0):
    array = np.full((len(sequences), max(map(len, sequences)), *sequences[0].shape[1:]), filler, sequences[0].dtype)
    for row, sequence in zip(array, sequences, strict=True):
        row[: len(sequence)] = sequence
    return array


def written(tmp_path, form, sequences=SEQUENCES, labels=LABELS):
    """The same sequences and labels, in a file of some form."""
    lengths = np.array([len(sequence) for sequence in sequences])
    rows = [{"sequence": sequence.tolist(), "label": label} for sequence, label in zip(sequences, labels, strict=True)]
    match form:
        case "jsonl":
            return jsonl(tmp_path, rows)
        case "parquet":
            return parquet(
                tmp_path, sequence=pa.array(lists(sequences), pa.list_(pa.list_(pa.float32()))), label=labels
            )
        case "parquet of float64":
            return parquet(tmp_path, steps=lists(sequences), label=labels)
        case "parquet of fixed sizes":
            kind = pa.large_list(pa.list_(pa.float32(), sequences[0].shape[1]))
            return parquet(tmp_path, anything=pa.array(lists(sequences), kind), y=labels)
        case "npz":
            return npz(tmp_path, x=padded(sequences, filler=np.nan), lengths=lengths, y=np.array(labels))
        case "npz in a row":
            return npz(tmp_path, steps=np.concatenate(sequences), lengths=lengths, labels=np.array(labels)[:, None])


FORMS = ("jsonl", "parquet", "parquet of float64", "parquet of fixed sizes", "npz", "npz in a row")


def read_back(dataset):
    """The sequences and labels that a data set holds, in the order of the file."""
    every = [np.array(rows, np.float32) for rows in dataset.rows.column("sequence").to_pylist()]
    return every, dataset.rows.column("label").to_pylist()


MEASURED = """
import resource, sys
from chainrule.data.own_files import read_own
from chainrule.errors import ChainruleError
import pyarrow.compute, pyarrow.parquet, charset_normalizer
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    dataset = read_own(sys.argv[1], kind="sequences")
    print(len(dataset.split_codes), int(dataset.split_codes.max()))
except ChainruleError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def measured(path):
    """What is printed of the data set or the error, and the memory taken in MiB."""
    done = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, check=True)
    said, mebibytes = done.stdout.splitlines()
    return said, float(mebibytes)
