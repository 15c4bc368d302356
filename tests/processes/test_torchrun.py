"""The command itself: real processes, started by torchrun, told apart from what they would do alone."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.crash.small_runs import COMMON
from tests.crash.test_crash_points import promised
from tests.crash.test_real_kills import command, steps_done
from tests.processes.jobs import assert_same_curve, assert_same_weights, checkpoints

TOO_LONG = 240  # seconds
RECIPE = "image-cnn"
SETTINGS = {
    **COMMON,
    "dataset": "digits",
    "widths": (4, 8),
    "batch_size": 64,
    "dropout": 0,
    "label_smoothing": 0,  # with it, differences of rounding grow to 2e-5 in 50 steps
    "precision": "fp32",
    "steps": 120,
}
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]


def several(*arguments, **options):
    """torchrun at work, with the program in two processes."""
    program = [*TORCHRUN, "chainrule", *arguments]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def ended(process):
    """Its exit status, what it printed, and the sentences of chainrule, not of torchrun, on standard error."""
    printed, told = process.communicate(timeout=TOO_LONG)
    assert "terminate called" not in told, told
    return process.returncode, printed, told


def arguments(output):
    return command(RECIPE, SETTINGS, output)[3:]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A whole run in two processes, and what it printed."""
    output = tmp_path_factory.mktemp("two") / "run"
    status, printed, told = ended(several(*arguments(output), "--json"))
    assert status == 0, told
    return output, printed, told


def test_the_command_trains_in_two_processes_as_in_one(two, tmp_path):
    output, printed, told = two
    alone = subprocess.run(
        [*command(RECIPE, SETTINGS, tmp_path / "run"), "--json"], capture_output=True, text=True, check=True
    )
    assert_same_curve(output, tmp_path / "run")
    assert_same_weights(output, tmp_path / "run")
    report = json.loads(printed)
    assert report == json.loads((output / "report.json").read_text())
    assert report.keys() == json.loads(alone.stdout).keys()
    assert told.count(f"training image-cnn in {output} on cpu in fp32 in 2 processes") == 1
    assert told.count("The values 0 to 16 are scaled to 0 to 255.") == 1
    assert told.count(f"step {SETTINGS['steps']}/{SETTINGS['steps']}") == 1


def workers(process):
    """The processes that torchrun started, the first one first."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    return sorted(map(int, listed.stdout.split()))


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_run_and_resumed_it_has_the_same_bytes(rank, two, tmp_path):
    output = tmp_path / "run"
    process = several(*arguments(output))
    wait_for_steps(process, output)
    os.kill(workers(process)[rank], signal.SIGKILL)
    begun = time.monotonic()
    status, printed, told = ended(process)
    assert time.monotonic() - begun < 30
    assert (status, printed) == (1, "")
    assert told.count("chainrule: a process of this run has ended or cannot be reached") == 1, told
    assert told.count("Traceback") == told.count("ChildFailedError") - told.count("raise ChildFailedError")
    assert not (output / "report.json").exists()
    status, _, told = ended(several("resume", str(output)))
    assert status == 0, told
    assert promised(output) == promised(two[0])


def wait_for_steps(process, output):
    while steps_done(output) < 4 or not checkpoints(output):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_torchrun_stopped_writes_a_checkpoint_and_says_how_to_go_on(number, two, tmp_path):
    output = tmp_path / "run"
    process = several(*arguments(output))
    wait_for_steps(process, output)
    process.send_signal(number)
    status, printed, told = ended(process)
    assert status != 0
    assert printed == ""
    (sentence,) = [line for line in told.splitlines() if line.startswith("chainrule: ")]
    assert sentence.startswith(f"chainrule: stopped by {number.name} after step ")
    step = int(sentence.split()[6])
    assert checkpoints(output)[-1] == step < SETTINGS["steps"]
    going_on = f"torchrun --nproc-per-node 2 -m chainrule resume {output}"
    assert f"the last checkpoint is of step {step}; go on from it with: {going_on}" in told
    if number == signal.SIGTERM:
        status, _, told = ended(several("resume", str(output)))
        assert status == 0, told
        assert promised(output) == promised(two[0])


def test_what_is_not_shared_the_first_process_does(two):
    output, *_ = two
    status, printed, told = ended(several("evaluate", str(output), "--json"))
    assert status == 0, told
    assert json.loads(printed)["value"] == json.loads((output / "report.json").read_text())["value"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", RECIPE, "--stepps", "3"], "--stepps"),
        (["train", RECIPE, "--steps", "0"], "chainrule: --steps is 0; it must be from 1 to 1,000,000,000,000."),
        (["resume", "nowhere"], "chainrule: nowhere is not the folder of a run (it has no run.json);"),
    ],
)
def test_a_mistake_is_told_once(words, sentence, tmp_path):
    status, printed, told = ended(several(*words, cwd=tmp_path))
    assert (status, printed) == (1, "")
    assert told.count(sentence) == 1, told
    assert len([line for line in told.splitlines() if line.startswith("chainrule: ")]) == 1
