from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.modbus.decode import bit_of, decode
from models.point import BYTE_ORDERS

INTEGERS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q"}
ORDERS = st.sampled_from(BYTE_ORDERS)


def wire(raw: bytes, order: str) -> list[int]:
    """Return the registers of a big-endian value as a device of that byte order sends them."""
    words = [raw[place : place + 2] for place in range(0, len(raw), 2)]
    swapped = {"ABCD": (False, False), "CDAB": (True, False), "BADC": (False, True), "DCBA": (True, True)}[order]
    words = words[::-1] if swapped[0] else words
    return [int.from_bytes(word, "little" if swapped[1] else "big") for word in words]


@given(st.data(), st.sampled_from(sorted(INTEGERS)), ORDERS)
def test_integers_come_back(data: st.DataObject, data_type: str, order: str) -> None:
    bits, signed = int(data_type.removeprefix("u").removeprefix("int")), not data_type.startswith("u")
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    value = data.draw(st.integers(low, high))
    assert decode(wire(struct.pack(INTEGERS[data_type], value), order), data_type, order) == float(value)


@given(st.floats(width=32, allow_nan=False), ORDERS)
def test_float32_comes_back(value: float, order: str) -> None:
    assert decode(wire(struct.pack(">f", value), order), "float32", order) == value


@given(st.floats(allow_nan=False), ORDERS)
def test_float64_comes_back(value: float, order: str) -> None:
    assert decode(wire(struct.pack(">d", value), order), "float64", order) == value


@given(st.integers(0, 9999), st.integers(0, 99999999), ORDERS)
def test_bcd_comes_back(short: int, long: int, order: str) -> None:
    assert decode(wire(bytes.fromhex(f"{short:04d}"), order), "bcd16", order) == short
    assert decode(wire(bytes.fromhex(f"{long:08d}"), order), "bcd32", order) == long


@given(st.integers(0, 0xFFFF), st.integers(0, 15))
def test_bit_is_counted_from_the_lowest(register: int, bit: int) -> None:
    assert bit_of(register, bit) == float(bool(register & 2**bit))


@given(st.integers(0, 0xFFFF))
def test_register_that_is_a_bit_as_a_whole_is_one_unless_it_is_zero(register: int) -> None:
    assert decode([register], "bit") == float(register != 0)


@pytest.mark.parametrize("order", BYTE_ORDERS)
def test_what_is_no_number_is_nan(order: str) -> None:
    assert math.isnan(decode(wire(struct.pack(">f", math.nan), order), "float32", order))
    assert math.isnan(decode(wire(b"\x1a\x00", order), "bcd16", order))


def test_known_registers_of_a_known_number() -> None:
    # 123.456 as IEEE 754 single is 42 F6 E9 79.
    expected = pytest.approx(123.456, rel=1e-6)
    assert decode([0x42F6, 0xE979], "float32", "ABCD") == expected
    assert decode([0xE979, 0x42F6], "float32", "CDAB") == expected
    assert decode([0xF642, 0x79E9], "float32", "BADC") == expected
    assert decode([0x79E9, 0xF642], "float32", "DCBA") == expected
