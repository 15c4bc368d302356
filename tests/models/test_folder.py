"""The model folder: round trip, and what happens to one that is damaged or hostile."""

import json
import pickle
import re
import resource
import struct
import subprocess
import sys

import pytest
import torch

from chainrule.errors import ModelFolderError, StorageError
from chainrule.models.folder import ModelConfig, build_model, read_model, seal, write_model

CONFIG = ModelConfig(
    family="mlp",
    arguments={"input_size": 7, "hidden_sizes": [5], "output_size": 3, "dropout": 0.25},
    task="tabular-classification",
    recipe="mlp-classification",
    classes=("猫", "dog", "10"),
)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    write_model(tmp_path, build_model(CONFIG), CONFIG, {"notes.txt": "é好"})
    return tmp_path


def test_round_trip(folder):
    torch.manual_seed(0)
    before = build_model(CONFIG).eval()
    model, config = read_model(folder)
    assert config == CONFIG
    assert not model.training
    x = torch.randn(11, 7)
    assert torch.equal(model(x), before(x))
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_sums_are_those_of_sha256sum(folder):
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert sorted(checked.stdout.splitlines()) == [
        "config.json: OK",
        "model.safetensors: OK",
        "notes.txt: OK",
    ]


def refused(folder, *, sealed=True):
    if sealed:
        seal(folder)
    with pytest.raises(ModelFolderError) as caught:
        read_model(folder)
    return re.sub(re.escape(str(folder)), "M", str(caught.value))


def test_a_changed_file_is_noticed(folder):
    (folder / "notes.txt").write_text("other")
    assert refused(folder, sealed=False) == (
        "M/notes.txt is not what was written (its SHA-256 differs); copy the folder again."
    )


def test_a_missing_file_is_named(folder):
    (folder / "notes.txt").unlink()
    assert refused(folder, sealed=False) == (
        "M lacks the file 'notes.txt' that SHA256SUMS lists; copy the whole folder again."
    )


def test_a_name_that_leaves_the_folder_is_refused(folder):
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  ../outside\n")
    assert refused(folder, sealed=False).startswith("M lacks the file '../outside'")


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="is not a folder; give the `model` folder of a run"):
        read_model(tmp_path / "file")
    with pytest.raises(ModelFolderError, match="has no readable SHA256SUMS, so it is no model folder"):
        read_model(tmp_path)


def test_a_pickle_is_never_read(folder):
    class Hostile:
        def __reduce__(self):
            return (print, ("the pickle ran",))

    (folder / "model.safetensors").write_bytes(pickle.dumps({"a": Hostile()}))
    assert refused(folder) == (
        "M/model.safetensors is not a safetensors file (it begins as a pickle does); "
        "only safetensors are read, never pickles."
    )
    torch.save({"a": 1}, folder / "model.safetensors")
    assert "is not a safetensors file (it begins as a zip archive does)" in refused(folder)


def test_a_header_of_100_megabytes_costs_no_memory(folder):
    size = 100_000_000
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", size) + b"{")
        file.truncate(size + 9)
    seal(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "M/model.safetensors is not a safetensors file" in refused(folder, sealed=False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 7, struct.pack("<Q", 2) + b"{}", struct.pack("<Q", 9) + b"{garbage}"]
)
def test_a_short_or_garbled_file_is_one_sentence(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    sentence = refused(folder)
    assert sentence.startswith("M/model.safetensors ")
    assert len(sentence) < 300


def test_a_configuration_cannot_ask_for_memory(folder):
    config = json.loads((folder / "config.json").read_text())
    config["arguments"]["hidden_sizes"] = [10**7, 10**7]
    (folder / "config.json").write_text(json.dumps(config))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "M/model.safetensors does not fit config.json" in refused(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("format", 99, "M/config.json is in format 99, this version reads format 1; use the version"),
        ("arguments", {"input": 3}, "M/model.safetensors does not fit config.json"),
        ("arguments", 7, "M/config.json is not a model's configuration"),
        ("id2label", {"1": "x"}, "M/config.json is not a model's configuration"),
    ],
)
def test_a_configuration_that_does_not_fit_is_one_sentence(folder, key, value, sentence):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: value}))
    assert refused(folder).startswith(sentence)


def test_a_family_is_looked_up_and_never_imported(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "antigravity:fly"}))
    assert refused(folder).startswith(
        "M/config.json names an architecture this version lacks: there is no model family named 'antigravity:fly'"
    )
    assert "antigravity" not in sys.modules


def test_a_configuration_in_another_encoding(folder):
    (folder / "config.json").write_bytes("{}".encode("utf-16"))
    assert refused(folder).startswith("M/config.json cannot be read")


def test_a_model_for_which_there_is_no_space_is_told(tmp_path, full_disk):
    with full_disk(100), pytest.raises(StorageError, match="no space to write .*; make room, then resume the run."):
        write_model(tmp_path, build_model(CONFIG), CONFIG, {})
