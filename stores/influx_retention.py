"""How samples grow old in InfluxDB: a bucket that forgets them, and a task that makes means of them a day before.

The task summarises each UTC day when it is as old as it may be: whatever came late has come by then, each sample is
counted once, and to run again changes nothing. The means lie in a bucket of their own, ``<bucket>_means``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.task_create_request import TaskCreateRequest

from models.problem import BadInput
from models.site import InfluxSettings, Retention
from stores.flux import AGGREGATES, literal
from stores.line_protocol import MEASUREMENT

DAY = timedelta(days=1)
LEAST_DAYS = 3.0
"""A day is summarised before it goes, and the task may be late."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def means_bucket(settings: InfluxSettings) -> str:
    """Return the name of the bucket in which old means lie."""
    return f"{settings.bucket}_means"


def means_until(retention: Retention, now: datetime) -> datetime:
    """Return until when means stand for samples: before it samples may be gone, and the task has run."""
    if not retention.samples_days:
        return _LONG_AGO
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - retention.samples_days * DAY + DAY


def prepare(client: InfluxDBClient, settings: InfluxSettings, retention: Retention) -> None:
    """Make buckets and task as the retention asks, or change those that are there.

    Raises
    ------
    BadInput
        Samples are to be kept for less than three days.
    """
    if 0.0 < retention.samples_days < LEAST_DAYS:
        raise BadInput.of(
            f"samples_days {retention.samples_days:g}, expected with InfluxDB at least {LEAST_DAYS:g}, or 0 for ever"
        )
    _bucket(client, settings, settings.bucket, retention.samples_days)
    name = f"hydro: means of {settings.bucket}"
    tasks = client.tasks_api()
    for task in tasks.find_tasks(name=name, org=settings.org):  # type: ignore[no-untyped-call]
        tasks.delete_task(task.id)
    if retention.samples_days:
        _bucket(client, settings, means_bucket(settings), retention.means_days)
        flux = means_task(name, settings, retention)
        request = TaskCreateRequest(org=settings.org, status="active", flux=flux)  # type: ignore[no-untyped-call]
        tasks.create_task(task_create_request=request)


def means_task(name: str, settings: InfluxSettings, retention: Retention) -> str:
    """Return the task in Flux."""
    age, step = round((retention.samples_days - 1.0) * 24.0), round(retention.means_step_s * 1e6)
    target = f"bucket: {literal(means_bucket(settings))}, org: {literal(settings.org)}"
    written = "\n".join(
        f'day |> aggregateWindow(every: {step}us, fn: {function}, timeSrc: "_start", createEmpty: false)'
        f' |> toFloat() |> set(key: "_field", value: "{field}") |> to({target})'
        for field, function in AGGREGATES.items()
    )
    return (
        'import "date"\n'
        f"option task = {{name: {literal(name)}, every: 1d, offset: 10m}}\n"
        f"start = date.sub(from: today(), d: {age}h)\n"
        f"day = from(bucket: {literal(settings.bucket)}) |> range(start: start, stop: date.add(to: start, d: 24h))"
        f' |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == "value")\n'
        f"{written}\n"
    )


def _bucket(client: InfluxDBClient, settings: InfluxSettings, name: str, days: float) -> None:
    buckets = client.buckets_api()
    rule = BucketRetentionRules(  # type: ignore[no-untyped-call]
        type="expire",
        every_seconds=round(days * 86400.0),
        # What the server chooses for a new bucket; it is not changed by itself with the retention.
        shard_group_duration_seconds=86400 if 0.0 < days < 180.0 else 7 * 86400,
    )
    found = buckets.find_bucket_by_name(name)  # type: ignore[no-untyped-call]
    if found is None:
        buckets.create_bucket(bucket_name=name, org=settings.org, retention_rules=[rule])
    else:
        found.retention_rules = [rule]
        buckets.update_bucket(found)
