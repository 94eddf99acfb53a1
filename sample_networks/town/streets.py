"""The streets of the town: where mains meet and run, in local coordinates [m]. No sizes, no demands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

ROWS = (
    ("Xiangjiang Road", 0.0),
    ("Ganjiang Road", 430.0),
    ("Zhujiang Road", 840.0),
    ("Minjiang Road", 1250.0),
    ("Songhuajiang Road", 1660.0),
    ("Nenjiang Road", 2050.0),
)
"""Streets from west to east: name and northing [m]."""
COLUMNS = (
    ("Haitang Road", 0.0),
    ("Yinxing Road", 410.0),
    ("Yulan Road", 830.0),
    ("Meihua Road", 1260.0),
    ("Ziwei Road", 1690.0),
    ("Shiliu Road", 2110.0),
    ("Hehua Road", 2520.0),
    ("Furong Road", 2900.0),
)
"""Streets from south to north: name and easting [m]."""
RING_ROWS, RING_COLUMNS = (1, 4), (1, 6)
"""The rows and columns that the ring follows."""
SPURS = (
    ("Dujuan Road", 0, (90.0, 80.0, 85.0, 70.0)),
    ("Lamei Road", 2, (95.0, 75.0, 80.0, 85.0, 60.0)),
    ("Guihua Road", 3, (70.0, 75.0, 80.0, 80.0, 60.0)),
    ("Chahua Road", 5, (85.0, 90.0, 70.0, 75.0)),
)
"""Dead-end streets south of Xiangjiang Road: name, the block they leave from (counted from the west), lengths [m]."""
CASE_STREET = "Guihua Road"
LANES = 38
"""Lanes that end blind, spread over the blocks."""
LEFT_OUT = 13
"""Stretches of street in which no main lies."""


@dataclass(frozen=True, slots=True)
class Junction:
    """A place where mains meet, or where customers are connected."""

    id: str
    x: float
    y: float
    elevation_m: float
    street: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A main between two junctions. ``ring`` and ``lane`` say what part it plays."""

    id: str
    start: str
    end: str
    length_m: float
    street: str
    ring: bool = False
    lane: bool = False


@dataclass(slots=True)
class Plan:
    """The streets as drawn so far; frozen in nobody's hands before the drawing ends."""

    junctions: list[Junction] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)

    def add_junction(self, x: float, y: float, street: str) -> Junction:
        """Draw a junction."""
        number = len(self.junctions) + 1
        junction = Junction(f"J-{number:03d}", round(x, 1), round(y, 1), elevation(x, y), street)
        self.junctions.append(junction)
        return junction

    def add_stretch(self, start: Junction, end: Junction, street: str, ring: bool = False, lane: bool = False) -> None:
        """Draw a main, a little longer than the straight line because no trench is straight."""
        length = round(1.02 * math.hypot(end.x - start.x, end.y - start.y), 1)
        number = len(self.stretches) + 1
        self.stretches.append(Stretch(f"P-{number:03d}", start.id, end.id, length, street, ring, lane))

    def on_street(self, street: str) -> list[Stretch]:
        """Return the mains of a street in the order they were drawn."""
        return [stretch for stretch in self.stretches if stretch.street == street]

    def junction(self, name: str) -> Junction:
        """Return the junction of that id."""
        return self.junctions[int(name.removeprefix("J-")) - 1]

    def degree(self) -> dict[str, int]:
        """Return how many mains meet at each junction."""
        count = {junction.id: 0 for junction in self.junctions}
        for stretch in self.stretches:
            count[stretch.start] += 1
            count[stretch.end] += 1
        return count


def elevation(x: float, y: float) -> float:
    """Return the height of the ground [m]: it rises gently to the north-east."""
    return round(5.0 + 0.0012 * x + 0.0008 * y + 0.8 * math.sin(x / 380.0) + 0.7 * math.cos(y / 310.0), 1)


def draw(random: Random) -> Plan:
    """Return the streets of the town."""
    plan = Plan()
    crossings = [[plan.add_junction(x, y, row) for _, x in COLUMNS] for row, y in ROWS]
    blocks = _blocks(plan, crossings, random)
    for street, block, lengths in SPURS:
        _spur(plan, blocks[0, block], street, lengths)
    _lanes(plan, random)
    return plan


