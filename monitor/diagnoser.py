"""The diagnoser: a site's readings of a window in, the document of a diagnosis out.

It opens the network once and holds the baseline; it reads no clock and writes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from hydro.answer import Answer, document, work_out
from hydro.baseline import Baseline, learn, open_with
from hydro.catalogue import Catalogue, standard_catalogue
from hydro.complaint import Complaint as Grievance
from hydro.departures import Uncertainty
from hydro.diagnosis import diagnose, fresh_departures, prepare
from hydro.engine import Engine
from hydro.errors import SolveError
from hydro.hypothesis import Priors
from hydro.ledger import Effort
from hydro.merging import merged
from hydro.network import PressureDemand
from hydro.readings import Floats, Noise, Series
from hydro.resolve import Case
from hydro.window import Window, build_window, step_edges
from models.complaint import Complaint
from models.measurement import HandReading
from models.point import Point
from models.problem import BadInput, Problem
from models.sample import Quality, Sample
from models.site import Site
from monitor.boundaries import stale_boundaries
from monitor.placement import misplaced
from monitor.registers import assets_of
from monitor.remarks import DECISIVE, remarks_on
from monitor.series import Sorted, series_of

BACK_S = 8 * 7 * 86400.0
HEARD_S = 3600.0
"""A complaint speaks of the hour before it."""
FINE_S, LONGEST_FINE_S = 3 * 3600.0, 10 * 3600.0
"""Span of fine steps before the complaint, and at most in all [s]."""
CREW_DEVIATION = 0.3
"""Standard deviation of a crew's gauge, of the levelling of its place and of the minutes it hung there [m]."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a diagnosis is to explain: a window [s since 1970-01-01 UTC], perhaps a complaint and a crew's readings.

    ``fine``: fine steps through the whole window: an hour in which a fault begins fits neither with it nor without.
    """

    start: float
    end: float
    complaint: Complaint | None = None
    readings: tuple[HandReading, ...] = ()
    fine: bool = False


class Diagnoser:
    """A site's network, opened once, with what is believed of it."""

    def __init__(self, site: Site, today: datetime, catalogue: Catalogue | None = None) -> None:
        """Open the site's network.

        Raises
        ------
        BadInput
            A point or a customer is at an element that the network does not have, or that has no such quantity.
        """
        settings = site.monitor
        self.site = site
        self.engine = Engine(site.network, PressureDemand(required=settings.required_pressure_m))
        try:
            self._refuse(site.points, str(site.folder / "points.csv"))
        except BadInput:
            self.engine.close()
            raise
        self.assets = assets_of(site, self.engine.network, today.date())
        self.catalogue = catalogue or standard_catalogue()
        # Without a baseline nothing is known of the gauges: their datums are as doubtful as levelling leaves them.
        self.spread = Uncertainty(demand_cv=settings.demand_cv, zone_cv=settings.zone_cv, datum_m=0.3)
        self.learning = Uncertainty(demand_cv=settings.demand_cv, zone_cv=settings.zone_cv, datum_m=0.5)
        self.noise = Noise(settings.pressure_noise_m, settings.flow_noise_percent / 100.0)
        self.baseline: Baseline | None = None
        # Whole weeks earlier: a window of the past has positive network time, and weekly patterns keep their phase.
        clock = self.engine.network.start_clocktime_s
        self.origin = network_origin(today, clock, ZoneInfo(site.time_zone)) - BACK_S

    def _refuse(self, points: Sequence[Point], file: str) -> None:
        network = self.engine.network
        problems = misplaced(points, network, file)
        problems += [
            Problem(f'customer {one.customer_id}: node "{one.node}" is not in the network', str(self.site.folder))
            for one in self.site.customers
            if one.node not in network.node_index
        ]
        if problems:
            raise BadInput(problems)

    def close(self) -> None:
        """Give the engine back."""
        self.engine.close()

    def calibrate(
        self, samples: Sequence[Sample], start: float, end: float, points: Sequence[Point] | None = None
    ) -> Baseline:
        """Return the baseline of a window held to be healthy; ``points``: of the samples, the site's by default.

        Raises
        ------
        SolveError
            The window holds no hour that the model can be compared with.
        """
        known = self.site.points if points is None else points
        sorted_ = series_of(known, self.engine.network, samples)
        hours = np.arange(start, end + 1.0, 3600.0)
        window = self._window(sorted_, start, end, hours) if len(hours) > 1 else None
        if window is None or window.steps == 0:
            raise SolveError(
                f"no hour of good readings between {_iso(start)} and {_iso(end)}, expected a healthy day or more"
            )
        departures = fresh_departures(self.engine, window, self.assets, self.learning)
        return learn(self.engine, window, departures, self.assets, self.learning)

    def diagnose(
        self, samples: Sequence[Sample], asked: Asked, priors: Priors, effort: Effort | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """Return the document of a diagnosis.

        Raises
        ------
        SolveError
            The window holds nothing that the model can be compared with.
        """
        started = time.perf_counter()
        sorted_ = self._sorted(samples)
        extra = [_series_of(one) for one in asked.readings]
        watch = _watch(asked, [one.element for one in sorted_.series if one.quantity == "demand"])
        window = self._window(sorted_, asked.start, asked.end, _edges(asked), [*extra, *watch])
        if asked.fine:
            window = merged(self.engine, window)
        if window.steps == 0:
            left = ", ".join(f"{count} {why}" for why, count in sorted_.rejected.items())
            raise SolveError(
                f"no good readings between {_iso(asked.start)} and {_iso(asked.end)}, nothing to compare"
                f"{f' (left out: {left})' if left else ''}"
            )
        case = self.case(window)
        fallible = [one.point for one in sorted_.series if one.point in window.points]
        found = diagnose(case, fallible, priors, self._grievance(asked, case.window), effort)
        answer = work_out(found, self.catalogue, np.random.default_rng(seed))
        remarks = remarks_on(self.engine, window, found, sorted_.frozen)
        told = document(answer)
        return {
            **told,
            "can_say": told["can_say"] and not any(one.kind in DECISIVE for one in remarks),
            "remarks": [one.as_json() for one in remarks],
            "network": self.engine.network.name,
            "start": _iso(self.origin),
            "window": {
                "start": _iso(asked.start),
                "end": _iso(asked.end),
                "samples": sorted_.samples,
                "rejected": [{"reason": why, "count": count} for why, count in sorted_.rejected.items()],
            },
            "complaint": _complaint(asked.complaint),
            "affected_customers": self._affected(answer),
            "stale_boundaries": self._stale(samples, asked),
            "elapsed_s": time.perf_counter() - started,
        }

    def case(self, window: Window) -> Case:
        """Return the case of a window against the baseline, or against the model as it is where there is none."""
        if self.baseline is None:
            return prepare(self.engine, window, self.assets, self.spread, None)
        return open_with(self.engine, window, self.baseline, self.assets)

    def window(self, samples: Sequence[Sample], start: float, end: float) -> Window:
        """Return the window of a span, for watching."""
        return self._window(self._sorted(samples), start, end, None)

    def _sorted(self, samples: Sequence[Sample]) -> Sorted:
        return series_of(self.site.points, self.engine.network, samples)

    def _window(
        self, sorted_: Sorted, start: float, end: float, edges: Floats | None, more: Sequence[Series] = ()
    ) -> Window:
        edges = step_edges(start, end) if edges is None else edges
        series = [*sorted_.series, *more]
        return build_window(
            self.engine.network, series, origin=self.origin, start=start, end=end, edges=edges, noise=self.noise
        )

    def _grievance(self, asked: Asked, window: Window) -> Grievance | None:
        complaint = asked.complaint
        if complaint is None:
            return None
        raised = complaint.time.timestamp()
        steps = np.flatnonzero((window.time > raised - HEARD_S) & (window.time <= raised + 450.0))
        node = self.engine.network.node_index[complaint.node]
        return Grievance(
            node=complaint.node,
            row=window.points.index(_watch_name(complaint.node)),
            steps=steps if len(steps) else np.array([window.steps - 1]),
            required=float(self.assets.required_pressure[node]),
            reading=complaint.reading_m,
        )

    def _stale(self, samples: Sequence[Sample], asked: Asked) -> list[dict[str, Any]]:
        """Return the boundaries that were stale when the window ends; a complaint's ends when it was heard of last."""
        heard = [one.time for one in (asked.complaint, *asked.readings) if one is not None]
        told = max(heard, default=datetime.fromtimestamp(asked.end, UTC))
        latest: dict[str, Sample] = {}
        for sample in samples:
            before = latest.get(sample.point)
            if sample.quality is Quality.GOOD and sample.time <= told and (before is None or before.time < sample.time):
                latest[sample.point] = sample
        return [
            {
                "element": one.element,
                "points": list(one.points),
                "newest": None if one.newest is None else one.newest.astimezone(UTC).isoformat(),
                "age_s": None if one.newest is None else (told - one.newest).total_seconds(),
            }
            for one in stale_boundaries(self.site, self.engine.network, latest, told)
        ]

    def _affected(self, answer: Answer) -> list[dict[str, Any]]:
        """Return the customers whom the leading causes cost at least a metre, or leave short."""
        network = self.engine.network
        lost = np.zeros(len(network.node_ids))
        named = {fault.key for fault in answer.diagnosis.answering.hypothesis}
        for place, one in answer.lost.items():
            if answer.diagnosis.causes[place].fault.key in named:
                lost = lost + np.maximum(one.everywhere, 0.0)
        affected = [
            {"customer_id": customer.customer_id, "node": customer.node, "head_lost_m": float(lost[node])}
            for customer in self.site.customers
            if (node := network.node_index.get(customer.node)) is not None and lost[node] >= 1.0
        ]
        return sorted(affected, key=lambda one: -float(str(one["head_lost_m"])))


def network_origin(near: datetime, start_clocktime_s: int, zone: tzinfo) -> float:
    """Return the latest instant not after ``near`` at which a zone's clock shows the network's start [s]."""
    local = near.astimezone(zone)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=start_clocktime_s)
    if start > local:
        start -= timedelta(days=1)
    return start.timestamp()


