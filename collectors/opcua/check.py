"""What keeps an OPC UA device's points from being read, found before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence

from asyncua import ua
from asyncua.ua.uaerrors import UaError

from models.point import Point
from models.problem import Problem
from models.site import Device


def check_points(device: Device, points: Sequence[Point], site_file: str, points_file: str) -> list[Problem]:
    """Return what keeps the points of a device from being read."""
    problems = []
    if not device.url.startswith("opc.tcp://"):
        text = f'device {device.name}: url "{device.url}", expected one such as opc.tcp://127.0.0.1:4840'
        problems.append(Problem(text, site_file, device.line))
    for point in points:
        try:
            ua.NodeId.from_string(point.address)
        except (UaError, ValueError):
            text = f'point {point.name}: address "{point.address}" is no NodeId, expected one such as ns=2;s=PS1.Flow'
            problems.append(Problem(text, points_file, point.line))
    return problems
