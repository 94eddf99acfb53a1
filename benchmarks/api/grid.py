"""Sites made up to a size: a grid of streets with a source in a corner, as a folder that the service runs."""

from __future__ import annotations

from pathlib import Path

SITE = """name = "Grid"
time_zone = "UTC"
crs = "local"
network = "network.inp"
clock = "wall"
[stores]
telemetry = "embedded"
[monitor]
required_pressure_m = 14.0
[[devices]]
name = "rtu"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = 1502
"""
SPACING_M = 100.0


def make_site(folder: Path, side: int, points: int) -> list[str]:
    """Write a site of ``side``² junctions with pressure points at the first of them; return the points' names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "network.inp").write_text(network_text(side), encoding="utf-8")
    names = [f"PT-{place:05d}" for place in range(points)]
    rows = [
        f"{name},J{place % (side * side)},pressure,m,rtu,holding/{2 * (place % 30000)},float32,ABCD,1,0,1\n"
        for place, name in enumerate(names)
    ]
    header = "name,element,quantity,unit,device,address,data_type,byte_order,scale,offset,period_s\n"
    (folder / "points.csv").write_text(header + "".join(rows), encoding="utf-8")
    return names


def network_text(side: int) -> str:
    """Return an EPANET file of a square grid: mains along the edges and every tenth street, thinner pipes between."""
    count = side * side
    lines = ["[JUNCTIONS]", *(f"J{one} 10 0.02" for one in range(count))]
    lines += ["[RESERVOIRS]", "R 90", "[PIPES]", "FEED R J0 100 1000 130 0 Open"]
    for row in range(side):
        for column in range(side):
            one = row * side + column
            if column + 1 < side:
                lines.append(f"H{one} J{one} J{one + 1} {SPACING_M:g} {_size(row)} 120 0 Open")
            if row + 1 < side:
                lines.append(f"V{one} J{one} J{one + side} {SPACING_M:g} {_size(column)} 120 0 Open")
    lines += ["[OPTIONS]", "Units LPS", "Headloss H-W", "[TIMES]", "Duration 24:00", "Pattern Timestep 1:00"]
    lines += [
        "[COORDINATES]",
        *(f"J{one} {SPACING_M * (one % side)} {SPACING_M * (one // side)}" for one in range(count)),
    ]
    return "\n".join([*lines, f"R {-SPACING_M} 0", "[END]", ""])


def _size(street: int) -> int:
    return 500 if street == 0 else 300 if street % 10 == 0 else 150
