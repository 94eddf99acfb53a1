"""What is believed of the whole network at an instant: the model, driven by what was measured around it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from api.arrays import Packed
from api.geometry import state_arrays
from hydro.conditions import Conditions
from hydro.evidence import Evidence
from hydro.readings import Floats
from hydro.resolve import Case, conditions_under, settle
from hydro.state import State
from models.point import Point
from models.sample import Sample
from models.site import Site
from monitor.baseline_file import load_baseline
from monitor.diagnoser import Diagnoser
from monitor.quantities import reading_value
from monitor.series import elevation_of
from stores.telemetry import TelemetryStore

LOOKED_BACK = timedelta(hours=1)
"""Readings of this long before an instant say how tanks, pumps and demand stand at it."""
FRESH_S = 5.0
"""A state that was worked out less than this ago on the wall's clock is the present's, however fast plant time runs."""
MOST_KEPT = 48
BAND90 = 1.645
"""Standard deviations to either side of the mean between which nine of ten values lie."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a point should read, and the standard deviation of a reading about it; in the point's unit."""

    value: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Belief:
    """A state with what it was solved under. ``points`` holds what each compared point should read."""

    time: datetime
    network_time_s: float
    basis: Literal["measured", "patterns"]
    conditions: Conditions
    state: State
    points: Mapping[str, Expected]
    packed: Packed
    """The state as binary arrays."""


@dataclass(frozen=True, slots=True)
class Course:
    """What points should have read over steps: ``time``: (T,) [s since 1970-01-01 UTC]; by point (T,) in its unit."""

    time: Floats
    modelled: Mapping[str, Floats]
    deviation: Mapping[str, Floats]
    measured: Mapping[str, Floats]


