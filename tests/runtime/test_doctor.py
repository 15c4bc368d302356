import json
import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from chainrule.runtime import data_types, devices, doctor, peak


@pytest.fixture
def diagnosis(monkeypatch, tmp_path):
    monkeypatch.setattr(data_types, "SIZES", (16,))
    monkeypatch.setattr(peak, "measure_peak", lambda _: 4e9)
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return doctor.diagnose()


def test_it_is_json_with_these_keys(diagnosis):
    assert json.loads(json.dumps(diagnosis, allow_nan=False)) == diagnosis
    assert list(diagnosis) == [
        "versions",
        "platform",
        "processor",
        "memory",
        "devices",
        "compute",
        "disks",
        "peak",
        "data_types",
    ]


def test_versions_are_those_that_are_installed(diagnosis):
    assert diagnosis["versions"]["torch"] == metadata.version("torch")
    assert diagnosis["versions"]["chainrule"] == metadata.version("chainrule")


def test_a_package_that_is_missing_has_no_version(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    assert doctor.versions() == {
        "python": ".".join(map(str, os.sys.version_info[:3])),
        "numpy": metadata.version("numpy"),
        "no-such-package": None,
    }


def test_what_auto_means_is_what_a_run_would_take(diagnosis):
    compute = devices.resolve_compute()
    expected = {"device": compute.device, "precision": compute.precision, "threads": compute.threads}
    assert diagnosis["compute"] == expected
    assert [device["name"] for device in diagnosis["devices"]] == devices.available_devices()


def test_the_peak_is_the_measured_one(diagnosis):
    assert diagnosis["peak"] == 4e9


def test_free_space_is_told_for_folders_that_do_not_exist_yet(diagnosis, tmp_path):
    assert [(disk["purpose"], disk["folder"]) for disk in diagnosis["disks"]] == [
        ("cache", str(tmp_path / "cache")),
        ("runs", str(tmp_path / "runs")),
    ]
    free = shutil.disk_usage(tmp_path).free
    assert diagnosis["disks"][1]["free"] == pytest.approx(free, abs=2**30)


def test_only_features_that_matter_are_told(monkeypatch, diagnosis):
    assert set(diagnosis["processor"]["features"]) <= devices.cpu_features()
    assert "fpu" not in diagnosis["processor"]["features"]


def lines_of(monkeypatch, files):
    real = Path.read_text

    def read_text(self, *arguments, **options):
        if str(self).startswith(("/proc", "/sys")):
            if str(self) not in files:
                raise FileNotFoundError(2, "No such file", str(self))
            return files[str(self)]
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", read_text)


MEMINFO = "MemTotal:        8000 kB\nMemFree:         1000 kB\nMemAvailable:    3000 kB\nHugePages_Total:   0\n"


def test_memory_is_what_linux_tells(monkeypatch):
    lines_of(monkeypatch, {"/proc/meminfo": MEMINFO, "/sys/fs/cgroup/memory.max": "max\n"})
    assert doctor.memory() == {"total": 8000 * 1024, "available": 3000 * 1024}


def test_a_container_may_have_less(monkeypatch):
    lines_of(monkeypatch, {"/proc/meminfo": MEMINFO, "/sys/fs/cgroup/memory.max": "2048000\n"})
    assert doctor.memory() == {"total": 2048000, "available": 2048000}


def test_without_proc_the_total_is_known_alone(monkeypatch):
    lines_of(monkeypatch, {})
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert doctor.memory() == {"total": 4096000, "available": None}


def test_where_nobody_tells_nothing_is_known(monkeypatch):
    lines_of(monkeypatch, {})

    def refuse(name):
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", refuse)
    assert doctor.memory() == {"total": None, "available": None}
