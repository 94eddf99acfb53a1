"""Which driver speaks which protocol. A driver's module is imported when a site has a device for it."""

from __future__ import annotations

from collections import defaultdict

from collectors.driver import Driver
from models.point import Point
from models.problem import Problem
from models.site import Device, Site

SPOKEN = ("modbus-tcp", "opcua")


def driver_of(device: Device) -> Driver:
    """Return the driver of a device; :func:`check_devices` has found nothing wrong with it."""
    if device.protocol == "opcua":
        from collectors.opcua.driver import OpcUaDriver

        return OpcUaDriver(device)
    from collectors.modbus.driver import ModbusDriver

    return ModbusDriver(device)


def check_devices(site: Site) -> list[Problem]:
    """Return what keeps the points of a site from being read; no device is asked."""
    site_file, points_file = str(site.folder / "site.toml"), str(site.folder / "points.csv")
    points: dict[str, list[Point]] = defaultdict(list)
    for point in site.points:
        points[point.device].append(point)
    problems: list[Problem] = []
    for device in site.devices:
        if device.protocol not in SPOKEN:
            text = f"device {device.name}: {device.protocol} is not spoken yet, expected {' or '.join(SPOKEN)}"
            problems.append(Problem(text, site_file, device.line))
        elif device.protocol == "opcua":
            from collectors.opcua.driver import check_points as check_nodes

            problems += check_nodes(device, points[device.name], site_file, points_file)
        else:
            from collectors.modbus.driver import check_points as check_registers

            problems += check_registers(device, points[device.name], site_file, points_file)
    if site.clock == "device" and not any(
        device.clock_address or device.protocol == "opcua" for device in site.devices
    ):
        text = 'clock = "device", but no device tells the time: expected a clock_address or an OPC UA server'
        problems.append(Problem(text, site_file))
    return problems