def _blocks(plan: Plan, crossings: list[list[Junction]], random: Random) -> dict[tuple[int, int], Junction]:
    """Draw the main of each side of a block; return the corner in the middle of each side along a row."""
    corners: dict[tuple[int, int], Junction] = {}
    left_out = _left_out(random)
    for row, column, along in _sides():
        start = crossings[row][column]
        end = crossings[row][column + 1] if along else crossings[row + 1][column]
        street = ROWS[row][0] if along else COLUMNS[column][0]
        if (row, column, along) in left_out:
            continue
        parts = 2 if along and row == 0 else random.choice((1, 2, 2, 3))
        nodes = [start]
        for part in range(1, parts):
            share = part / parts + random.uniform(-0.06, 0.06)
            place = start.x + share * (end.x - start.x), start.y + share * (end.y - start.y)
            nodes.append(plan.add_junction(*place, street))
        if along and parts > 1:
            corners[row, column] = nodes[1]
        ring = _on_ring(row, column, along)
        for first, second in zip(nodes, [*nodes[1:], end], strict=True):
            plan.add_stretch(first, second, street, ring=ring)
    return corners


def _sides() -> Iterator[tuple[int, int, bool]]:
    for row in range(len(ROWS)):
        for column in range(len(COLUMNS)):
            if column + 1 < len(COLUMNS):
                yield row, column, True
            if row + 1 < len(ROWS):
                yield row, column, False


def _on_ring(row: int, column: int, along: bool) -> bool:
    (south, north), (west, east) = RING_ROWS, RING_COLUMNS
    if along:
        return row in RING_ROWS and west <= column < east
    return column in RING_COLUMNS and south <= row < north


def _left_out(random: Random) -> set[tuple[int, int, bool]]:
    """Choose sides without a main, such that every crossing keeps at least two."""
    open_sides = set(_sides())
    meet = {(row, column): 0 for row in range(len(ROWS)) for column in range(len(COLUMNS))}
    for side in open_sides:
        for crossing in _ends(side):
            meet[crossing] += 1
    chosen: set[tuple[int, int, bool]] = set()
    sides = [side for side in _sides() if not _on_ring(*side) and not (side[0] == 0 and side[2])]
    random.shuffle(sides)
    for side in sides:
        if len(chosen) == LEFT_OUT:
            break
        if all(meet[crossing] > 2 for crossing in _ends(side)):
            chosen.add(side)
            for crossing in _ends(side):
                meet[crossing] -= 1
    return chosen


def _ends(side: tuple[int, int, bool]) -> tuple[tuple[int, int], tuple[int, int]]:
    row, column, along = side
    return (row, column), (row, column + 1) if along else (row + 1, column)


def _spur(plan: Plan, corner: Junction, street: str, lengths: Sequence[float]) -> None:
    """Draw a blind street to the south of a corner."""
    last, y = corner, corner.y
    for length in lengths:
        y -= length
        following = plan.add_junction(corner.x + 6.0 * math.sin(y / 90.0), y, street)
        plan.add_stretch(last, following, street)
        last = following


def _lanes(plan: Plan, random: Random) -> None:
    """Draw lanes that end blind inside the blocks."""
    spurs = {
        name for street, *_ in SPURS for stretch in plan.on_street(street) for name in (stretch.start, stretch.end)
    }
    roots = [junction for junction in plan.junctions if junction.id not in spurs and junction.y > 0.0]
    roots = sorted(random.sample(roots, LANES), key=lambda junction: junction.id)
    count: dict[str, int] = {}
    for root in roots:
        count[root.street] = count.get(root.street, 0) + 1
        _lane(plan, root, f"{root.street} Lane {2 * count[root.street] + 1}", random)


def _lane(plan: Plan, root: Junction, street: str, random: Random) -> None:
    heading = random.choice((0.8, 2.35, 3.9, 5.5)) + random.uniform(-0.2, 0.2)
    last, x, y = root, root.x, root.y
    for place in range(random.randint(3, 6)):
        step = random.uniform(55.0, 105.0)
        turned = heading + random.uniform(-0.3, 0.3)
        x, y = x + step * math.cos(turned), y + step * math.sin(turned)
        following = plan.add_junction(x, y, street)
        plan.add_stretch(last, following, street, lane=True)
        if place == 1 and random.random() < 0.4:
            side = plan.add_junction(x - 60.0 * math.sin(turned), y + 60.0 * math.cos(turned), street)
            plan.add_stretch(following, side, street, lane=True)
        last = following
