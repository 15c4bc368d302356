"""Freed memory stays with the process."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from chainrule.runtime.memory import keep_freed_memory
kept = {kept} and keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(1 << 23)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(int(kept), faults())
"""


def run(*, kept):
    command = [sys.executable, "-c", SCRIPT.format(kept=kept)]
    done, faults = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return done == "1", int(faults)


def test_freed_blocks_are_not_filled_anew():
    is_done, faults = run(kept=True)
    if not is_done:
        pytest.skip("the C library is not glibc")
    assert faults < run(kept=False)[1] / 10
