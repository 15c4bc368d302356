"""What this machine is and what it can do, for people who wonder why a run is slow or does not start."""

import contextlib
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from chainrule.runtime import cache, data_types, devices, peak

PACKAGES = (
    "chainrule",
    "torch",
    "numpy",
    "scikit-learn",
    "pyarrow",
    "tokenizers",
    "safetensors",
    "matplotlib",
    "tensorboard",
    "cyclopts",
)
FEATURES = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8")
ARM_FEATURES = ("asimd", "asimddp", "bf16", "i8mm", "sve", "sve2")
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def diagnose() -> dict[str, Any]:
    """Everything at once; takes some seconds, because speeds are measured.

    Returns:
        JSON values: `versions` by package, `platform`, `processor` (name, cores, features), `memory` (total
        and available bytes), `devices`, `compute` (what `auto` means here), `disks` (free bytes), `peak`
        (FLOP/s of `compute`), `data_types` (see `data_types.table`).
    """
    compute = devices.resolve_compute()
    best = peak.known_peak(compute, afresh=True)
    with compute.active():
        types = data_types.table(devices.available_devices())
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": {
            "name": devices.processor_name(),
            "cores": devices.available_cores(),
            "features": [name for name in (*FEATURES, *ARM_FEATURES) if name in devices.cpu_features()],
        },
        "memory": memory(),
        "devices": [describe_device(name) for name in devices.available_devices()],
        "compute": {
            "device": compute.device,
            "precision": compute.precision,
            "threads": compute.threads,
        },
        "disks": [free_space("cache", cache.folder()), free_space("runs", Path("runs").absolute())],
        "peak": best,
        "data_types": types,
    }


def versions() -> dict[str, str | None]:
    """The versions of Python and of the packages that results depend on; None for one not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        found[name] = None
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def memory() -> dict[str, int | None]:
    """Bytes in all and bytes free to use, within the limit of a container; None where nobody tells."""
    told = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            name, _, rest = line.partition(":")
            told[name] = int(rest.split()[0]) * 1024
    total, available = told.get("MemTotal"), told.get("MemAvailable")
    if total is None:
        with contextlib.suppress(ValueError, OSError, AttributeError):
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" is no number: there is no limit
            limit = int(Path(path).read_text(encoding="ascii"))
            total = min(total or limit, limit)
            available = min(available or limit, limit)
    return {"total": total, "available": available}


def describe_device(name: str) -> dict[str, Any]:
    """A device's name in torch, its maker's name, its memory in bytes, and whether it is fast in bfloat16."""
    import torch

    described: dict[str, Any] = {"name": name, "model": devices.processor_name(), "memory": memory()["total"]}
    if name == "cuda":
        properties = torch.cuda.get_device_properties(0)
        described |= {"model": properties.name, "memory": properties.total_memory}
    return {**described, "fast_bf16": devices.has_fast_bf16(name)}


def free_space(purpose: str, folder: Path) -> dict[str, Any]:
    """How many bytes may still be written below a folder, which need not exist yet."""
    standing = next(place for place in (folder, *folder.parents) if place.exists())
    return {"purpose": purpose, "folder": str(folder), "free": shutil.disk_usage(standing).free}
