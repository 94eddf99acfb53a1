from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.modbus.decode import Field, Layout, number_of
from models.point import BYTE_ORDERS

FORMATS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q", "float32": ">f",
    "float64": ">d",
}  # fmt: skip
ORDERS = st.sampled_from(BYTE_ORDERS)


def wire(raw: bytes, order: str) -> bytes:
    """Return a big-endian value as a device of that byte order sends it."""
    words = [raw[place : place + 2] for place in range(0, len(raw), 2)]
    swapped = {"ABCD": (False, False), "CDAB": (True, False), "BADC": (False, True), "DCBA": (True, True)}[order]
    words = words[::-1] if swapped[0] else words
    return b"".join(word[::-1] if swapped[1] else word for word in words)


def decode(content: bytes, data_type: str, order: str = "ABCD", bit: int | None = None) -> float:
    ((place, value),) = Layout([Field(7, 0, data_type, order, bit, length=len(content))]).values(content)
    assert place == 7
    return value


@given(st.data(), st.sampled_from([name for name in sorted(FORMATS) if "int" in name]), ORDERS)
def test_integers_come_back(data: st.DataObject, data_type: str, order: str) -> None:
    bits, signed = int(data_type.removeprefix("u").removeprefix("int")), not data_type.startswith("u")
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    value = data.draw(st.integers(low, high))
    assert decode(wire(struct.pack(FORMATS[data_type], value), order), data_type, order) == value


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
    assert decode(struct.pack(">H", register), "bit", bit=bit) == float(bool(register & 2**bit))


@given(st.integers(0, 0xFFFF))
def test_register_that_is_a_bit_as_a_whole_is_one_unless_it_is_zero(register: int) -> None:
    assert decode(struct.pack(">H", register), "bit") == float(register != 0)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_coils_fill_bytes_from_the_lowest_bit(states: list[bool]) -> None:
    content = bytearray((len(states) + 7) // 8)
    for place, state in enumerate(states):
        content[place // 8] |= state << place % 8
    layout = Layout(Field(place, 0, "bit", bit=place, of_bits=True) for place in range(len(states)))
    assert dict(layout.values(bytes(content))) == {place: float(state) for place, state in enumerate(states)}


@pytest.mark.parametrize(("order", "sent"), [("ABCD", b"12.5\0\0\0\0"), ("BADC", b"215.\0\0\0\0")])
def test_text_that_is_a_number_or_a_state_is_read(order: str, sent: bytes) -> None:
    assert decode(sent, "string", order) == 12.5
    assert decode(b"Open\0x", "string") == 1.0


@pytest.mark.parametrize(("text", "number"), [(" closed ", 0.0), ("-3e2", -300.0), ("", None), ("pump", None)])
def test_number_of_a_text(text: str, number: float | None) -> None:
    found = number_of(text)
    assert math.isnan(found) if number is None else found == number


@given(st.data())
def test_fields_of_any_kind_and_order_in_one_block_are_read_as_each_alone(data: st.DataObject) -> None:
    content = data.draw(st.binary(min_size=40, max_size=40))
    fields = []
    for place in range(data.draw(st.integers(1, 20))):
        kind = data.draw(st.sampled_from([*FORMATS, "bcd16", "bcd32", "bit", "string"]))
        size = {"bcd16": 2, "bcd32": 4, "bit": 2, "string": 6}.get(kind) or struct.calcsize(FORMATS[kind])
        start = 2 * data.draw(st.integers(0, (40 - size) // 2))
        bit = data.draw(st.integers(0, 15)) if kind == "bit" else None
        fields.append(Field(place, start, kind, data.draw(ORDERS), bit, length=size if kind == "string" else 0))
    found = dict(Layout(fields).values(content))
    assert sorted(found) == list(range(len(fields)))
    for field in fields:
        size = field.length or {"bcd16": 2, "bcd32": 4, "bit": 2}.get(field.data_type, 0)
        size = size or struct.calcsize(FORMATS[field.data_type])
        alone = decode(content[field.start : field.start + size], field.data_type, field.byte_order, field.bit)
        assert found[field.place] == alone or (math.isnan(found[field.place]) and math.isnan(alone))


@pytest.mark.parametrize("order", BYTE_ORDERS)
def test_what_is_no_number_is_nan(order: str) -> None:
    assert math.isnan(decode(wire(struct.pack(">f", math.nan), order), "float32", order))
    assert math.isnan(decode(wire(b"\x1a\x00", order), "bcd16", order))


def test_known_registers_of_a_known_number() -> None:
    # 123.456 as IEEE 754 single is 42 F6 E9 79.
    expected = pytest.approx(123.456, rel=1e-6)
    assert decode(bytes.fromhex("42F6E979"), "float32", "ABCD") == expected
    assert decode(bytes.fromhex("E97942F6"), "float32", "CDAB") == expected
    assert decode(bytes.fromhex("F64279E9"), "float32", "BADC") == expected
    assert decode(bytes.fromhex("79E9F642"), "float32", "DCBA") == expected
