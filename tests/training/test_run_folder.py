"""A run's folder is new or empty, has one writer, and says what it is."""

import os
import signal
import subprocess
import sys

import pytest

from chainrule.errors import OutputFolderError, ResumeError
from chainrule.training.journal import Journal, cut_back, read_lines
from chainrule.training.run_folder import RunFolder, new_run_folder, only_writer
from chainrule.training.stopping import stop_requests


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputFolderError) as caught:
        new_run_folder(tmp_path, "sentiment", 0)
    assert str(caught.value) == (
        f"--output {tmp_path} is not empty; give a new folder, or go on with `chainrule resume {tmp_path}`."
    )
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputFolderError, match="is a file; give a folder that is new or empty"):
        new_run_folder(tmp_path / "file", "sentiment", 0)


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")
    paths = [str(new_run_folder(None, "sentiment", 5).path) for _ in range(3)]
    first = "runs/sentiment/20260101-000000-5"
    assert paths == [first, f"{first}-2", f"{first}-3"]


def test_there_is_one_writer(tmp_path):
    run = RunFolder(tmp_path)
    program = (
        "import sys; from pathlib import Path; from chainrule.training.run_folder import RunFolder, only_writer\n"
        "with only_writer(RunFolder(Path(sys.argv[1]))): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with (
            pytest.raises(OutputFolderError, match="another process is writing to .*; wait until it ends"),
            only_writer(run),
        ):
            pass
        other.kill()
    with only_writer(run):  # the system gave the lock back
        pass


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "is not the folder of a run"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        (
            '{"format": 99, "versions": {"chainrule": "9.1"}}',
            "was written in format 99, this version reads format 1; use chainrule 9.1",
        ),
    ],
)
def test_a_record_that_cannot_be_used_is_one_sentence(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ResumeError, match=sentence):
        RunFolder(tmp_path).read_record()


def test_lines_after_the_checkpoint_are_cut(tmp_path):
    path = tmp_path / "metrics.jsonl"
    journal = Journal(path)
    for step in (1, 2, 2, 3):
        journal.append({"step": step, "loss": step / 3, "name": "好"})
    journal.sync()
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"step": 4, "lo')
    assert [line["step"] for line in read_lines(path)] == [1, 2, 2, 3]
    before = path.read_bytes().splitlines(keepends=True)
    cut_back(path, 2)
    assert path.read_bytes() == b"".join(before[:3])
    cut_back(tmp_path / "none.jsonl", 2)
    assert not (tmp_path / "none.jsonl").exists()


def test_the_first_signal_asks_and_the_second_interrupts():
    with stop_requests() as stop:
        assert not stop
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop
        assert stop.signal_name == "SIGTERM"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