class Believer:
    """Works out states, one at a time, and remembers the latest of them. For any number of threads."""

    def __init__(self, site: Site, telemetry: TelemetryStore, today: datetime, revision: str) -> None:
        """Open the site's network, which is at ``revision``, with the baseline that was learnt, if one was."""
        self._site = site
        self._revision = revision
        self._telemetry = telemetry
        self._points = {point.name: point for point in site.points}
        self.diagnoser = Diagnoser(site, today)
        path = site.monitor.baseline_file
        if path is not None and path.exists():
            self.diagnoser.baseline = load_baseline(path)
        self._working = threading.Lock()
        self._kept: OrderedDict[tuple[int, frozenset[str]], Belief] = OrderedDict()
        self._courses: OrderedDict[tuple[int, int, frozenset[str]], Course] = OrderedDict()
        self._present: tuple[float, Belief] | None = None

    def close(self) -> None:
        """Give the network back."""
        self.diagnoser.close()

    def now(self, time_: datetime, out: Collection[str]) -> Belief:
        """Return the state of the site's present; ``out`` names points that are not to be believed."""
        with self._working:
            if self._present is not None and time.monotonic() - self._present[0] < FRESH_S:
                return self._present[1]
            belief = self._at(time_, frozenset(out))
            self._present = (time.monotonic(), belief)
            return belief

    def at(self, time_: datetime, out: Collection[str]) -> Belief:
        """Return the state at an instant, to the minute.

        Raises
        ------
        SolveError
            The network does not solve with what was measured.
        """
        with self._working:
            return self._at(time_, frozenset(out))

    def _at(self, time_: datetime, out: frozenset[str]) -> Belief:
        minute = int(time_.timestamp() // 60)
        found = self._kept.get((minute, out))
        if found is None:
            found = self._kept[(minute, out)] = self._work_out(datetime.fromtimestamp(60.0 * minute, UTC), out)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def course(self, start: datetime, end: datetime, out: Collection[str]) -> Course:
        """Return what points should have read in steps of a span, every point at once."""
        step = self._site.monitor.step_s
        key = (int(start.timestamp() // step), int(end.timestamp() // step), frozenset(out))
        with self._working:
            found = self._courses.get(key)
            if found is None:
                found = self._courses[key] = self._follow(start, end, key[2])
                while len(self._courses) > 8:
                    self._courses.popitem(last=False)
            return found

    def _samples(self, start: datetime, end: datetime, out: frozenset[str]) -> list[Sample]:
        names = [name for name in self._points if name not in out]
        return self._telemetry.range(names, start, end)

    def _work_out(self, time_: datetime, out: frozenset[str]) -> Belief:
        start = time_ - LOOKED_BACK
        diagnoser = self.diagnoser
        samples = self._samples(start, time_, out)
        window = diagnoser.window(samples, start.timestamp(), time_.timestamp())
        if window.steps == 0:
            network_time = time_.timestamp() - diagnoser.origin
            conditions = diagnoser.engine.default_conditions(network_time)
            return self._believed(time_, network_time, "patterns", conditions, diagnoser.engine.solve(conditions), {})
        case = diagnoser.case(window)
        # Steps in which a tank may be shut are no part of the case.
        window = case.window
        evidence = settle(case)
        last = window.steps - 1
        conditions = conditions_under(case, evidence.place, (), last)
        value, deviation = _expected(case, evidence, last)
        points = {
            name: Expected(
                self._reading(self._points[name], float(value[row])), self._span(name, float(deviation[row]))
            )
            for row, name in enumerate(window.points)
            if name in self._points and np.isfinite(deviation[row])
        }
        network_time = float(window.network_time()[last])
        return self._believed(time_, network_time, "measured", conditions, evidence.snapshots[last].state, points)

    def _believed(
        self,
        time_: datetime,
        network_time_s: float,
        basis: Literal["measured", "patterns"],
        conditions: Conditions,
        state: State,
        points: Mapping[str, Expected],
    ) -> Belief:
        meta = {"revision": self._revision, "time": time_.isoformat(), "basis": basis}
        packed = state_arrays(self.diagnoser.engine.network, state, meta)
        return Belief(time_, network_time_s, basis, conditions, state, points, packed)

    def _follow(self, start: datetime, end: datetime, out: frozenset[str]) -> Course:
        window = self.diagnoser.window(self._samples(start, end, out), start.timestamp(), end.timestamp())
        if window.steps == 0:
            return Course(np.empty(0), {}, {}, {})
        case = self.diagnoser.case(window)
        window = case.window
        evidence = settle(case)
        steps = [_expected(case, evidence, step) for step in range(window.steps)]
        modelled, deviation, measured = {}, {}, {}
        for row, name in enumerate(window.points):
            point = self._points.get(name)
            if point is None:
                continue
            modelled[name] = np.array([self._reading(point, float(value[row])) for value, _ in steps])
            deviation[name] = np.array([self._span(name, float(spread[row])) for _, spread in steps])
            measured[name] = np.array([self._reading(point, float(one)) for one in window.value[row]])
        return Course(window.time, modelled, deviation, measured)

    def _reading(self, point: Point, si: float) -> float:
        return reading_value(point, si, elevation_of(point, self.diagnoser.engine.network))

    def _span(self, name: str, si: float) -> float:
        """Return a difference of two values in SI as the point's unit has it."""
        point = self._points[name]
        return abs(self._reading(point, si) - self._reading(point, 0.0))


def _expected(case: Case, evidence: Evidence, step: int) -> tuple[Floats, Floats]:
    """Return (S,) what the points should read at a step, and the deviation of a reading about it; NaN if unread [SI].

    With Σ = (WᵀW)⁻¹ of noise and momentary demand and departures u of covariance BBᵀ, a reading about the model has
    variance diag(Σ + G BBᵀ Gᵀ), G = W⁻¹(WG).
    """
    departed = case.departures.split(case.departures.theta(evidence.place.departures))[4]
    value = evidence.snapshots[step].value + departed
    group = evidence.group[step]
    whitener = evidence.whitener[group]
    read: NDArray[np.bool_] = np.any(whitener != 0.0, axis=1)
    deviation = np.full(len(value), np.nan)
    if read.any():
        back = np.linalg.inv(whitener[np.ix_(read, read)])
        moved = back @ evidence.basis[group][read] @ evidence.root()
        deviation[read] = np.sqrt(case.temper * np.sum(back**2, axis=1) + np.sum(moved**2, axis=1))
    return np.asarray(value), deviation