def _edges(asked: Asked) -> Floats:
    """Return edges of steps: fine ones from some hours before the complaint, or before the end, or all of them."""
    told = asked.end if asked.complaint is None else min(asked.complaint.time.timestamp(), asked.end)
    recent = min(asked.end - told + FINE_S, LONGEST_FINE_S)
    return step_edges(asked.start, asked.end, recent=asked.end - asked.start if asked.fine else recent)


def _series_of(reading: HandReading) -> Series:
    name = f"crew/{reading.node}/{reading.time.isoformat()}"
    when, value = np.array([reading.time.timestamp()]), np.array([reading.value_m])
    return Series(name, reading.node, "pressure", when, value, CREW_DEVIATION)


def _watch_name(node: str) -> str:
    return f"watched/{node}"


def _watch(asked: Asked, metered: Sequence[str]) -> list[Series]:
    """Return series without readings where a pressure is wanted: at the complaint's node and at metered customers'."""
    nodes = [] if asked.complaint is None else [asked.complaint.node]
    nodes += [node for node in metered if node not in nodes]
    return [Series(_watch_name(node), node, "pressure", np.empty(0), np.empty(0)) for node in nodes]


def _complaint(complaint: Complaint | None) -> dict[str, Any] | None:
    if complaint is None:
        return None
    reading = complaint.reading_m
    return {
        "id": complaint.id,
        "customer_id": complaint.customer_id,
        "node": complaint.node,
        "time": complaint.time.astimezone(UTC).isoformat(),
        "words": complaint.words,
        "reading_m": None if reading is None or math.isnan(reading) else reading,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
