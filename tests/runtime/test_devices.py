"""Where a run computes: decided by what the machine is, set while a block runs, and back again."""

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from chainrule.errors import MemoryShortageError, OptionError
from chainrule.runtime import devices
from chainrule.runtime.devices import Compute, has_fast_bf16, memory_errors, processor_name, resolve_compute


@pytest.fixture
def machine(monkeypatch):
    """A machine with these features, graphics devices and cores."""

    def made(*, features=(), cuda=None, mps=False, cores=3):
        monkeypatch.setattr(devices, "cpu_features", lambda: frozenset(features))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda is not None)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(devices, "available_cores", lambda: cores)

    return made


@pytest.mark.parametrize(
    ("having", "device", "precision"),
    [
        ({}, "cpu", "fp32"),
        ({"features": {"avx512f"}}, "cpu", "fp32"),
        ({"features": {"avx512_bf16"}}, "cpu", "bf16"),
        ({"features": {"amx_bf16"}}, "cpu", "bf16"),
        ({"features": {"bf16"}}, "cpu", "bf16"),
        ({"cuda": (8, 0), "mps": True}, "cuda", "bf16"),
        ({"cuda": (7, 5), "features": {"bf16"}}, "cuda", "fp32"),
        ({"mps": True, "features": {"bf16"}}, "mps", "fp32"),
    ],
)
def test_auto_goes_by_what_the_machine_is(machine, having, device, precision):
    machine(**having)
    assert resolve_compute() == Compute(device=device, precision=precision, threads=3)
    assert has_fast_bf16(device) == (precision == "bf16")


def test_what_is_asked_for_is_taken(machine):
    machine(cuda=(8, 0), features={"bf16"})
    assert resolve_compute("cpu", "fp32", 7) == Compute(device="cpu", precision="fp32", threads=7)


def test_processes_of_a_machine_divide_its_cores(machine, monkeypatch):
    machine(cores=7)
    count, local_count = 9, 3
    names = {"RANK": 4, "WORLD_SIZE": count, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": local_count}
    for name, value in {**names, "MASTER_ADDR": "first.example", "MASTER_PORT": 29500}.items():
        monkeypatch.setenv(name, str(value))
    assert resolve_compute() == Compute(device="cpu", precision="fp32", threads=2, processes=9)
    assert resolve_compute(threads=5).threads == 5
    machine(cores=2)
    assert resolve_compute().threads == 1


def test_a_device_that_is_not_there_is_told(machine):
    machine(mps=True)
    with pytest.raises(OptionError) as caught:
        resolve_compute("cuda")
    assert str(caught.value) == "--device cuda is not available here; this machine has: mps, cpu."


def test_threads_and_exact_kernels_hold_for_the_block_alone():
    def present():
        filled = torch.utils.deterministic.fill_uninitialized_memory
        return torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), filled

    before = present()
    compute = Compute(device="cpu", precision="fp32", threads=before[0] + 1)

    def fail():
        with compute.active() as device:
            assert device == torch.device("cpu")
            assert present() == (before[0] + 1, True, False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert present() == before


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_in_the_precision_of_the_run(precision, dtype):
    ones = torch.ones(2, 3)
    with Compute(device="cpu", precision=precision, threads=1).autocast():
        assert (ones @ ones.T).dtype == dtype
    assert (ones @ ones.T).dtype == torch.float32


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "there is not enough memory; make the model or its batches smaller, or free some memory."),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4294967296 bytes."),
            "there is not enough memory for 4.0 GiB more; make the model or its batches smaller, or free some memory.",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
            "there is not enough memory; make the model or its batches smaller, or free some memory.",
        ),
        (
            RuntimeError("Storage size calculation overflowed with sizes=[1000000000000, 100000000]"),
            "there is not enough memory; make the model or its batches smaller, or free some memory.",
        ),
    ],
)
def test_a_lack_of_memory_is_one_sentence(error, sentence):
    with pytest.raises(MemoryShortageError) as caught, memory_errors():
        raise error
    assert str(caught.value) == sentence


def test_torch_says_it_in_the_words_that_are_looked_for():
    for sizes in ((2**20, 2**30), (2**40, 2**40)):
        with pytest.raises(MemoryShortageError), Compute(device="cpu", precision="fp32", threads=1).active():
            torch.empty(sizes)


def test_other_errors_of_torch_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), memory_errors():
        torch.zeros(2, 3) @ torch.zeros(2, 3)


def test_the_processor_has_a_name():
    assert processor_name().strip()
    assert devices.available_cores() >= 1


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_numpys_products_take_the_threads_too():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with Compute(device="cpu", precision="fp32", threads=1).active():
            assert blas_threads() == {1}
        assert blas_threads() == before == {2}
