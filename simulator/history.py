"""The plant without sockets: the samples that a collector would have taken, as fast as EPANET solves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.point import Point
from models.sample import Quality, Sample
from models.site import Site
from models.site_file import load_site
from simulator.condition import condition_at
from simulator.instruments import Reading
from simulator.scene import Scene, set_scene


def history(
    site_folder: Path,
    episode: str = "healthy",
    seed: int | None = None,
    start: datetime | None = None,
    hours: float | None = None,
    step_s: int = 300,
) -> Iterator[tuple[datetime, list[Sample]]]:
    """Yield time and samples of every step of the plant in ``site_folder``; see :func:`history_of`."""
    yield from history_of(load_site(site_folder), episode, seed, start, hours, step_s)


def history_of(
    site: Site,
    episode: str = "healthy",
    seed: int | None = None,
    start: datetime | None = None,
    hours: float | None = None,
    step_s: int = 300,
) -> Iterator[tuple[datetime, list[Sample]]]:
    """Yield time and samples of every step, in the points' units, as the devices' registers would give them.

    Parameters
    ----------
    site
        The site; its ``plant/`` is the truth.
    episode
        Whose events happen, at their own times.
    seed
        Replaces the seed of the plant; the same seed gives the same samples.
    start, hours
        The span; by default the episode's own. Hydraulics begin at the network's time 0 before it.
    step_s
        Hydraulic step, at most 300 [s]. A point with a longer period gives a sample only when it is due.

    Raises
    ------
    BadInput
        Files of the site or the plant are wrong.
    NotSolvable
        The network does not solve.
    ValueError
        ``step_s`` is not between 1 and 300, or ``start`` is naive.
    """
    if not 1 <= step_s <= 300:
        raise ValueError(f"step {step_s} s, expected 1 to 300")
    if start is not None and start.tzinfo is None:
        raise ValueError(f"start {start.isoformat()} is naive, expected an offset")
    with set_scene(site, episode, seed, start=start) as scene:
        span = scene.episode.duration if hours is None else timedelta(hours=hours)
        yield from samples_of(scene, span, step_s)


def samples_of(scene: Scene, span: timedelta, step_s: int = 300) -> Iterator[tuple[datetime, list[Sample]]]:
    """Yield time and samples of every step of a scene from where its truth stands."""
    begin = scene.truth.snapshot.time
    events = scene.episode.events
    readings: dict[str, Reading] = {}
    for step in range(int(span.total_seconds()) // step_s + 1):
        time = begin + timedelta(seconds=step * step_s)
        snapshot = scene.truth.advance(time, events, step_s)
        condition = condition_at(events, time)
        readings = scene.instruments.read(snapshot, condition, readings)
        yield (
            time,
            [
                _sample(point, time, readings[point.name], point.device in condition.devices_off)
                for point in scene.instruments.points
                if _is_due(point, time, step_s)
            ],
        )


def _is_due(point: Point, time: datetime, step_s: int) -> bool:
    return point.period_s <= step_s or time.timestamp() % point.period_s < step_s


def _sample(point: Point, time: datetime, reading: Reading, off: bool) -> Sample:
    if off:
        return Sample(point.name, time.astimezone(UTC), math.nan, Quality.BAD, "device off")
    value = math.nan if reading.quality is Quality.BAD else reading.raw * point.scale + point.offset
    return Sample(point.name, time.astimezone(UTC), value, reading.quality, reading.reason)
