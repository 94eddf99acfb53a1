from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.point import Point
from models.quantity import Quantity
from models.register import Customer
from models.site import Device, MonitorSettings, Site, StoreSettings
from simulator.plant_files import TruePlant
from simulator.port import free_port
from simulator.truth import Truth

TOWN = Path(__file__).with_name("town.inp")
START = datetime(2026, 7, 9, 22, tzinfo=UTC)
"""Six in the morning at the site."""
ZONE = "Asia/Shanghai"

RTU = {"device": "rtu", "period_s": 60.0}
SCADA = {"device": "scada", "period_s": 60.0}


def points() -> tuple[Point, ...]:
    def rtu(
        name: str, element: str, quantity: Quantity, unit: str, address: str, data_type: str, **more: object
    ) -> Point:
        return Point(name, element, quantity, unit, "rtu", address, data_type, **more)  # type: ignore[arg-type]

    def scada(name: str, element: str, quantity: Quantity, unit: str, data_type: str, **more: object) -> Point:
        address = f"ns=2;s=PS.{name}"
        return Point(name, element, quantity, unit, "scada", address, data_type, **more)  # type: ignore[arg-type]

    return (
        rtu("PT-2", "J2", Quantity.PRESSURE, "m", "holding/10", "uint16", scale=0.01),
        rtu("PT-5", "J5", Quantity.PRESSURE, "kPa", "holding/12", "float32", byte_order="CDAB"),
        rtu("PT-6", "J6", Quantity.PRESSURE, "m", "holding/14", "float32"),
        rtu("FT-3", "P3", Quantity.FLOW, "l/s", "input/0", "int16", scale=0.1, reverse=True),
        rtu("FQ-5", "P5", Quantity.VOLUME, "m3", "input/2", "uint32", scale=0.1, byte_order="CDAB"),
        rtu("FQ-6", "J6", Quantity.VOLUME, "m3", "input/4", "float64", byte_order="DCBA"),
        rtu("FM-6", "J6", Quantity.DEMAND, "l/s", "input/8", "int32", scale=0.001, byte_order="BADC"),
        rtu("PU1-on", "PU1", Quantity.STATUS, "", "discrete/3", "bit"),
        rtu("P8-open", "P8", Quantity.STATUS, "", "holding/20.3", "bit"),
        rtu("P5-open", "P5", Quantity.STATUS, "", "coil/17", "bit"),
        scada("Level", "T1", Quantity.LEVEL, "m", "float32"),
        scada("Flow", "R1", Quantity.FLOW, "m3/h", "float64"),
        scada("Running", "PU1", Quantity.STATUS, "", "bit"),
        scada("Head", "J1", Quantity.HEAD, "m", "int16", scale=0.01, offset=10.0),
    )


CUSTOMERS = (
    Customer("C-5", "Bakery", "shop", "Mill Lane 5", "J5"),
    Customer("C-6", "Fan factory", "factory", "Mill Lane 6", "J6", key_account=True),
)


def make_site(folder: Path, **changes: object) -> Site:
    values: dict[str, object] = {
        "folder": folder,
        "name": "Town",
        "time_zone": ZONE,
        "crs": "local",
        "network": TOWN,
        "clock": "device",
        "devices": (
            Device("rtu", "modbus-tcp", port=free_port(), unit_id=1, clock_address="holding/0"),
            Device("scada", "opcua", url=f"opc.tcp://127.0.0.1:{free_port()}"),
        ),
        "points": points(),
        "stores": StoreSettings("embedded", folder / "t.sqlite", folder / "s.sqlite", "sqlite://"),
        "monitor": MonitorSettings(),
        "customers": CUSTOMERS,
    } | changes
    return Site(**values)  # type: ignore[arg-type]


DOCUMENTED = """
description = "The branch is blocked and the factory has grown."
start = 2026-07-10T06:00:00+08:00
duration_h = 26

[[events]]
at = 2026-07-10T07:00:00+08:00
kind = "demand"
node = "J6"
demand_l_s = 6.0

[[events]]
at = 2026-07-10T08:00:00+08:00
kind = "blockage"
link = "P6"
minor_loss = 60

[[events]]
at = 2026-07-10T09:00:00+08:00
kind = "complaint"
customer = "C-6"
words = "太低"
"""
HEALTHY = 'start = "2026-07-10T06:00:00+08:00"\nduration_h = 24\n'
TRUTH = """
seed = 7
[demand]
noise_cv = 0.1
zone_walk_cv = 0.05
[gauges]
noise_m = 0.05
noise_percent = 1
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    episodes = tmp_path / "plant" / "episodes"
    episodes.mkdir(parents=True)
    (episodes / "documented.toml").write_text(DOCUMENTED, encoding="utf-8")
    (episodes / "healthy.toml").write_text(HEALTHY, encoding="utf-8")
    (tmp_path / "plant" / "truth.toml").write_text(TRUTH, encoding="utf-8")
    (tmp_path / "plant" / "gauges.csv").write_text("point,offset,noise,quantum\nPT-2,0.4,0,0.5\n", encoding="utf-8")
    return make_site(tmp_path)


@pytest.fixture
def open_truth() -> Iterator[Callable[..., Truth]]:
    """Open truths of the town that are closed after the test; without chance unless asked for."""
    truths: list[Truth] = []

    def open_one(plant: TruePlant | None = None, start: datetime = START, **more: object) -> Truth:
        certain = TruePlant(demand_noise_cv=0.0)
        network = more.pop("network", TOWN)
        truths.append(Truth(network, plant or certain, start, ZONE, **more))  # type: ignore[arg-type]
        return truths[-1]

    yield open_one
    for truth in truths:
        truth.close()
