"""The servers of a site: an outstation for each Modbus host and port, a SCADA server for each OPC UA device."""

from __future__ import annotations

from models.point import Point
from models.problem import BadInput, Problem
from models.site import Device, Site
from simulator.outstation import Outstation
from simulator.plant import Server
from simulator.register_map import RegisterMap, map_registers
from simulator.scada import Scada, check_nodes

_MODBUS = ("modbus-tcp", "modbus-rtu-tcp")


def build_field(site: Site) -> list[Server]:
    """Return the servers for the devices of ``site``, none of them listening yet.

    Raises
    ------
    BadInput
        Addresses are wrong or overlap, or a device speaks what the plant does not: every problem at once.
    """
    problems: list[Problem] = []
    groups: dict[tuple[str, int, str], list[RegisterMap]] = {}
    scadas: list[tuple[Device, list[Point]]] = []
    for device in site.devices:
        points = [point for point in site.points if point.device == device.name]
        if device.protocol == "opcua":
            problems += check_nodes(device, points)
            scadas.append((device, points))
        elif device.protocol in _MODBUS:
            layout, faults = map_registers(device, points)
            problems += faults
            groups.setdefault((device.host, device.port, device.protocol), []).append(layout)
        else:
            text = f"device {device.name}: the plant speaks {', '.join(_MODBUS)} and opcua, not {device.protocol}"
            problems.append(Problem(text, "site.toml", device.line))
    for maps in groups.values():
        problems += _same_unit([layout.device for layout in maps])
    if problems:
        raise BadInput(problems)
    return [*(Outstation(maps) for maps in groups.values()), *(Scada(device, points) for device, points in scadas)]


def _same_unit(devices: list[Device]) -> list[Problem]:
    """Devices behind one host and port are told apart by their unit alone."""
    first = {device.unit_id: device.name for device in reversed(devices)}
    return [
        Problem(f"device {device.name}: unit {device.unit_id} is {first[device.unit_id]}'s", "site.toml", device.line)
        for device in devices
        if first[device.unit_id] != device.name
    ]
