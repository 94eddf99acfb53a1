"""Whether the service is well, part by part; a stale boundary is not ready, and says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.context import VERSION, Context
from api.schemas.health import HealthView, Part, PartView
from models.alarm import AlarmKind
from models.problem import HydroInputError

PATIENCE_CYCLES = 5
"""A monitor that has not been heard of for as many intervals is away."""
LEAST_PATIENCE = timedelta(seconds=30)


def health_of(context: Context) -> HealthView:
    """Return how the service is, from what the parts themselves say now."""
    now = context.wall()
    newest, telemetry = _telemetry(context)
    parts = [_records(context), telemetry, _monitor(context, now), _boundaries(context), _samples(newest)]
    site_now = _site_now(context, now)
    return HealthView(
        ready=all(part.ready is not False for part in parts),
        version=VERSION,
        started=context.started,
        now=site_now,
        newest_sample=newest,
        data_age_s=None if newest is None else max(0.0, (site_now - newest).total_seconds()),
        streams=context.live.listeners,
        parts=parts,
    )


def _site_now(context: Context, wall: datetime) -> datetime:
    try:
        return context.now()
    except HydroInputError:
        return wall


def _records(context: Context) -> PartView:
    try:
        context.records.plant_time()
    except HydroInputError as error:
        return PartView(part=Part.RECORDS, ready=False, fact=str(error), since=None)
    return PartView(part=Part.RECORDS, ready=True, fact="the records answer", since=None)


def _telemetry(context: Context) -> tuple[datetime | None, PartView]:
    try:
        newest = context.telemetry.newest()
    except HydroInputError as error:
        return None, PartView(part=Part.TELEMETRY, ready=False, fact=str(error), since=None)
    return newest, PartView(part=Part.TELEMETRY, ready=True, fact="the telemetry store answers", since=newest)


def _samples(newest: datetime | None) -> PartView:
    if newest is None:
        return PartView(part=Part.SAMPLES, ready=False, fact="no sample was ever kept", since=None)
    return PartView(part=Part.SAMPLES, ready=None, fact=f"newest sample at {newest.isoformat()}", since=newest)


def _monitor(context: Context, now: datetime) -> PartView:
    """Look at the monitor's last sign of life, in whichever process it runs."""
    try:
        beat = context.records.last_beat("monitor")
    except HydroInputError as error:
        return PartView(part=Part.MONITOR, ready=False, fact=str(error), since=None)
    if beat is None:
        return PartView(part=Part.MONITOR, ready=False, fact="the monitor has never said anything", since=None)
    patience = max(LEAST_PATIENCE, PATIENCE_CYCLES * timedelta(seconds=context.site.monitor.interval_s))
    away = now - beat > patience
    fact = f"the monitor was last heard at {beat.isoformat()}"
    return PartView(part=Part.MONITOR, ready=not away, fact=fact, since=beat)


def _boundaries(context: Context) -> PartView:
    """Look for boundaries that nobody has read well for too long: the model is then driven by guesses."""
    try:
        blind = [one for one in context.records.open_alarms() if one.kind is AlarmKind.BLIND and one.active]
    except HydroInputError as error:
        return PartView(part=Part.BOUNDARIES, ready=False, fact=str(error), since=None)
    if not blind:
        return PartView(part=Part.BOUNDARIES, ready=True, fact="every boundary is fresh", since=None)
    fact = "; ".join(f"{one.source}: {one.details.get('reason', 'stale')}" for one in blind)
    since = min((one.raised for one in blind if one.raised is not None), default=None)
    return PartView(part=Part.BOUNDARIES, ready=False, fact=fact, since=since)
