"""What the devices report of a run: series with noise, datums, clocks and what a faulty point does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.diagnosis.elements import Floats, State
from benchmarks.diagnosis.faults import Ground
from benchmarks.diagnosis.project import STEP_S
from benchmarks.diagnosis.truth import CLOCK_S, DATUM_M

PRESSURE_NOISE_M, FLOW_NOISE = 0.1, 0.02
ZERO = datetime(2026, 3, 2, tzinfo=UTC)
"""The instant of the network's time 0."""


@dataclass(frozen=True, slots=True)
class Device:
    """One series: an element's quantity, its datum's error [m] and its clock's [s]."""

    element: str
    quantity: str
    unit: str
    index: int
    datum: float
    clock: float


@dataclass(frozen=True, slots=True)
class Series:
    """A device's values (T,) in its unit, at the readings' times."""

    device: Device
    value: Floats

    @property
    def name(self) -> str:
        """Return the point's name as a bare run knows it."""
        return f"{self.device.element}/{self.device.quantity}"


def devices_of(ground: Ground, departed: bool, rng: np.random.Generator) -> list[Device]:
    """Return pressure points, tank levels, source inflows and the status of what is guided."""
    elements = ground.elements

    def device(element: str, quantity: str, unit: str, index: int) -> Device:
        datum = rng.normal(0.0, DATUM_M) if departed and quantity == "pressure" else 0.0
        clock = rng.uniform(-CLOCK_S, CLOCK_S) if departed and quantity != "status" else 0.0
        return Device(element, quantity, unit, index, float(datum), float(clock))

    nodes, links = elements.node_ids, elements.link_ids
    return [
        *(device(nodes[node], "pressure", "m", int(node)) for node in ground.layout.points),
        *(device(nodes[node], "level", "m", int(node)) for node in elements.tanks),
        *(device(nodes[node], "flow", "l/s", int(node)) for node in elements.reservoirs),
        *(device(links[link], "status", "", place) for place, link in enumerate(elements.guided)),
    ]


def read(
    devices: Sequence[Device], ground: Ground, states: Sequence[State], times: Floats, jumps: Sequence[int]
) -> list[Series]:
    """Return the noiseless series at ``times`` [s of network time].

    Between two states a value runs straight, unless something is switched or breaks then (``jumps`` [s]): until then
    the former one holds.
    """
    moment = np.array([state.time for state in states], dtype=float)
    switched = [bool(np.any(a.status != b.status)) or b.time in jumps for a, b in pairwise(states)]
    held = np.array([*switched, True])
    elevation = ground.elements.elevation
    series = []
    for one in devices:
        if one.quantity == "status":
            known = np.array([state.status[one.index] for state in states], dtype=float)
        elif one.quantity == "flow":
            known = np.array([-1e3 * state.outflow[one.index] for state in states])
        else:
            known = np.array([state.head[one.index] for state in states]) - elevation[one.index] + one.datum
        when = np.clip(times + one.clock, moment[0], moment[-1])
        before = np.searchsorted(moment, when, side="right") - 1
        after = np.minimum(before + 1, len(moment) - 1)
        share = (when - moment[before]) / np.maximum(moment[after] - moment[before], 1.0)
        still = held[before] | (one.quantity == "status")
        series.append(
            Series(one, np.where(still, known[before], known[before] + share * (known[after] - known[before])))
        )
    return series


def with_noise(series: Sequence[Series], rng: np.random.Generator) -> list[Series]:
    """Return the series as they are read: 0.1 m, or 2 % of a flow."""
    noisy = []
    for one in series:
        noise = rng.standard_normal(len(one.value))
        if one.device.quantity == "flow":
            noisy.append(Series(one.device, one.value * (1.0 + FLOW_NOISE * noise)))
        elif one.device.quantity == "status":
            noisy.append(one)
        else:
            noisy.append(Series(one.device, one.value + PRESSURE_NOISE_M * noise))
    return noisy


def write(path: Path, series: Sequence[Series], times: Floats) -> None:
    """Write readings as ``hydro diagnose`` takes them."""
    lines = ["time,element,quantity,value,unit"]
    for place, time in enumerate(times.tolist()):
        when = iso(time)
        for one in series:
            device, value = one.device, one.value[place]
            shown = ("closed", "open")[int(value)] if device.quantity == "status" else f"{value:.4f}"
            lines.append(f"{when},{device.element},{device.quantity},{shown},{device.unit}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def instants(start: int, days: int) -> Floats:
    """Return the readings' times over whole days [s of network time]."""
    return np.arange(start, start + days * 86400, STEP_S, dtype=float)


def iso(time: float) -> str:
    """Return network time as an instant."""
    return (ZERO + timedelta(seconds=time)).isoformat()
