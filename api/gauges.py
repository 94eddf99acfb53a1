"""Readings of the metrics that are taken when Prometheus asks."""

from __future__ import annotations

from collections import Counter

from api.context import Context
from api.health import health_of
from models.alarm import AlarmState
from models.problem import HydroInputError
from models.sample import Quality


def take_gauges(context: Context) -> None:
    """Set every gauge to what is so now; what cannot be read is not a number."""
    metrics = context.metrics
    health = health_of(context)
    for part in health.parts:
        metrics.ready.labels(part.part).set(float("nan") if part.ready is None else float(part.ready))
    metrics.data_age.set(float("nan") if health.data_age_s is None else health.data_age_s)
    metrics.streams.set(context.live.listeners)
    metrics.events.set(context.live.published)
    try:
        states = Counter(alarm.state for alarm in context.records.open_alarms())
        latest = context.telemetry.latest([point.name for point in context.site.points])
    except HydroInputError:
        # The part that is away is told by the gauge of readiness.
        return
    for state in AlarmState:
        if state is not AlarmState.NORMAL:
            metrics.alarms.labels(state).set(states[state])
    qualities = Counter(sample.quality for sample in latest.values())
    for quality in Quality:
        metrics.points.labels(quality).set(qualities[quality])
    metrics.points.labels("never_read").set(len(context.site.points) - len(latest))
