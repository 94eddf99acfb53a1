"""The documented case over seeds: what was forecast before the repair, and what was measured after it.

``python -m benchmarks.monitor.forecast [--count 8] [--first 101] [--hours 1.25] [--ledger …]``: for each seed of the
plant the complaint is diagnosed, the proposed reading is taken, the cure that the diagnosis puts first is carried out,
and a crew's gauge hangs at the factory for ten minutes before the work and for an hour that ends so many hours after
it: by default from a quarter past.

* *forecast*: the pressure that the diagnosis, made before the work, gives for that time of a usual day with the cure
  done, less the crew's reading before the work. Nothing read after the repair goes into it.
* *in hindsight*: the same with tanks, pumps and meters as they were read after the repair: what is left of the
  forecast's error when the day has turned out as it did.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.ledger import Ledger, Row, fingerprint
from benchmarks.monitor.plant import Tape, calibrated
from benchmarks.monitor.watching import SOURCES
from models.complaint import Complaint
from models.measurement import HandReading
from models.sample import Sample
from models.site import Site
from monitor.diagnoser import Asked, Diagnoser
from monitor.expectation import HUNG, expected_pressure, forecast_pressure
from monitor.monitor import COMPLAINED
from simulator.events import CustomerComplaint, Event, Repair
from simulator.history import samples_of
from simulator.scene import Scene, set_scene

MARK_M = 0.5
BRIEFLY = timedelta(minutes=10)
"""How long a crew's gauge hangs before the work."""
GAUGE_NOISE_M = 0.1
MINUTE = timedelta(minutes=1)


@dataclass
class Day:
    """The plant's day as it goes on: samples so far, and the true pressures of all nodes minute by minute."""

    scene: Scene
    dice: np.random.Generator
    events: tuple[Event, ...]
    samples: list[Sample] = field(default_factory=list)
    heads: dict[datetime, Any] = field(default_factory=dict)

    def until(self, end: datetime) -> None:
        """Let the plant run on."""
        played = replace(self.scene, episode=replace(self.scene.episode, events=self.events))
        for time, step in samples_of(played, end - self.scene.truth.snapshot.time, 60):
            self.samples += step
            self.heads[time] = self.scene.truth.snapshot.head

    def gauge(self, node: str, end: datetime, hung: timedelta = BRIEFLY) -> float:
        """Return what a crew's gauge shows on average over the time that it hangs until ``end`` [m]."""
        elements = self.scene.truth.elements
        place = elements.nodes[node]
        shown = [float(head[place]) for time, head in self.heads.items() if end - hung < time <= end]
        noise = GAUGE_NOISE_M * self.dice.standard_normal(len(shown))
        return fmean(shown) + float(noise.mean()) - float(elements.elevation[place])


