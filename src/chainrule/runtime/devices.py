"""Which device computes, in which precision, with how many threads."""

import contextlib
import functools
import os
import platform
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import MemoryShortageError, OptionError
from chainrule.runtime.processes import here

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

NO_MEMORY = re.compile("allocate memory|out of memory|size calculation overflowed", re.IGNORECASE)  # torch's words


@dataclass(frozen=True, kw_only=True)
class Compute:
    """Where and how a run computes; recorded with the run and kept on resume."""

    device: str
    """torch's name of the device: cpu, cuda, mps."""
    precision: str
    """fp32, or bf16: products in bfloat16, weights and sums in float32."""
    threads: int
    """Of each process."""
    processes: int = 1
    """How many compute together."""

    @contextlib.contextmanager
    def active(self) -> "Iterator[torch.device]":
        """Sets torch's and NumPy's threads and torch's deterministic kernels while the block runs; yields the device.

        Raises:
            MemoryShortageError: the block asks for more memory than there is.
        """
        import torch

        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        determinism: Any = torch.utils.deterministic
        filled = determinism.fill_uninitialized_memory
        # cuBLAS needs this for equal bytes; it must be set before the first product.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.set_num_threads(self.threads)
        torch.use_deterministic_algorithms(mode=True)
        # Filling fresh memory with NaN finds errors in kernels, and takes time in every step.
        determinism.fill_uninitialized_memory = False
        try:
            with memory_errors(), _array_libraries().limit(limits=self.threads, user_api="blas"):
                yield torch.device(self.device)
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(mode=strict)
            determinism.fill_uninitialized_memory = filled

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which a model's forward pass runs."""
        import torch

        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)


@contextlib.contextmanager
def memory_errors() -> "Iterator[None]":
    """Turns what libraries raise where memory does not suffice into one sentence."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not NO_MEMORY.search(str(error)):
            raise
        asked = re.search(r"(\d+) bytes", str(error))
        size = f" for {int(asked[1]) / 2**30:,.1f} GiB more" if asked else ""
        raise MemoryShortageError(
            f"there is not enough memory{size}; make the model or its batches smaller, or free some memory."
        ) from error


@functools.cache
def _array_libraries() -> Any:
    """What multiplies NumPy's matrices; found once, which takes longer than a small network's answer."""
    import numpy as np  # noqa: F401 - loads them
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@functools.cache
def cpu_features() -> frozenset[str]:
    """The processor's features by Linux's names; empty where the system does not tell them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(
        feature
        for line in lines
        if line.lower().startswith(("flags", "features"))
        for feature in line.partition(":")[2].split()
    )


def has_fast_bf16(device: str) -> bool:
    """Whether the device multiplies in bfloat16 faster than in float32, by what it is."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    # Linux names Arm's feature bf16 and x86's avx512_bf16 and amx_bf16; MPS gains nothing.
    return device == "cpu" and bool(cpu_features() & {"avx512_bf16", "amx_bf16", "bf16"})


def available_devices() -> list[str]:
    """The devices torch can compute on here, the preferred one first."""
    import torch

    cuda = ["cuda"] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]


def resolve_compute(device: str = "auto", precision: str = "auto", threads: int | None = None) -> Compute:
    """Decides what `auto` means here, from what the machine is, never by timing.

    Raises:
        OptionError: the device is not there.
    """
    devices = available_devices()
    if device == "auto":
        device = devices[0]
    elif device not in devices:
        raise OptionError(f"--device {device} is not available here; this machine has: {', '.join(devices)}.")
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(device) else "fp32"
    count = here().count
    return Compute(device=device, precision=precision, threads=threads or threads_of_a_process(), processes=count)


def threads_of_a_process() -> int:
    """As many as this process's share of the cores that those of its machine have between them."""
    return max(1, available_cores() // here().local_count)


def available_cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """The processor's name as its maker gives it, or the architecture's."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
