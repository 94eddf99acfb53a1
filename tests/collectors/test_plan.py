from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.modbus.plan import (
    MOST_BITS,
    MOST_REGISTERS,
    TABLES,
    WIDTH,
    Address,
    Block,
    address_of,
    plan,
    smaller,
    wanted_of,
)
from models.point import Point
from models.quantity import Quantity


def point(name: str, address: str, data_type: str = "uint16") -> Point:
    return Point(name, "P1", Quantity.FLOW, "l/s", "rtu", address, data_type)


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    found = []
    for number in range(draw(st.integers(0, 60))):
        table, place = draw(st.sampled_from(TABLES)), draw(st.integers(0, 3000))
        bit = draw(st.integers(-1, 15)) if table in ("holding", "input") else -1
        kind = draw(st.sampled_from(sorted(WIDTH)))
        found.append(point(f"p{number}", f"{table}/{place}" + (f".{bit}" if bit >= 0 else ""), kind))
    return found


def places(blocks: list[Block]) -> list[int]:
    return sorted(one.place for block in blocks for one in block.wanted)


@given(points(), st.integers(0, 20))
def test_blocks_cover_every_point_once_and_none_is_too_long(wanted: list[Point], gap: int) -> None:
    blocks = plan(wanted_of(wanted), gap)
    assert places(blocks) == list(range(len(wanted)))
    for block in blocks:
        bits = block.table in ("coil", "discrete")
        assert 0 < block.count <= (MOST_BITS if bits else MOST_REGISTERS)
        for one in block.wanted:
            held = wanted[one.place]
            assert one.address == address_of(held.address)
            assert one.width == (1 if one.address.is_bit else WIDTH[held.data_type])
            assert block.start <= one.address.start
            assert one.end <= block.start + block.count


@given(points())
def test_without_a_gap_nothing_is_read_that_nobody_wants(wanted: list[Point]) -> None:
    for block in plan(wanted_of(wanted), gap=0):
        read = {register for one in block.wanted for register in range(one.address.start, one.end)}
        assert read == set(range(block.start, block.start + block.count))


@given(points())
def test_refused_block_is_asked_in_smaller_ones_down_to_single_points(wanted: list[Point]) -> None:
    for block in plan(wanted_of(wanted)):
        waiting, alone = [block], []
        while waiting:
            one = waiting.pop()
            parts = smaller(one)
            assert not parts or places(parts) == places([one])
            assert all(len(part.wanted) < len(one.wanted) for part in parts)
            waiting += parts
            alone += [] if parts else [one]
        assert places(alone) == places([block])
        assert all(len(one.wanted) == 1 for one in alone)


def test_small_gaps_are_bridged_and_large_ones_are_not() -> None:
    near = [point("a", "holding/0"), point("b", "holding/9"), point("c", "holding/19")]
    assert [(block.start, block.count) for block in plan(wanted_of(near))] == [(0, 10), (19, 1)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("holding/100", Address("holding", 100)),
        ("input/20.3", Address("input", 20, 3)),
        ("coil/7", Address("coil", 7)),
        ("discrete/65535", Address("discrete", 65535)),
    ],
)
def test_address_is_read(text: str, address: Address) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text", ["", "register/1", "holding", "holding/x", "holding/-1", "holding/65536", "holding/1.16", "coil/1.2", "4x1"]
)
def test_address_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'^address "{text}", expected'):
        address_of(text)


@pytest.mark.parametrize(
    ("address", "data_type", "said"),
    [("holding/65535", "float32", "too high for float32"), ("input/1", "string", "data_type string cannot be read")],
)
def test_value_that_cannot_be_read_is_refused(address: str, data_type: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wanted_of([point("a", address, data_type)])
