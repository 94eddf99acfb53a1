"""Where samples become model quantities: units, gauge elevation, absolute gauges, directions, totalisers."""

from __future__ import annotations

from models.point import Point
from models.quantity import Quantity, from_si, to_si

ATMOSPHERE_M = 10.33
"""Pressure of the atmosphere at sea level [m of water]."""


def model_value(point: Point, value: float, elevation_m: float) -> float:
    """Return a reading in SI as the model means it.

    Pressure is above the node's elevation ``elevation_m``: an absolute gauge's atmosphere is taken off, and a gauge
    that hangs elsewhere is moved to the node. Flow is positive in the link's direction. Status is 1 open, 0 closed.
    """
    si = to_si(value, point.quantity, point.unit)
    if point.quantity is Quantity.PRESSURE:
        if point.absolute:
            si -= ATMOSPHERE_M
        if point.gauge_elevation_m is not None:
            si += point.gauge_elevation_m - elevation_m
    if point.reverse and point.quantity is Quantity.FLOW:
        return -si
    return si


def reading_value(point: Point, si: float, elevation_m: float) -> float:
    """Return what a point would read, in its unit, of a model's value in SI; the inverse of :func:`model_value`."""
    if point.quantity is Quantity.PRESSURE:
        if point.gauge_elevation_m is not None:
            si -= point.gauge_elevation_m - elevation_m
        if point.absolute:
            si += ATMOSPHERE_M
    if point.reverse and point.quantity is Quantity.FLOW:
        si = -si
    return from_si(si, point.quantity, point.unit)


def flow_from_totaliser(previous: float, current: float, seconds: float, rollover: float | None, unit: str) -> float:
    """Return the mean flow [m³/s] between two readings of a totaliser; one that has rolled over went through zero.

    Raises
    ------
    ValueError
        No time has passed, the count fell and the totaliser is not known to roll over, or it did so by more than half
        its range: it was replaced or reset, or nobody looked for so long that it may have rolled over twice.
    """
    if seconds <= 0:
        raise ValueError(f"totaliser: {seconds:g} s between two readings, expected more than 0")
    counted = current - previous
    if counted < 0:
        if rollover is None:
            raise ValueError(f"totaliser fell from {previous:g} to {current:g} {unit} and has no rollover")
        counted += rollover
        if not 0 <= counted <= rollover / 2:
            fell = f"totaliser fell from {previous:g} to {current:g} {unit}"
            raise ValueError(f"{fell}: replaced or reset, for it rolls over at {rollover:g}")
    return to_si(counted, Quantity.VOLUME, unit) / seconds
