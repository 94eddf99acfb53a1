"""Which driver speaks which protocol. A driver's module is imported when a site has a device for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from collectors.driver import Driver
from models.point import Point
from models.problem import Problem
from models.site import Device, Site

if TYPE_CHECKING:
    from collectors.modbus.wires import Wires


class Drivers:
    """The drivers of a site's devices, and what several of them share."""

    def __init__(self) -> None:
        self._devices: Sequence[Device] = ()
        self._wires: Wires | None = None

    def adopt(self, devices: Sequence[Device]) -> None:
        """Know the devices of the site, as they are now."""
        self._devices = [device for device in devices if device.protocol != "opcua"]
        if self._wires is not None:
            self._wires.adopt(self._devices)

    def of(self, device: Device, points: Sequence[Point]) -> Driver:
        """Return the driver of a device and its points; :func:`check_devices` has found nothing wrong with them."""
        if device.protocol == "opcua":
            from collectors.opcua.driver import OpcUaDriver

            return OpcUaDriver(device, points)
        from collectors.modbus.driver import ModbusDriver
        from collectors.modbus.wires import Wires

        if self._wires is None:
            self._wires = Wires(self._devices)
        return ModbusDriver(device, self._wires.of(device), self._wires.units(device))


def check_devices(site: Site) -> list[Problem]:
    """Return what keeps the points of a site from being read; no device is asked."""
    site_file, points_file = str(site.folder / "site.toml"), str(site.folder / "points.csv")
    points: dict[str, list[Point]] = defaultdict(list)
    for point in site.points:
        points[point.device].append(point)
    problems: list[Problem] = []
    modbus = [device for device in site.devices if device.protocol != "opcua"]
    for device in site.devices:
        if device.protocol == "opcua":
            from collectors.opcua.check import check_points as check_nodes

            problems += check_nodes(device, points[device.name], site_file, points_file)
        else:
            from collectors.modbus.check import check_points as check_registers

            problems += check_registers(device, points[device.name], site_file, points_file)
    if modbus:
        from collectors.modbus.check import check_wires

        problems += check_wires(modbus, site_file)
    if site.clock == "device" and not any(
        device.clock_address or device.protocol == "opcua" for device in site.devices
    ):
        text = 'clock = "device", but no device tells the time: expected a clock_address or an OPC UA server'
        problems.append(Problem(text, site_file))
    return problems
