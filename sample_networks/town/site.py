"""The whole site: every file of the folder as text, from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from sample_networks.town import assets, demands, plant, points, streets, supply, write

NAME = "Jiaozhou, Shanghe demonstration zone"
SEED = 1996

_SITE = f"""\
# A sample site that runs as it is. Written by `python -m sample_networks.town`; see README.md.
name = "{NAME}"
time_zone = "Asia/Shanghai"
crs = "local"
network = "network.inp"
# The plant is a simulated one whose time runs faster than the wall's: its devices tell the time.
clock = "device"

[stores]
telemetry = "embedded"
telemetry_file = "data/telemetry.sqlite"
spool_file = "data/spool.sqlite"
records = "data/records.sqlite"

[monitor]
required_pressure_m = 14.0

[[devices]]
name = "{points.NORTH}"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = 15021
unit_id = 1
timeout_s = 1.0
clock_address = "holding/0"

[[devices]]
name = "{points.SOUTH}"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = 15022
unit_id = 1
timeout_s = 1.0
clock_address = "holding/0"

[[devices]]
name = "{points.STATION}"
protocol = "opcua"
url = "opc.tcp://127.0.0.1:14840"
timeout_s = 2.0
"""


def generate(seed: int) -> dict[str, str]:
    """Return the text of each file of the site by its path inside the folder; the README is written by hand."""

    def chance(of: str) -> Random:
        # A stream each, so that a change in one room does not redraw the others.
        return Random(f"{seed}/{of}")

    plan = streets.draw(chance("streets"))
    customers = demands.settle(plan, chance("demands"))
    base = demands.base_demands(customers)
    pipes = assets.lay(plan, base, chance("assets"))
    valves = assets.register(plan, pipes, chance("valves"))
    measured = points.place(plan, customers)
    files = {
        "site.toml": _SITE,
        "network.inp": write.inp(plan, pipes, base, NAME),
        "points.csv": points.write(measured),
        "customers.csv": write.customers(customers),
        "valves.csv": write.valves(valves),
        "pipes.csv": write.pipes(plan, pipes),
        "zones.csv": write.zones(_zones(plan)),
        "plant/truth.toml": plant.TRUTH,
        "plant/demands.csv": plant.demands(base, plan, chance("true demands")),
        "plant/roughness.csv": plant.roughness(pipes, plan, chance("true roughness")),
        "plant/gauges.csv": plant.gauges(measured, chance("true gauges")),
    }
    for name, text in plant.episodes(plan, customers, measured).items():
        files[f"plant/episodes/{name}.toml"] = text
    return files


def save(files: Mapping[str, str], folder: Path) -> None:
    """Write the files of a site into ``folder``."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _zones(plan: streets.Plan) -> dict[str, str]:
    """Return the zone of each node: the industrial south, the west, the east."""
    zones = dict.fromkeys(supply.ELEVATION_M, "west")
    for junction in plan.junctions:
        if junction.y < 0.5 * streets.ROWS[1][1]:
            zones[junction.id] = "south"
        else:
            zones[junction.id] = "west" if junction.x < streets.COLUMNS[4][1] else "east"
    return zones
