"""The machine's measured peak: what the speed of a run is held against.

It is the best rate of the two kernels that networks are made of, a product of square matrices with 4096
rows and a 3x3 convolution with channels last, in bfloat16 or float32, whichever is faster here. Where they
take too long, smaller ones stand in for them.
"""

import contextlib
import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule.errors import MemoryShortageError, StorageError
from chainrule.runtime import cache, files, stopwatch
from chainrule.runtime.data_types import MatrixProduct
from chainrule.runtime.devices import Compute, processor_name

if TYPE_CHECKING:
    import torch

TARGET = 1.0  # seconds a computation may take: enough for 4096 rows at 140 GFLOP/s
ROWS = (256, 1024, 4096)
PICTURES = (1, 8, 64)
CHANNELS, SIDE = 256, 16

FLOPS = "flops_per_second"


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution over `size` pictures of 16x16 with 256 channels, laid out channels last."""

    dtype: "torch.dtype"
    device: str

    def prepare(self, size: int) -> stopwatch.Work:
        """Makes pictures and weights."""
        import torch

        own = torch.Generator().manual_seed(size)  # the global generator belongs to the run
        pictures, weights = (
            torch.rand(count, CHANNELS, side, side, generator=own).to(
                self.device, self.dtype, memory_format=torch.channels_last
            )
            for count, side in ((size, SIDE), (CHANNELS, 3))
        )
        return lambda: torch.nn.functional.conv2d(pictures, weights, padding=1)

    def operations(self, size: int) -> int:
        """A multiplication and an addition a weight and place; the padding counts, as is usual."""
        return 2 * size * SIDE**2 * CHANNELS**2 * 9


def measure_peak(device: str = "cpu") -> float:
    """The device's peak in FLOP/s, in a few seconds, with the threads that torch is set to.

    Raises:
        RuntimeError: torch cannot compute the kernels there.
    """
    import torch

    def best(arithmetic: stopwatch.Arithmetic, sizes: tuple[int, ...]) -> float:
        wait = stopwatch.waiter(device)
        return stopwatch.rate(arithmetic, sizes, target=TARGET, wait=wait, choose=min)

    products = [MatrixProduct(dtype, device, torch.mm) for dtype in (torch.bfloat16, torch.float32)]
    # A small product tells which type is the faster one, and saves the time of measuring both.
    product = max(products, key=lambda candidate: best(candidate, ROWS[:2]))
    return max(best(product, ROWS), best(Convolution(product.dtype, device), PICTURES))


def known_peak(compute: Compute, *, afresh: bool = False) -> float | None:
    """This machine's peak with these threads, in FLOP/s: measured once and kept in the cache.

    None where it cannot be measured: a run does not stop for want of a figure to hold its speed against.

    Args:
        compute: how the run computes; its threads are what counts, not its precision.
        afresh: measures again, because neighbours may have been busy, and keeps the higher figure.
    """
    machine = _machine(compute)
    kept = _kept(machine)
    if kept is not None and not afresh:
        return kept
    try:
        with compute.active():
            peak = max(measure_peak(compute.device), kept or 0.0)
    except (RuntimeError, MemoryShortageError):
        return kept
    with contextlib.suppress(StorageError):  # where nothing can be kept, the next run measures again
        files.write_json(cache.made("peaks") / _file_name(machine), {**machine, FLOPS: peak})
    return peak


def kept_peak(compute: Compute) -> float | None:
    """This machine's peak where it was measured before, in FLOP/s."""
    return _kept(_machine(compute))


def _machine(compute: Compute) -> dict[str, str | int]:
    import torch

    return {
        "processor": processor_name(),
        "device": torch.cuda.get_device_name() if compute.device == "cuda" else compute.device,
        "threads": compute.threads,
        "torch": torch.__version__,
    }


def _file_name(machine: dict[str, str | int]) -> str:
    text = json.dumps(machine, sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def _kept(machine: dict[str, str | int]) -> float | None:
    try:
        content = json.loads((cache.folder() / "peaks" / _file_name(machine)).read_bytes())
        peak = content[FLOPS]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return peak if isinstance(peak, float) and math.isfinite(peak) and peak > 0 else None
