"""Freed memory stays with the process, and a run asks for that."""

import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = """
import resource
import sys
import numpy as np
{first}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(1 << 23)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""
LARGE_PAGES = """
import re
{first}
def held():
    with open("/proc/self/smaps_rollup") as file:
        return int(re.search(r"AnonHugePages: *([0-9]+)", file.read())[1])
before = held()
block = bytearray(1 << 26)  # no array of numpy, which asks for large pages by itself
print(held() - before)
"""
KEEP = "from chainrule.runtime.memory import keep_freed_memory; kept = keep_freed_memory()"
TRAIN = """
from chainrule import api
api.train("mlp-regression", dataset="diabetes", steps=2, threads=1, output={output!r})
"""
RESUME = """
from pathlib import Path
from chainrule import api
(Path({output!r}) / "report.json").unlink()
api.resume({output!r})
"""


def last_number_of(script, first):
    """What a script prints last, in a process of its own that does something first."""
    command = [sys.executable, "-c", script.format(first=first)]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()[-1])


def faults_after(first):
    """Pages filled anew for 20 blocks of 64 MiB, one after the other."""
    return last_number_of(FAULTS, first)


@pytest.fixture(scope="module")
def by_default():
    if not faults_after(f"{KEEP}\nif not kept: print(-1), sys.exit()") >= 0:
        pytest.skip("the C library is not glibc")
    return faults_after("")


def kilobytes_in_large_pages(first):
    """Of a block of 64 MiB that is written to."""
    return last_number_of(LARGE_PAGES, first)


@pytest.fixture(scope="module")
def large_pages():
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[madvise]" not in setting.read_text():
        pytest.skip("the system does not give large pages to those alone that ask")


@pytest.mark.usefixtures("by_default", "large_pages")
def test_blocks_are_in_large_pages_but_for_a_process_that_is_limited():
    assert kilobytes_in_large_pages("") == 0
    assert kilobytes_in_large_pages(KEEP) > 32 << 10
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 34, 1 << 34))"
    assert kilobytes_in_large_pages(f"{limited}\n{KEEP}") == 0


def test_freed_blocks_are_not_filled_anew(by_default):
    assert faults_after(KEEP) < by_default / 10


def test_a_run_keeps_them_and_so_does_one_that_goes_on(by_default, tmp_path):
    output = str(tmp_path / "run")
    assert faults_after(TRAIN.format(output=output)) < by_default / 10
    assert faults_after(RESUME.format(output=output)) < by_default / 10
