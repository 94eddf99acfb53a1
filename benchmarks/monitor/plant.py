"""The sample site and its plant for benchmarks: samples as a collector would have taken them, straight into memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import sample_networks
from models.readings_file import read_history
from models.sample import Sample
from models.site import Site
from models.site_file import load_site
from monitor.diagnoser import Diagnoser
from simulator.history import samples_of
from simulator.scene import set_scene

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou"


class Tape:
    """Samples in order of time, with the reading half of a telemetry store."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = sorted(samples, key=lambda one: one.time)
        self._times = [one.time for one in self._samples]

    @property
    def samples(self) -> Sequence[Sample]:
        """All of them, in order of time."""
        return self._samples

    def write(self, samples: Sequence[Sample]) -> None:
        """Refuse: a tape is only played."""
        raise NotImplementedError("a tape is only played")

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point."""
        end = len(self._samples) if before is None else bisect_left(self._times, before)
        found: dict[str, Sample] = {}
        for sample in reversed(self._samples[:end]):
            if sample.point in points and sample.point not in found:
                found[sample.point] = sample
                if len(found) == len(points):
                    break
        return found

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``."""
        wanted = set(points)
        first, last = bisect_left(self._times, start), bisect_left(self._times, end)
        return [one for one in self._samples[first:last] if one.point in wanted]

    def newest(self) -> datetime | None:
        """Return the newest time."""
        return self._times[-1] if self._times else None

    def close(self) -> None:
        """Nothing to give back."""


@contextmanager
def calibrated() -> Iterator[tuple[Site, Diagnoser]]:
    """Yield the sample site and a diagnoser that has learnt its historian's week."""
    site = load_site(JIAOZHOU)
    history = read_history(JIAOZHOU / "history.csv", site.points)
    diagnoser = Diagnoser(site, history[0].time)
    try:
        diagnoser.baseline = diagnoser.calibrate(history, history[0].time.timestamp(), history[-1].time.timestamp())
        yield site, diagnoser
    finally:
        diagnoser.close()


def play(
    site: Site,
    episode: str,
    seed: int,
    link: str | None,
    hours: float,
    start: datetime | None = None,
    step_s: int = 300,
) -> tuple[Tape, datetime | None, str]:
    """Return an episode's tape, and when which customer complained (None and empty where nobody did)."""
    with set_scene(site, episode, seed, fault_link=link, start=start) as scene:
        samples = [one for _, step in samples_of(scene, timedelta(hours=hours), step_s) for one in step]
        for event in scene.episode.events:
            customer = getattr(event.change, "customer", "")
            if customer:
                return Tape(samples), event.at, customer
        return Tape(samples), None, ""
