from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.modbus.plan import MOST_BITS, MOST_REGISTERS, WIDTH, Address, address_of, plan
from models.point import Point
from models.quantity import Quantity

TABLES = ("coil", "discrete", "holding", "input")


def point(name: str, address: str, data_type: str = "uint16") -> Point:
    return Point(name, "P1", Quantity.FLOW, "l/s", "rtu", address, data_type)


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    found = []
    for number in range(draw(st.integers(1, 60))):
        table, place = draw(st.sampled_from(TABLES)), draw(st.integers(0, 3000))
        bit = draw(st.integers(-1, 15)) if table in ("holding", "input") else -1
        kind = draw(st.sampled_from(sorted(WIDTH)))
        found.append(point(f"p{number}", f"{table}/{place}" + (f".{bit}" if bit >= 0 else ""), kind))
    return found


@given(points(), st.integers(0, 20))
def test_blocks_cover_every_point_once_and_none_is_too_long(wanted: list[Point], gap: int) -> None:
    blocks = plan(wanted, gap)
    assert sorted(held.name for block in blocks for held, _ in block.points) == sorted(one.name for one in wanted)
    for block in blocks:
        bits = block.table in ("coil", "discrete")
        assert 0 < block.count <= (MOST_BITS if bits else MOST_REGISTERS)
        for held, address in block.points:
            width = 1 if bits or address.bit >= 0 else WIDTH[held.data_type]
            assert address == address_of(held.address)
            assert block.start <= address.start
            assert address.start + width <= block.start + block.count


@given(points())
def test_without_a_gap_nothing_is_read_that_nobody_wants(wanted: list[Point]) -> None:
    for block in plan(wanted, gap=0):
        read = set()
        for held, address in block.points:
            single = block.table in ("coil", "discrete") or address.bit >= 0
            read |= set(range(address.start, address.start + (1 if single else WIDTH[held.data_type])))
        assert read == set(range(block.start, block.start + block.count))


def test_small_gaps_are_bridged_and_large_ones_are_not() -> None:
    near = [point("a", "holding/0"), point("b", "holding/9"), point("c", "holding/19")]
    assert [(block.start, block.count) for block in plan(near)] == [(0, 10), (19, 1)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("holding/100", Address("holding", 100)),
        ("input/20.3", Address("input", 20, 3)),
        ("coil/7", Address("coil", 7)),
    ],
)
def test_address_is_read(text: str, address: Address) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["register/1", "holding", "holding/x"])
def test_address_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected coil|invalid literal"):
        address_of(text)
