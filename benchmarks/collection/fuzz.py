"""Ten minutes of any bytes at all for frames, layouts and plans: no crash, and no value but the right one.

    uv run --with atheris python -m benchmarks.collection.fuzz [-max_total_time=600]

Oracles: frames come back whatever stands around them; each value of a layout is what ``int.from_bytes`` and ``struct``
make of its own bytes; blocks cover what is wanted, are within their limits and avoid holes.
"""

from __future__ import annotations

import contextlib
import math
import struct
import sys

import atheris

with atheris.instrument_imports(include=["collectors.modbus"]):
    from collectors.modbus.decode import Field, Layout
    from collectors.modbus.frame import Garbled, RtuFraming, TcpFraming, crc16
    from collectors.modbus.plan import Address, Limits, Wanted, gaps, plan, smaller

CODES = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f"}
TABLES = ("coil", "discrete", "holding", "input")


def frames(data: atheris.FuzzedDataProvider) -> None:
    """A real frame behind noise is found or waited for; what is found has its checksum, or its length."""
    noise, values = data.ConsumeBytes(data.ConsumeIntInRange(0, 300)), data.ConsumeBytes(40)
    values = values[: len(values) // 2 * 2]
    frame = bytes([7, 3, len(values)]) + values
    held = noise + frame + crc16(frame).to_bytes(2, "little")
    while held:
        used, reply = RtuFraming().take(held)
        assert 0 <= used <= len(held)
        if reply is not None:
            assert any(crc16(held[start:used]) == 0 for start in range(used))
        if used == 0:
            break
        held = held[used:]
    with contextlib.suppress(Garbled):
        used, reply = TcpFraming().take(noise)
        assert reply is None or (0 < used <= len(noise) and used == 6 + int.from_bytes(noise[4:6], "big"))


def layouts(data: atheris.FuzzedDataProvider) -> None:
    """Every value is that of its own bytes."""
    content = data.ConsumeBytes(2 * data.ConsumeIntInRange(4, 125))
    if len(content) < 8 or len(content) % 2:
        return
    fields = []
    for place in range(data.ConsumeIntInRange(1, 12)):
        kind = data.PickValueInList(sorted(CODES))
        start = 2 * data.ConsumeIntInRange(0, (len(content) - struct.calcsize(">" + CODES[kind])) // 2)
        fields.append(Field(place, start, kind, data.PickValueInList(["ABCD", "CDAB", "BADC", "DCBA"])))
    found = dict(Layout(fields).values(content))
    assert sorted(found) == list(range(len(fields)))
    for field in fields:
        expected = alone(content, field)
        got = float(found[field.place])
        assert got == expected or (math.isnan(got) and math.isnan(expected)), (field, got, expected)


def alone(content: bytes, field: Field) -> float:
    """Return a value by hand: words put in order one by one, bytes in each, then one number."""
    size = struct.calcsize(">" + CODES[field.data_type])
    words = [content[field.start + place : field.start + place + 2] for place in range(0, size, 2)]
    if field.byte_order in ("CDAB", "DCBA"):
        words.reverse()
    if field.byte_order in ("BADC", "DCBA"):
        words = [bytes([word[1], word[0]]) for word in words]
    return float(struct.unpack(">" + CODES[field.data_type], b"".join(words))[0])


def plans(data: atheris.FuzzedDataProvider) -> None:
    """Blocks cover what is wanted, once, within their limits and around holes."""
    wanted = []
    for place in range(data.ConsumeIntInRange(0, 40)):
        table, width = data.PickValueInList(list(TABLES)), data.PickValueInList([1, 1, 2, 4])
        width = 1 if table in TABLES[:2] else width
        wanted.append(Wanted(place, Address(table, data.ConsumeIntInRange(0, 0xFFFF - width)), width))
    limits = Limits(data.ConsumeIntInRange(4, 125), data.ConsumeIntInRange(0, 124))
    blocks = plan(wanted, limits)
    holes = [hole for block in blocks for hole in gaps(block) if data.ConsumeBool()]
    for block in (*blocks, *plan(wanted, limits, holes)):
        assert 0 < block.count <= limits.most(block.table)
        assert all(block.start <= one.address.start and one.end <= block.start + block.count for one in block.wanted)
        parts = smaller(block)
        assert sorted(one.place for part in parts for one in part.wanted) in (
            [], sorted(one.place for one in block.wanted),
        )  # fmt: skip
    for planned in (blocks, plan(wanted, limits, holes)):
        assert sorted(one.place for block in planned for one in block.wanted) == list(range(len(wanted)))


def one(content: bytes) -> None:
    """Try one input."""
    data = atheris.FuzzedDataProvider(content)
    (frames, layouts, plans)[data.ConsumeIntInRange(0, 2)](data)


if __name__ == "__main__":
    limit = [] if any(word.startswith("-max_total_time") for word in sys.argv) else ["-max_total_time=600"]
    atheris.Setup([*sys.argv, *limit], one)
    atheris.Fuzz()
