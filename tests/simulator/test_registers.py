from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.registers import Address, broken, encode, hold, limits, parse_address, width

INTEGERS = ["int16", "uint16", "int32", "uint32", "int64", "uint64", "bcd16", "bcd32"]
ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]


@pytest.mark.parametrize(
    ("order", "words"),
    [("ABCD", [0x0102, 0x0304]), ("CDAB", [0x0304, 0x0102]), ("BADC", [0x0201, 0x0403]), ("DCBA", [0x0403, 0x0201])],
)
def test_word_and_byte_orders_of_32_bits(order: str, words: list[int]) -> None:
    assert encode(0x01020304, "uint32", order) == words
    assert encode(struct.unpack(">f", bytes([1, 2, 3, 4]))[0], "float32", order) == words


def test_64_bits_follow_the_same_pattern_word_by_word() -> None:
    value = 0x0102030405060708
    assert encode(value, "uint64", "ABCD") == [0x0102, 0x0304, 0x0506, 0x0708]
    assert encode(value, "uint64", "CDAB") == [0x0708, 0x0506, 0x0304, 0x0102]
    assert encode(value, "uint64", "BADC") == [0x0201, 0x0403, 0x0605, 0x0807]
    assert encode(value, "uint64", "DCBA") == [0x0807, 0x0605, 0x0403, 0x0201]


def test_bcd_shows_its_digits() -> None:
    assert encode(1234, "bcd16", "ABCD") == [0x1234]
    assert encode(12345678, "bcd32", "CDAB") == [0x5678, 0x1234]


@given(data_type=st.sampled_from(INTEGERS), order=st.sampled_from(ORDERS), raw=st.floats(-1e20, 1e20))
def test_whole_numbers_stay_within_their_range_and_fill_their_registers(data_type: str, order: str, raw: float) -> None:
    low, high = limits(data_type)
    held = hold(raw, data_type)
    assert low <= held <= high
    assert held == round(raw) or held in (low, high)
    words = encode(held, data_type, order)
    assert len(words) == width(data_type)
    assert all(0 <= word <= 0xFFFF for word in words)


@given(count=st.floats(0, 1e15))
def test_counters_wrap_at_the_end_of_their_registers(count: float) -> None:
    assert hold(count, "uint32", wraps=True) == math.floor(count) % 2**32
    assert hold(count, "uint16", wraps=True) == math.floor(count) % 2**16


def test_a_dead_instrument_shows_what_no_gauge_reaches() -> None:
    assert math.isnan(broken("float32"))
    assert (broken("int16"), broken("uint16"), broken("bit")) == (-32768, 65535, 0)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("holding/100", Address("holding", 100)),
        ("input/0", Address("input", 0)),
        ("coil/3", Address("coil", 3)),
        ("discrete/65535", Address("discrete", 65535)),
        ("holding/20.15", Address("holding", 20, 15)),
    ],
)
def test_addresses_are_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "holding", "holding/", "holding/x", "coil/1.2", "holding/1.16", "input/65536", "HR/1"]
)
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected one such as"):
        parse_address(text)
