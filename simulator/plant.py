"""The running plant: every step a solve, every scan the instruments, and what they show at the servers."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from models.quantity import Quantity
from simulator.clock import PlantClock
from simulator.condition import condition_at
from simulator.events import CustomerComplaint, Event
from simulator.instruments import Reading
from simulator.noise import Stream, normals
from simulator.scene import Scene, misfit
from simulator.snapshot import held_until, reader
from simulator.truth import LONGEST_STEP_S

STEP_S = 60
"""Hydraulic step unless another is asked for [s]."""
CREW_PRESSURE_NOISE_M = 0.1
CREW_FLOW_NOISE = 0.02
"""Standard deviations of a crew's portable gauges: [m], and as a share of the flow."""

_SCAN_WALL_S = 0.1
"""How often a device scans its instruments and sets its clock on, where the step is longer [s of the wall]."""
_LATE_WALL_S = 2.0

_log = logging.getLogger(__name__)


class Server(Protocol):
    """What shows readings to the field: an outstation or a SCADA server."""

    async def publish(self, time: datetime, readings: Mapping[str, Reading], off: set[str]) -> None:
        """Show ``readings`` of ``time``, and be away for the devices in ``off``."""

    async def close(self) -> None:
        """Stop."""


@dataclass(frozen=True, slots=True)
class CrewReading:
    """One reading of a portable gauge, [m] or [l/s]."""

    time: datetime
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class RaisedComplaint:
    """A customer has rung; ``reading_m`` is what the customer's own gauge shows then [m]."""

    customer: str
    time: datetime
    words: str
    reading_m: float


