"""The measured peak, and that it is measured once."""

import json

import pytest
import torch
from torch.nn import functional

from chainrule.runtime import peak, stopwatch
from chainrule.runtime.devices import Compute

COMPUTE = Compute(device="cpu", precision="fp32", threads=1)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "peaks"


@pytest.fixture
def figures(monkeypatch):
    """What is measured, one figure a call."""
    waiting = [5e9, 7e9, 3e9]
    monkeypatch.setattr(peak, "measure_peak", lambda _: waiting.pop(0))
    return waiting


def rates(monkeypatch, table):
    """Lets the stopwatch answer from a table by kernel and type, and remembers what was asked of it."""
    asked = []

    def rate(arithmetic, sizes, *, target, wait, choose):
        key = (type(arithmetic).__name__, str(arithmetic.dtype).removeprefix("torch."))
        asked.append((*key, sizes[-1]))
        return table[key]

    monkeypatch.setattr(stopwatch, "rate", rate)
    return asked


def test_the_better_kernel_counts_in_the_faster_type(monkeypatch):
    table = {("MatrixProduct", "bfloat16"): 8e9, ("MatrixProduct", "float32"): 2e9, ("Convolution", "bfloat16"): 9e9}
    asked = rates(monkeypatch, table)
    assert peak.measure_peak("cpu") == 9e9
    assert asked == [
        ("MatrixProduct", "bfloat16", 1024),
        ("MatrixProduct", "float32", 1024),
        ("MatrixProduct", "bfloat16", 4096),
        ("Convolution", "bfloat16", 64),
    ]


def test_float32_counts_where_bfloat16_is_slow(monkeypatch):
    table = {("MatrixProduct", "bfloat16"): 1e9, ("MatrixProduct", "float32"): 4e9, ("Convolution", "float32"): 3e9}
    rates(monkeypatch, table)
    assert peak.measure_peak("cpu") == 4e9


def test_the_convolution_is_3x3_with_channels_last(monkeypatch):
    calls = []
    monkeypatch.setattr(functional, "conv2d", lambda *operands, **options: calls.append((operands, options)))
    peak.Convolution(torch.bfloat16, "cpu").prepare(2)()
    (((pictures, weights), options),) = calls
    assert (pictures.shape, weights.shape) == ((2, 256, 16, 16), (256, 256, 3, 3))
    assert pictures.dtype == weights.dtype == torch.bfloat16
    assert pictures.is_contiguous(memory_format=torch.channels_last)
    assert weights.is_contiguous(memory_format=torch.channels_last)
    assert options == {"padding": 1}


def test_operations_of_a_convolution():
    # 2 pictures of 16x16 places, 256 channels in and out, 9 weights, a multiplication and an addition each.
    assert peak.Convolution(torch.float32, "cpu").operations(2) == 2 * 2 * 256 * 256 * 256 * 9


def test_measuring_draws_nothing_from_the_global_generator():
    before = torch.get_rng_state()
    peak.Convolution(torch.float32, "cpu").prepare(1)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_peak_is_measured_once_a_machine(folder, figures):
    assert peak.known_peak(COMPUTE) == 5e9
    assert peak.known_peak(COMPUTE) == 5e9
    assert figures == [7e9, 3e9]


def test_the_precision_of_a_run_makes_no_difference(folder, figures):
    assert peak.known_peak(COMPUTE) == 5e9
    assert peak.known_peak(Compute(device="cpu", precision="bf16", threads=1)) == 5e9


def test_other_threads_are_another_machine(folder, figures):
    assert peak.known_peak(COMPUTE) == 5e9
    assert peak.known_peak(Compute(device="cpu", precision="fp32", threads=2)) == 7e9
    assert len(list(folder.iterdir())) == 2


def test_what_is_kept_says_what_it_is_of(folder, figures, monkeypatch):
    monkeypatch.setattr(peak, "processor_name", lambda: "Abacus 3000")
    peak.known_peak(COMPUTE)
    (file,) = folder.iterdir()
    assert json.loads(file.read_text()) == {
        "processor": "Abacus 3000",
        "device": "cpu",
        "threads": 1,
        "torch": torch.__version__,
        "flops_per_second": 5e9,
    }


def test_measured_afresh_the_higher_figure_stays(folder, figures):
    assert peak.known_peak(COMPUTE, afresh=True) == 5e9
    assert peak.known_peak(COMPUTE, afresh=True) == 7e9
    assert peak.known_peak(COMPUTE, afresh=True) == 7e9
    assert figures == []
    assert peak.known_peak(COMPUTE) == 7e9


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"{}", b'{"flops_per_second": "fast"}', b'{"flops_per_second": NaN}', b"\xff", b"5.0"]
)
def test_a_damaged_file_is_measured_again(folder, figures, content):
    peak.known_peak(COMPUTE)
    (file,) = folder.iterdir()
    file.write_bytes(content)
    assert peak.known_peak(COMPUTE) == 7e9
    assert json.loads(file.read_text())["flops_per_second"] == 7e9


def test_where_nothing_can_be_kept_the_figure_is_there_nevertheless(monkeypatch, tmp_path, figures):
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    monkeypatch.setenv("CHAINRULE_CACHE", str(occupied))
    assert peak.known_peak(COMPUTE) == 5e9
    assert peak.known_peak(COMPUTE) == 7e9


def test_a_device_that_cannot_compute_has_no_peak(folder, monkeypatch):
    def refuse(device):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(peak, "measure_peak", refuse)
    assert peak.known_peak(COMPUTE) is None
    assert not folder.exists()


def test_it_is_measured_with_the_threads_of_the_run(folder, monkeypatch):
    before = torch.get_num_threads()
    seen = []
    monkeypatch.setattr(peak, "measure_peak", lambda _: seen.append(torch.get_num_threads()) or 1e9)
    peak.known_peak(COMPUTE)
    assert seen == [1]
    assert torch.get_num_threads() == before


def test_this_machine_multiplies_faster_than_a_pocket_calculator(monkeypatch):
    monkeypatch.setattr(peak, "ROWS", (64, 128, 256))
    monkeypatch.setattr(peak, "PICTURES", (1, 2))
    assert 1e7 < peak.measure_peak("cpu") < 1e15
