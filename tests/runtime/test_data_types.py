"""The table of data types, against IEEE 754, the papers of the short types, and NumPy."""

import numpy as np
import pytest
import torch

from chainrule.runtime import data_types, stopwatch

# name: bits, highest, smallest normal, epsilon, decimal digits; written by hand from exponent and fraction bits.
FLOATS = {
    "float64": (64, (2 - 2**-52) * 2.0**1023, 2.0**-1022, 2.0**-52, 15),
    "float32": (32, (2 - 2**-23) * 2.0**127, 2.0**-126, 2.0**-23, 6),
    "tf32": (32, (2 - 2**-23) * 2.0**127, 2.0**-126, 2.0**-10, 3),
    "float16": (16, (2 - 2**-10) * 2.0**15, 2.0**-14, 2.0**-10, 3),
    "bfloat16": (16, (2 - 2**-7) * 2.0**127, 2.0**-126, 2.0**-7, 2),
    "float8_e4m3fn": (8, 448.0, 2.0**-6, 2.0**-3, 0),
    "float8_e5m2": (8, 57344.0, 2.0**-14, 2.0**-2, 0),
    "complex64": (64, (2 - 2**-23) * 2.0**127, 2.0**-126, 2.0**-23, 6),
}
WHOLE = {"int64": 18, "int32": 9, "int16": 4, "int8": 2, "uint8": 2}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(data_types, "SIZES", (16,))


def described():
    return {entry["name"]: entry for entry in data_types.described()}


@pytest.mark.parametrize("name", FLOATS)
def test_floating_point_types(name):
    bits, highest, smallest, epsilon, digits = FLOATS[name]
    assert described()[name] == {
        "name": name,
        "bits": bits,
        "lowest": -highest,
        "highest": highest,
        "smallest_normal": smallest,
        "epsilon": epsilon,
        "decimal_digits": digits,
    }


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name):
    limits = np.iinfo(name)
    assert described()[name] == {
        "name": name,
        "bits": limits.bits,
        "lowest": int(limits.min),
        "highest": int(limits.max),
        "smallest_normal": None,
        "epsilon": None,
        "decimal_digits": WHOLE[name],
    }


def test_every_type_is_there_once():
    names = [entry["name"] for entry in data_types.described()]
    assert sorted(names) == sorted([*FLOATS, *WHOLE, "bool"])


@pytest.mark.parametrize("name", ["float32", "bfloat16", "int8", "uint8", "complex64"])
def test_a_matrix_product_is_what_it_says(name):
    kind = getattr(torch, name)
    calls = []
    data_types.MatrixProduct(kind, "cpu", lambda *operands: calls.append(operands)).prepare(7)()
    ((left, right),) = calls
    assert left.shape == right.shape == (7, 7)
    assert left.dtype == right.dtype == kind
    assert not torch.equal(left, right)
    assert set(left.real.flatten().tolist()) == {0, 1}


def test_operations_of_a_product():
    # 3x3 matrices: 27 pairs, each a multiplication and an addition; of complex numbers four of both.
    assert data_types.MatrixProduct(torch.float32, "cpu", torch.mm).operations(3) == 54
    assert data_types.MatrixProduct(torch.complex64, "cpu", torch.mm).operations(3) == 216


def test_the_speed_of_a_type(monkeypatch):
    asked = []

    def rate(arithmetic, sizes, *, target, wait):
        asked.append((arithmetic.dtype, arithmetic.device, sizes, target))
        return 3e9

    monkeypatch.setattr(stopwatch, "rate", rate)
    assert data_types.speed("bfloat16", "cpu") == {
        "operations_per_second": 3e9,
        "result": "bfloat16",
        "reason": None,
    }
    assert asked == [(torch.bfloat16, "cpu", data_types.SIZES, data_types.TARGET)]


def test_products_of_int8_are_summed_in_int32(quick):
    assert data_types.speed("int8", "cpu")["result"] == "int32"


def test_where_the_product_in_int32_is_missing_the_plain_one_is_measured(quick, monkeypatch):
    def missing(left, right):
        raise NotImplementedError("no kernel")

    monkeypatch.setattr(torch, "_int_mm", missing)
    assert data_types.speed("int8", "cpu")["result"] == "int8"


def test_a_type_without_a_product_says_so():
    assert data_types.speed("bool", "cpu") == {
        "operations_per_second": None,
        "result": None,
        "reason": "torch has no product of bool matrices on cpu",
    }


def test_the_table_has_a_speed_for_every_device(quick):
    table = data_types.table(["cpu"])
    assert [entry["name"] for entry in table] == [name for name in described() if name != "tf32"]
    for entry in table:
        speed = entry["speed"].pop("cpu")
        assert entry.pop("speed") == {}
        assert (speed["operations_per_second"] or 0) > 0 or entry["name"] == "bool"
        assert entry == described()[entry["name"]]


def test_measuring_leaves_the_settings_and_the_generator_alone(quick):
    before = torch.get_rng_state(), torch.backends.cuda.matmul.fp32_precision
    data_types.speed("tf32", "cpu")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.backends.cuda.matmul.fp32_precision == before[1]