class Plant:
    """Plays a scene in plant time. :meth:`open` before :meth:`run`; :meth:`close` in any case."""

    def __init__(
        self,
        scene: Scene,
        servers: Sequence[Server],
        speed: float,
        step_s: int = STEP_S,
        clock: Callable[[datetime, float], PlantClock] = PlantClock,
    ) -> None:
        self._scene = scene
        self._servers = tuple(servers)
        self._speed = speed
        self._step = timedelta(seconds=step_s)
        self._step_s = step_s
        self._scan = timedelta(seconds=scan_interval(step_s, speed))
        self._new_clock = clock
        self._clock: PlantClock | None = None
        self._start = self._time = scene.truth.snapshot.time
        self._snapshot = self._held = scene.truth.snapshot
        self._events = scene.episode.events
        self._readings: dict[str, Reading] = {}
        self._complaints: list[RaisedComplaint] = []
        self._rung: set[int] = set()
        self._scanned = asyncio.Event()
        # EPANET solves in a thread of its own, so that the servers answer meanwhile.
        self._thread = ThreadPoolExecutor(1, "epanet")
        self._hurrying = self._late = False

    @property
    def time(self) -> datetime:
        """Plant time of the last scan: what the devices' clocks show."""
        return self._time

    @property
    def lag_s(self) -> float:
        """How far the last scan is behind the plant's clock [s of plant time]."""
        return (self._clock.now() - self._time).total_seconds() if self._clock else 0.0

    @property
    def complaints(self) -> tuple[RaisedComplaint, ...]:
        """What customers have said so far."""
        return tuple(self._complaints)

    def pace(self, speed: float) -> None:
        """Go on at another speed: plant seconds a wall second.

        Raises
        ------
        ValueError
            The speed is not above 0.
        """
        if self._clock is not None:
            self._clock.pace(speed)
        self._speed, self._scan = speed, timedelta(seconds=scan_interval(self._step_s, speed))

    async def open(self) -> None:
        """Open the servers and start the plant's clock.

        Raises
        ------
        Unavailable
            A port is in use.
        """
        await self._publish(self._start)
        self._clock = self._new_clock(self._start, self._speed)

    async def close(self) -> None:
        """Stop the servers; the truth stays with the scene."""
        self._thread.shutdown(wait=True)
        for server in self._servers:
            await server.close()

    async def run(self) -> None:
        """Run until cancelled.

        Raises
        ------
        NotSolvable
            The truth does not solve any more.
        """
        if self._clock is None:
            raise RuntimeError("the plant is not open")
        loop = asyncio.get_running_loop()
        while True:
            due = self._time + self._scan
            await asyncio.sleep(max(0.0, self._clock.wall_until(due)))
            # Scans that are past already are left out, so that the clock of the devices is never behind for long.
            due += max(0, (self._clock.now() - due) // self._scan) * self._scan
            step = self._start + (due - self._start) // self._step * self._step
            if step > self._snapshot.time:
                missed = (step - self._snapshot.time) // self._step - 1
                longest = LONGEST_STEP_S if missed else int(self._step.total_seconds())
                truth = self._scene.truth
                self._snapshot = await loop.run_in_executor(self._thread, truth.advance, step, self._events, longest)
                self._report(missed)
            await self._publish(due)

    async def _publish(self, time: datetime) -> None:
        condition = condition_at(self._events, time)
        self._held = held_until(self._snapshot, self._scene.truth.elements, time)
        self._readings = self._scene.instruments.read(self._held, condition, self._readings)
        self._time = time
        for server in self._servers:
            await server.publish(time, self._readings, condition.devices_off)
        self._raise_complaints()
        self._scanned.set()
        self._scanned = asyncio.Event()

    def _report(self, missed: int) -> None:
        """Say once when steps are combined or the clock runs away, and once when that is over."""
        if bool(missed) != self._hurrying:
            self._hurrying = bool(missed)
            _log.info("steps of %s are combined: %s", self._step, "yes" if missed else "no longer")
        late = self.lag_s > _LATE_WALL_S * self._speed + LONGEST_STEP_S
        if late != self._late:
            self._late = late
            if late:
                _log.warning("the plant is %.0f s behind its clock: speed %g is too much", self.lag_s, self._speed)
            else:
                _log.warning("the plant has caught up with its clock")

    def happen(self, event: Event) -> None:
        """Let something happen; the hydraulics see it at their next step.

        Raises
        ------
        ValueError
            It cannot happen at this site.
        """
        why = misfit(event.change, self._scene.site, self._scene.truth.elements)
        if why:
            raise ValueError(why)
        self._events = (*self._events, event)

    async def measure(self, node: str, quantity: Quantity, minutes: float, link: str = "") -> list[CrewReading]:
        """Return a crew's readings at ``node`` (or of the flow in ``link``), one a plant minute, when they are taken.

        Raises
        ------
        ValueError
            There is no such node, or no such quantity there.
        """
        if node and node not in self._scene.truth.elements.nodes:
            raise ValueError(f"node {node}: not in the network")
        element = link if link and quantity is Quantity.FLOW else node
        read = reader(self._scene.truth.elements, element, quantity)
        item = zlib.crc32(element.encode())
        minute = timedelta(minutes=1)
        end = self._time + minutes * minute
        due = min(self._time + minute, end)
        readings: list[CrewReading] = []
        while due <= end:
            await self._scanned.wait()
            if self._time < due:
                continue
            true = read(self._held)
            chance = self._chance(item)
            if quantity is Quantity.FLOW:
                readings.append(CrewReading(self._time, 1e3 * true * (1 + CREW_FLOW_NOISE * chance), "l/s"))
            else:
                readings.append(CrewReading(self._time, true + CREW_PRESSURE_NOISE_M * chance, "m"))
            due += ((self._time - due) // minute + 1) * minute
        return readings

    def _chance(self, item: int) -> float:
        return float(normals(self._scene.seed, Stream.CREW, round(self._time.timestamp() * 1e3), 1, item)[0])

    def _raise_complaints(self) -> None:
        for number, event in enumerate(self._events):
            if not isinstance(event.change, CustomerComplaint) or number in self._rung or event.at > self._time:
                continue
            self._rung.add(number)
            customer = self._scene.site.customer(event.change.customer)
            pressure = reader(self._scene.truth.elements, customer.node, Quantity.PRESSURE)
            item = zlib.crc32(customer.customer_id.encode())
            shown = pressure(self._held) + CREW_PRESSURE_NOISE_M * self._chance(item)
            raised = RaisedComplaint(customer.customer_id, event.at, event.change.words, round(shown, 1))
            self._complaints.append(raised)


def scan_interval(step_s: int, speed: float) -> int:
    """Return how often the devices scan, in plant time [s]: some tenths of a wall second, and a part of the step."""
    wanted = max(1.0, speed * _SCAN_WALL_S)
    return max(part for part in range(1, step_s + 1) if step_s % part == 0 and part <= wanted)
