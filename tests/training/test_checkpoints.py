"""Checkpoints are whole or not there; a torn one is passed over."""

import errno
import shutil

import numpy as np
import pytest
import torch

from chainrule.errors import CheckpointError, StorageError
from chainrule.training import checkpoints as module
from chainrule.training.checkpoints import Checkpoints


def written(tmp_path, steps, *, keep=2, best=None):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=keep)
    for step in steps:
        checkpoints.write(step, {"step": step, "values": np.full(3, step)}, best=best)
    checkpoints.wait()
    return checkpoints


def test_the_last_few_and_the_best_stay(tmp_path):
    checkpoints = written(tmp_path, [2, 4, 6, 8, 10], keep=2, best=4)
    assert checkpoints.steps() == [4, 8, 10]
    assert checkpoints.read(4)["values"].tolist() == [4, 4, 4]


def test_steps_are_ordered_as_numbers(tmp_path):
    assert written(tmp_path, [9, 10, 100], keep=3).steps() == [9, 10, 100]


def test_what_is_written_is_the_state_at_the_call(tmp_path):
    checkpoints, values = Checkpoints(tmp_path / "c", keep=1), np.zeros(100_003)
    checkpoints.write(1, {"values": values}, best=None)
    values += 1
    checkpoints.wait()
    assert not checkpoints.read(1)["values"].any()


@pytest.mark.parametrize("damage", ["cut", "flip", "remove", "manifest", "empty manifest", "whole folder"])
def test_a_torn_checkpoint_is_passed_over(tmp_path, damage, caplog):
    caplog.set_level("INFO", logger="chainrule")
    checkpoints = written(tmp_path, [5, 7])
    newest = tmp_path / "checkpoints/step-7"
    arrays, manifest = newest / "arrays.safetensors", newest / "checkpoint.json"
    match damage:
        case "cut":
            arrays.write_bytes(arrays.read_bytes()[:-1])
        case "flip":
            arrays.write_bytes(arrays.read_bytes()[:-1] + b"\x01")
        case "remove":
            arrays.unlink()
        case "manifest":
            manifest.unlink()
        case "empty manifest":
            manifest.write_text("[]")
        case _:
            shutil.rmtree(newest)
            newest.mkdir()
    assert checkpoints.read_newest()["step"] == 5
    assert "step-7 is damaged" in caplog.text
    assert "Going back to the one before it." in caplog.text
    assert checkpoints.steps() == [5]


def test_where_none_is_whole_the_run_begins_again(tmp_path):
    checkpoints = written(tmp_path, [7])
    (tmp_path / "checkpoints/step-7/state.json").write_text("")
    assert checkpoints.read_newest() is None
    assert checkpoints.steps() == []


def test_a_checkpoint_whose_best_one_is_torn_is_passed_over_too(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=3)
    for step, best in ((2, 2), (4, 2), (6, 6), (8, 6)):
        checkpoints.write(step, {"step": step}, best=best)
    checkpoints.wait()
    (tmp_path / "checkpoints/step-6/state.json").write_text("{}")
    assert checkpoints.read_newest()["step"] == 4
    assert checkpoints.steps() == [2, 4]


def test_a_torn_newest_one_does_not_push_out_the_whole_ones(tmp_path):
    written(tmp_path, [5, 10], keep=2)
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=1)
    (tmp_path / "checkpoints/step-10/state.json").write_text("")
    assert checkpoints.read_newest()["step"] == 5
    checkpoints.write(7, {"step": 7}, best=None)
    checkpoints.wait()
    assert checkpoints.read_newest()["step"] == 7


def test_reading_a_torn_one_is_one_sentence(tmp_path):
    checkpoints = written(tmp_path, [7])
    (tmp_path / "checkpoints/step-7/state.json").write_text("")
    with pytest.raises(CheckpointError, match="step-7 is damaged: state.json is not what was written"):
        checkpoints.read(7)


def test_none_written_is_none(tmp_path):
    assert Checkpoints(tmp_path / "none", keep=1).read_newest() is None


def test_a_full_disk_leaves_the_last_one_whole(tmp_path, monkeypatch):
    checkpoints = written(tmp_path, [3])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "weights")

    monkeypatch.setattr(module, "write_tree", full)
    checkpoints.write(6, {"step": 6}, best=None)
    with pytest.raises(StorageError, match="no space to write weights: .* MiB are free there; make room"):
        checkpoints.wait()
    assert checkpoints.steps() == [3]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-3"]
    assert checkpoints.read_newest()["step"] == 3


def test_a_foreign_name_is_no_checkpoint(tmp_path):
    checkpoints = written(tmp_path, [3])
    (tmp_path / "checkpoints/step-9-mine").mkdir()
    (tmp_path / "checkpoints/notes.txt").touch()
    assert checkpoints.steps() == [3]


@pytest.mark.parametrize("array", [np.zeros(5000), torch.zeros(5000)])
def test_weights_for_which_there_is_no_space_are_told(tmp_path, full_disk, array):
    checkpoints = written(tmp_path, [3])
    with full_disk(1000):
        checkpoints.write(7, {"weights": array}, best=None)
        with pytest.raises(StorageError, match="no space to write .*step-7.*; make room, then resume the run."):
            checkpoints.wait()
    assert checkpoints.steps() == [3]
    assert checkpoints.read_newest()["step"] == 3
    assert not list((tmp_path / "checkpoints").glob(".partial-*"))
