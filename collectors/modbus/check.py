"""What keeps a Modbus device's points from being read, found before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.modbus.plan import address_of, wanted_of
from collectors.modbus.wires import place_of
from models.point import Point
from models.problem import Problem
from models.site import Device


def check_points(device: Device, points: Sequence[Point], site_file: str, points_file: str) -> list[Problem]:
    """Return what keeps the points of a device from being read."""
    problems = []
    try:
        clock = address_of(device.clock_address) if device.clock_address else None
        if clock is not None and (clock.is_bit or clock.count):
            raise ValueError(f'address "{device.clock_address}", expected registers such as holding/0')
    except ValueError as error:
        problems.append(Problem(f"device {device.name}: clock_{error}", site_file, device.line))
    for point in points:
        try:
            wanted_of([point])
        except ValueError as error:
            problems.append(Problem(f"point {point.name}: {error}", points_file, point.line))
    return problems


def check_wires(devices: Sequence[Device], site_file: str) -> list[Problem]:
    """Return where devices at one place do not agree on how it is reached."""
    problems = []
    first: dict[str, Device] = {}
    for device in devices:
        place = place_of(device)
        other = first.setdefault(place, device)
        if (device.protocol, device.serial, device.security) != (other.protocol, other.serial, other.security):
            text = f"device {device.name}: reaches {place} in another way than {other.name}, expected the same settings"
            problems.append(Problem(text, site_file, device.line))
    return problems
