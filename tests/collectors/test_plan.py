from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.modbus.frame import FUNCTIONS, MOST_BITS, MOST_REGISTERS
from collectors.modbus.plan import (
    BIT_TABLES,
    WIDTH,
    Address,
    Block,
    Limits,
    address_of,
    gaps,
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
        table, place = draw(st.sampled_from(sorted(FUNCTIONS))), draw(st.integers(0, 3000))
        bit = draw(st.integers(-1, 15)) if table in ("holding", "input") else -1
        kind = draw(st.sampled_from(sorted(WIDTH)))
        found.append(point(f"p{number}", f"{table}/{place}" + (f".{bit}" if bit >= 0 else ""), kind))
    return found


def places(blocks: list[Block]) -> list[int]:
    return sorted(one.place for block in blocks for one in block.wanted)


@given(points(), st.integers(0, 20), st.integers(4, MOST_REGISTERS))
def test_blocks_cover_every_point_once_and_none_is_too_long(wanted: list[Point], gap: int, most: int) -> None:
    limits = Limits(most, gap)
    blocks = plan(wanted_of(wanted), limits)
    assert places(blocks) == list(range(len(wanted)))
    for block in blocks:
        assert 0 < block.count <= min(MOST_BITS, 16 * most) if block.table in BIT_TABLES else block.count <= most
        for one in block.wanted:
            held = wanted[one.place]
            assert one.address == address_of(held.address)
            assert one.width == (1 if one.address.is_bit else WIDTH[held.data_type])
            assert block.start <= one.address.start
            assert one.end <= block.start + block.count


def read(block: Block) -> set[int]:
    return set(range(block.start, block.start + block.count))


def needed(block: Block) -> set[int]:
    return {register for one in block.wanted for register in range(one.address.start, one.end)}


@given(points())
def test_without_a_gap_nothing_is_read_that_nobody_wants(wanted: list[Point]) -> None:
    for block in plan(wanted_of(wanted), Limits(gap=0)):
        assert read(block) == needed(block)
        assert gaps(block) == []


@given(points(), st.integers(0, 20), st.randoms(use_true_random=False))
def test_gaps_are_what_nobody_wants_and_no_hole_is_read_across(wanted: list[Point], gap: int, chance: Random) -> None:
    limits = Limits(gap=gap)
    blocks = plan(wanted_of(wanted), limits)
    for block in blocks:
        spans = gaps(block)
        assert {register for _, start, end in spans for register in range(start, end)} == read(block) - needed(block)
        assert all(0 < end - start <= gap for _, start, end in spans)
    holes = [hole for block in blocks for hole in gaps(block) if chance.random() < 0.5]
    around = plan(wanted_of(wanted), limits, holes)
    assert places(around) == list(range(len(wanted)))
    for block in around:
        for table, start, end in holes:
            assert table != block.table or not read(block) & set(range(start, end)) - needed(block)


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
        ("holding/40:4", Address("holding", 40, count=4)),
        ("discrete/65535", Address("discrete", 65535)),
    ],
)
def test_address_is_read(text: str, address: Address) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "register/1", "holding", "holding/x", "holding/-1", "holding/65536", "holding/1.16", "coil/1.2", "4x1",
        "holding/1:0", "holding/1:126", "coil/1:2", "holding/1.2:3",
    ],
)  # fmt: skip
def test_address_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'^address "{text}", expected'):
        address_of(text)


@pytest.mark.parametrize(
    ("address", "data_type", "said"),
    [
        ("holding/65535", "float32", "too high for float32"),
        ("input/1", "string", "has no length"),
        ("input/1:2", "float32", "has a length"),
    ],
)
def test_value_that_cannot_be_read_is_refused(address: str, data_type: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wanted_of([point("a", address, data_type)])
