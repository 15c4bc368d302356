"""The types a number can be stored in: what each holds, and this machine's speed in products of matrices."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.runtime import progress, stopwatch

if TYPE_CHECKING:
    import torch

SIZES = (64, 128, 256, 512, 1024, 2048, 4096)
TARGET = 0.2  # seconds a product may take

FLOATS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")


def table(devices: Sequence[str]) -> list[dict[str, Any]]:
    """One entry a type, and in it one speed a device.

    The keys of an entry: `name`; `bits` in memory; `lowest` and `highest`, its range; `smallest_normal`, the
    smallest positive number of full precision; `epsilon`, the distance from 1 to the next number;
    `decimal_digits`, how many of them every number keeps; `speed`, see the function, by device.

    Args:
        devices: torch's names of the devices to measure.
    """
    entries = [entry for entry in described() if entry["name"] != "tf32" or "cuda" in devices]
    with progress.bar("measuring the data types", total=len(entries), unit="types") as advance:
        for entry in entries:
            entry["speed"] = {device: speed(entry["name"], device) for device in devices}
            advance(1)
    return entries


def described() -> Iterator[dict[str, Any]]:
    """The entries of `table` without their speeds."""
    import torch

    for name in FLOATS:
        limits = torch.finfo(getattr(torch, name))
        yield _float(name, limits)
        if name == "float32":  # Nvidia's, for products: stored as float32, ten bits of the fraction used
            yield _float("tf32", limits, epsilon=2.0**-10)
    for name in INTEGERS:
        whole = torch.iinfo(getattr(torch, name))
        yield _whole(name, whole.bits, whole.min, whole.max)
    yield _whole("bool", 8, 0, 1)
    yield _float("complex64", torch.finfo(torch.float32)) | {"bits": 64}  # the limits are those of each part


def speed(name: str, device: str) -> dict[str, Any]:
    """How fast a device multiplies two square matrices of a type.

    Returns:
        `operations_per_second`, additions and multiplications, and the `result`'s type; or None for both and
        the `reason`.
    """
    import torch

    dtype = torch.float32 if name == "tf32" else getattr(torch, name)
    # A product of int8 is of use where its sums do not overflow, so the one with sums in int32 comes first.
    products = [torch._int_mm, torch.mm] if name == "int8" else [torch.mm]
    with _tensor_cores(tf32=name == "tf32"):
        for multiply in products:
            product = MatrixProduct(dtype, device, multiply)
            with contextlib.suppress(RuntimeError, TypeError):
                result = str(product.prepare(SIZES[0])().dtype).removeprefix("torch.")
                measured = stopwatch.rate(product, SIZES, target=TARGET, wait=stopwatch.waiter(device))
                return {"operations_per_second": measured, "result": result, "reason": None}
    reason = f"torch has no product of {name} matrices on {device}"
    return {"operations_per_second": None, "result": None, "reason": reason}


@dataclass(frozen=True)
class MatrixProduct:
    """The product of two square matrices with `size` rows."""

    dtype: "torch.dtype"
    device: str
    multiply: "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"

    def prepare(self, size: int) -> "Callable[[], torch.Tensor]":
        """Makes matrices of zeros and ones, which every type can hold."""
        import torch

        own = torch.Generator().manual_seed(size)  # the global generator belongs to the run
        drawn = torch.randint(2, (2, size, size), generator=own)
        left, right = drawn.to(self.dtype).to(self.device)
        return lambda: self.multiply(left, right)

    def operations(self, size: int) -> int:
        """A multiplication and an addition for each of size³ pairs; four of both where they are complex."""
        return (8 if self.dtype.is_complex else 2) * size**3


@contextlib.contextmanager
def _tensor_cores(*, tf32: bool) -> Iterator[None]:
    """Whether products in float32 are done in tf32 in this block."""
    import torch

    settings = torch.backends.cuda.matmul
    before = settings.fp32_precision
    settings.fp32_precision = "tf32" if tf32 else "ieee"
    try:
        yield
    finally:
        settings.fp32_precision = before


def _float(name: str, limits: "torch.finfo", epsilon: float | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "bits": limits.bits,
        "lowest": limits.min,
        "highest": limits.max,
        "smallest_normal": limits.smallest_normal,
        "epsilon": epsilon or limits.eps,
        "decimal_digits": math.floor(-math.log10(epsilon or limits.eps)),
    }


def _whole(name: str, bits: int, lowest: int, highest: int) -> dict[str, Any]:
    return {
        "name": name,
        "bits": bits,
        "lowest": lowest,
        "highest": highest,
        "smallest_normal": None,
        "epsilon": None,
        "decimal_digits": math.floor(math.log10(highest)),
    }
