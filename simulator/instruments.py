"""The instruments: what the device of a point shows of the truth. Pure and seeded.

Truth → direction → gauge elevation, absolute → the point's unit → datum error, noise, drift → quantum of the
instrument → raw value as the device's data type holds it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.point import Point
from models.problem import Problem
from models.quantity import UNITS, Quantity, from_si
from models.sample import Quality
from simulator.condition import Condition, GaugeState
from simulator.noise import Stream, normals, uniform
from simulator.plant_files import GaugeTruth, TruePlant
from simulator.registers import broken, hold
from simulator.snapshot import Elements, Reader, Snapshot, reader

ATMOSPHERE_M = 10.33
"""What an absolute gauge reads above a relative one [m of water]."""

_LENGTHS = (Quantity.PRESSURE, Quantity.HEAD, Quantity.LEVEL)
_FLOWS = (Quantity.FLOW, Quantity.DEMAND)
_WELL = GaugeState()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device holds for a point: the raw value, and how the instrument itself rates it."""

    raw: float
    quality: Quality = Quality.GOOD
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument, ready to read."""

    point: Point
    read: Reader
    shift: float
    """Added to the true value, in SI: gauge elevation and atmosphere."""
    gauge: GaugeTruth
    deviation: tuple[float, float]
    """Standard deviation of the noise: in the point's unit, and as a share of the value."""
    first_count: float
    """What a totaliser showed at the network's time 0, in its unit."""

    def value(self, snapshot: Snapshot, chance: float, drift: float) -> float:
        """Return what the instrument shows, in its unit; ``chance`` is a standard normal number."""
        point = self.point
        true = from_si(self.read(snapshot) + self.shift, point.quantity, point.unit)
        if point.quantity is Quantity.STATUS:
            return true
        if point.quantity is Quantity.VOLUME:
            count = true + self.first_count
            return count % point.rollover if point.rollover else count
        fixed, share = self.deviation
        shown = true + self.gauge.offset + (fixed + share * abs(true)) * chance + drift
        return round(shown / self.gauge.quantum) * self.gauge.quantum if self.gauge.quantum else shown


class Instruments:
    """All instruments of a site, read together."""

    def __init__(self, instruments: Sequence[Instrument], seed: int) -> None:
        self._instruments = tuple(instruments)
        self._seed = seed

    @property
    def points(self) -> tuple[Point, ...]:
        """The points, in the order of the readings."""
        return tuple(instrument.point for instrument in self._instruments)

    def read(self, snapshot: Snapshot, condition: Condition, before: Mapping[str, Reading]) -> dict[str, Reading]:
        """Return the reading of every point; ``before`` holds the last ones, for gauges that repeat them."""
        tick = round(snapshot.time.timestamp() * 1e3)
        chances = normals(self._seed, Stream.GAUGE, tick, len(self._instruments)).tolist()
        readings: dict[str, Reading] = {}
        for instrument, chance in zip(self._instruments, chances, strict=True):
            name = instrument.point.name
            state = condition.gauges.get(name, _WELL)
            if state.dead:
                readings[name] = Reading(broken(instrument.point.data_type), Quality.BAD, "sensor failure")
                continue
            last = before.get(name) if state.frozen or state.uncertain else None
            raw = last.raw if last else _raw(instrument, snapshot, chance, state.drift)
            quality = (Quality.UNCERTAIN, "last usable value") if state.uncertain else (Quality.GOOD, "")
            readings[name] = Reading(raw, *quality)
        return readings


def _raw(instrument: Instrument, snapshot: Snapshot, chance: float, drift: float) -> float:
    point = instrument.point
    value = instrument.value(snapshot, chance, drift)
    return hold((value - point.offset) / point.scale, point.data_type, wraps=point.quantity is Quantity.VOLUME)


def fit_out(
    points: Sequence[Point], elements: Elements, plant: TruePlant, seed: int
) -> tuple[Instruments, list[Problem]]:
    """Return the instruments of ``points``, and what is wrong with points that cannot be measured here."""
    instruments: list[Instrument] = []
    problems = [
        Problem(f"point {name}: not in points.csv", "plant/gauges.csv")
        for name in plant.gauges
        if all(point.name != name for point in points)
    ]
    for point in points:
        try:
            instruments.append(_instrument(point, elements, plant, seed))
        except ValueError as error:
            problems.append(Problem(f"point {point.name}: {error}", "points.csv", point.line))
    return Instruments(instruments, seed), problems


def _instrument(point: Point, elements: Elements, plant: TruePlant, seed: int) -> Instrument:
    if point.unit not in UNITS[point.quantity]:
        raise ValueError(
            f"unit {point.unit!r}, expected one of {', '.join(UNITS[point.quantity])} for {point.quantity}"
        )
    if point.scale == 0:
        raise ValueError("scale 0, must not be 0")
    if point.data_type == "string":
        raise ValueError("data type string, which the plant's instruments do not speak")
    shift = ATMOSPHERE_M if point.absolute else 0.0
    if point.quantity is Quantity.PRESSURE and point.gauge_elevation_m is not None:
        shift += float(elements.elevation[elements.nodes[point.element]]) if point.element in elements.nodes else 0.0
        shift -= point.gauge_elevation_m
    gauge = plant.gauges.get(point.name, GaugeTruth())
    return Instrument(
        point=point,
        read=reader(elements, point.element, point.quantity, point.reverse),
        shift=shift,
        gauge=gauge,
        deviation=_deviation(point, gauge, plant),
        first_count=_first_count(point, seed),
    )


def _deviation(point: Point, gauge: GaugeTruth, plant: TruePlant) -> tuple[float, float]:
    if gauge.noise is not None:
        return gauge.noise, 0.0
    if point.quantity in _FLOWS:
        return 0.0, plant.gauge_noise_percent / 100.0
    if point.quantity in _LENGTHS:
        return from_si(plant.gauge_noise_m, point.quantity, point.unit), 0.0
    return 0.0, 0.0


def _first_count(point: Point, seed: int) -> float:
    """Meters were not set to zero for the episode."""
    if point.quantity is not Quantity.VOLUME:
        return 0.0
    return uniform(seed, Stream.TOTALISER, zlib.crc32(point.name.encode())) * (point.rollover or 1e5)
