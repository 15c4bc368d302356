"""Real SIGKILL at random moments, real processes, a disk that fills up, and Ctrl-C."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

from chainrule.recipes.setting_types import flag_of
from tests.crash.small_runs import recipe_in, small_runs
from tests.crash.test_crash_points import RECIPES, promised

LONGER = {"steps": 160, "log_every": 3, "checkpoint_every": 5, "evaluate_every": 40}
KILLED = RECIPES if "--real-kills" in " ".join(sys.argv) else RECIPES[:3]
TOO_LONG = 240  # seconds


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return {name: {**run, **LONGER} for name, run in small_runs(tmp_path_factory.mktemp("data")).items()}


def command(name, settings, output):
    """The call that starts the run, or the one that goes on with it."""
    program = [sys.executable, "-m", "chainrule"]
    if (output / "run.json").exists():
        return [*program, "resume", str(output)]
    flags = [
        f"{flag_of(name)}={item}"
        for name, value in settings.items()
        for item in (value if isinstance(value, tuple) else (value,))
    ]
    return [*program, "train", recipe_in(name), *flags, f"--output={output}"]


def finish(name, settings, output):
    done = subprocess.run(
        command(name, settings, output), capture_output=True, text=True, timeout=TOO_LONG, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def steps_done(output):
    lines = (output / "timings.jsonl").read_bytes().splitlines() if (output / "timings.jsonl").exists() else []
    return len(lines)


@pytest.mark.parametrize("recipe", KILLED)
def test_killed_again_and_again_it_ends_with_the_same_bytes(recipe, runs, tmp_path, real_kills):
    settings, output = runs[recipe], tmp_path / "killed"
    finish(recipe, settings, tmp_path / "whole")
    draw = random.Random(recipe)
    killed_in_training = 0
    for _ in range(real_kills):
        with subprocess.Popen(
            command(recipe, settings, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            # Start-up takes seconds, a step milliseconds: count from where the steps begin.
            before, begun = steps_done(output), time.monotonic()
            while process.poll() is None and steps_done(output) <= before and time.monotonic() - begun < TOO_LONG:
                time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            killed_in_training += process.wait() == -signal.SIGKILL
    finish(recipe, settings, output)
    assert killed_in_training > 0
    assert promised(output) == promised(tmp_path / "whole")


def test_ctrl_c_writes_a_checkpoint_and_says_how_to_go_on(runs, tmp_path):
    recipe, output = "mlp-regression", tmp_path / "run"
    settings = runs[recipe]
    finish(recipe, settings, tmp_path / "whole")
    with subprocess.Popen(command(recipe, settings, output), stderr=subprocess.PIPE, text=True) as process:
        while steps_done(output) < 3:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped by SIGINT after step" in told
    assert f"go on from it with: chainrule resume {output}" in told
    assert "Traceback" not in told
    finish(recipe, settings, output)
    assert promised(output) == promised(tmp_path / "whole")


def test_a_disk_that_fills_up_stops_the_run_and_keeps_the_last_checkpoint(runs, tmp_path):
    """No file may grow beyond a limit; to a program that is a full disk, and it needs no rights to set up."""
    recipe, output = "mlp-regression", tmp_path / "run"
    settings = {**runs[recipe], "log_every": 1}
    finish(recipe, settings, tmp_path / "whole")
    limit = (tmp_path / "whole/metrics.jsonl").stat().st_size // 2

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    # Weights of a few kilobytes, so that the journal meets the limit and not the first checkpoint.
    full = subprocess.run(
        command(recipe, settings, output), capture_output=True, text=True, preexec_fn=limited, check=False
    )
    assert full.returncode == 1
    assert "no space to write" in full.stderr
    assert f"go on from it with: chainrule resume {output}" in full.stderr
    assert "Traceback" not in full.stderr
    assert json.loads((output / "run.json").read_text())["recipe"] == recipe
    finish(recipe, settings, output)
    assert promised(output) == promised(tmp_path / "whole")


def test_a_torn_checkpoint_costs_only_the_steps_after_the_one_before(runs, tmp_path):
    recipe, output = "mlp-regression", tmp_path / "run"
    finish(recipe, runs[recipe], tmp_path / "whole")
    with subprocess.Popen(command(recipe, runs[recipe], output), stderr=subprocess.DEVNULL) as process:
        while len(list(output.glob("checkpoints/step-*"))) < 2:
            time.sleep(0.005)
        process.kill()
    newest = max(output.glob("checkpoints/step-*"), key=lambda path: int(path.name.removeprefix("step-")))
    tensors = newest / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[: tensors.stat().st_size // 2])
    told = finish(recipe, runs[recipe], output).stderr
    assert f"{newest.name} is damaged: tensors.safetensors is not what was written" in told
    assert promised(output) == promised(tmp_path / "whole")


def test_two_at_once_are_refused(runs, tmp_path):
    recipe, output = "mlp-regression", tmp_path / "run"
    settings = {**runs[recipe], "steps": 100_000}  # the first is at work until it is stopped
    with subprocess.Popen(command(recipe, settings, output), stderr=subprocess.DEVNULL) as first:
        try:
            while steps_done(output) < 1:
                time.sleep(0.005)
            second = subprocess.run(
                command(recipe, settings, output), capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            os.kill(first.pid, signal.SIGTERM)
    assert second.returncode == 1
    assert f"another process is writing to {output}; wait until it ends, or stop it first." in second.stderr
    assert first.returncode == 130