def main() -> None:
    """Play the seeds that the ledger lacks and print forecast against measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--first", type=int, default=101)
    parser.add_argument("--hours", type=float, default=1.25)
    parser.add_argument("--ledger", type=Path, default=Path("benchmarks/results/forecast.jsonl"))
    arguments = parser.parse_args()
    ledger = Ledger(arguments.ledger, fingerprint(SOURCES))
    seeds = range(arguments.first, arguments.first + arguments.count)
    keys = {f"{seed}/{arguments.hours:g} h": seed for seed in seeds}
    with calibrated() as (site, diagnoser):
        for key, seed in keys.items():
            if key not in ledger.rows():
                ledger.keep(key, case(site, diagnoser, seed, timedelta(hours=arguments.hours)))
                print(_line(ledger.rows()[key]), flush=True)
    rows = [ledger.rows()[key] for key in keys]
    for name in ("forecast", "hindsight"):
        print(_missed(name, [row[f"{name}_m"] - row["measured_m"] for row in rows]))


def case(site: Site, diagnoser: Diagnoser, seed: int, looked_after: timedelta) -> Row:
    """Return the gains of one seed [m], by a gauge that is taken down so long after the work."""
    with set_scene(site, "documented", seed) as scene:
        day = Day(scene, np.random.default_rng(seed), scene.episode.events)
        raised = next(event for event in day.events if isinstance(event.change, CustomerComplaint))
        assert isinstance(raised.change, CustomerComplaint)
        node = site.customer(raised.change.customer).node
        complaint = Complaint(raised.change.customer, node, raised.at, "no pressure", None, "hotline", id=1)
        day.until(raised.at + 5 * MINUTE)
        first = _diagnose(site, diagnoser, day, complaint, ())
        day.until(raised.at + 30 * MINUTE)
        place = first["next_measurements"][0]["node"]
        reading = HandReading(place, raised.at + 30 * MINUTE, day.gauge(place, raised.at + 30 * MINUTE), "crew")
        document = _diagnose(site, diagnoser, day, complaint, (reading,))
        cure = document["cures"][0]
        begun = raised.at + 60 * MINUTE
        looked = begun + looked_after
        day.until(begun)
        before = day.gauge(node, begun)
        forecast = forecast_pressure(cure, looked) - before
        day.events += tuple(_works(cure, begun))
        day.until(looked)
        after = day.gauge(node, looked, HUNG)
        hour = [one for one in day.samples if looked - HUNG <= one.time <= looked]
        hindsight = expected_pressure(diagnoser, hour, looked, node, document, cure) - before
    return {
        "seed": seed,
        "cure": cure["change"],
        "before_m": round(before, 2),
        "after_m": round(after, 2),
        "measured_m": round(after - before, 3),
        "forecast_m": round(forecast, 3),
        "hindsight_m": round(hindsight, 3),
    }


def _diagnose(
    site: Site, diagnoser: Diagnoser, day: Day, complaint: Complaint, readings: Sequence[HandReading]
) -> dict[str, Any]:
    end = max([complaint.time, *(one.time for one in readings)]) + 5 * MINUTE
    start = complaint.time - timedelta(hours=site.monitor.window_h)
    samples = Tape(day.samples).range([point.name for point in site.points], start, end)
    asked = Asked(start.timestamp(), end.timestamp(), complaint, tuple(readings))
    return diagnoser.diagnose(samples, asked, COMPLAINED)


def _works(cure: dict[str, Any], at: datetime) -> list[Event]:
    """Return what a crew does at the plant that carries a cure out."""
    works = [
        Event(at, Repair(link, diameter_mm=laid["inner_mm"], roughness=laid["roughness"], minor_loss=0.0))
        for laid in cure["replace"]
        for link in laid["links"]
    ]
    laid_links = {event.change.link for event in works if isinstance(event.change, Repair)}
    freed = [
        link
        for fault in cure["faults"]
        if fault["kind"] in ("blocked_link", "closed_link")
        for link in fault["elements"]
    ]
    return works + [Event(at, Repair(link, minor_loss=0.0)) for link in freed if link not in laid_links]


def _missed(name: str, missed: Sequence[float]) -> str:
    """Return in words how far what was told lay above the measured gains [m]."""
    far = np.abs(missed)
    doubt = float(np.std(missed, ddof=1)) / len(missed) ** 0.5 if len(missed) > 1 else math.inf
    return (
        f"{name}: within {MARK_M} m of the measured gain in {np.count_nonzero(far <= MARK_M)} of {len(missed)}; "
        f"off by {np.median(far):.2f} m in the middle, {far.max():.2f} m at most; "
        f"too high by {fmean(missed):+.2f} ± {doubt:.2f} m in the mean"
    )


def _line(row: Row) -> str:
    return (
        f"seed {row['seed']}: {row['before_m']:.1f} m before, {row['after_m']:.1f} m after; measured "
        f"{row['measured_m']:.2f}, forecast {row['forecast_m']:.2f}, in hindsight {row['hindsight_m']:.2f} m "
        f"({row['cure']})"
    )


if __name__ == "__main__":
    main()
