"""One suite for every telemetry store: what holds for the embedded one holds for a real InfluxDB."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from models.sample import Quality, Sample
from models.site import InfluxSettings, StoreSettings
from stores.telemetry import Mean, TelemetryStore, open_telemetry

START = datetime(2026, 7, 11, 7, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def sample(point: str, seconds: float, value: float, quality: Quality = Quality.GOOD, reason: str = "") -> Sample:
    return Sample(point, at(seconds), value, quality, reason)


def same(one: Sample, other: Sample) -> bool:
    """Equal, with NaN equal to NaN."""
    values = one.value == other.value or (math.isnan(one.value) and math.isnan(other.value))
    return values and (one.point, one.time, one.quality, one.reason) == (
        other.point, other.time, other.quality, other.reason,
    )  # fmt: skip


def settings(folder: Path, influx: InfluxSettings | None = None) -> StoreSettings:
    return StoreSettings(
        "influxdb" if influx else "embedded",
        folder / "data" / "telemetry.sqlite",
        folder / "data" / "spool.sqlite",
        "",
        influx,
    )


@pytest.fixture(params=["embedded", pytest.param("influxdb", marks=pytest.mark.influxdb)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], TelemetryStore]]:
    """Opens the same store as often as it is asked."""
    influx = request.getfixturevalue("influxdb").bucket() if request.param == "influxdb" else None
    opened: list[TelemetryStore] = []

    def open_one() -> TelemetryStore:
        opened.append(open_telemetry(settings(tmp_path, influx)))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], TelemetryStore]) -> TelemetryStore:
    return open_store()


def test_empty_store_knows_nothing(store: TelemetryStore) -> None:
    assert store.newest() is None
    assert store.latest(["P"]) == {}
    assert store.range(["P"], at(0), at(10)) == []
    assert store.means(["P"], at(0), at(10), 5) == []
    store.write([])


def test_what_is_written_is_read_exactly(store: TelemetryStore) -> None:
    kept = [
        sample("P", 0, 42.0),
        sample("P", 0.000001, 0.1 + 0.2),
        sample("P", 1, -1e-300),
        sample("P", 2, 1e300),
        sample("P", 3, 7.5, Quality.UNCERTAIN, "UncertainLastUsableValue"),
        sample("P", 4, 999.0, Quality.BAD, 'outside "valid" range, C:\\x = 3'),
        sample("P", 5, math.nan, Quality.BAD, "超时"),
        sample("P", 6, -0.0),
    ]
    store.write(kept)
    read = store.range(["P"], at(0), at(10))
    assert len(read) == len(kept)
    assert all(same(one, other) for one, other in zip(read, kept, strict=True))


@pytest.mark.parametrize("name", ["压力 1", "a,b=c d", 'say "so"', "back\\slash", "${x}", "'; DROP TABLE points; --"])
def test_any_name_names_a_point(store: TelemetryStore, name: str) -> None:
    store.write([sample(name, 0, 1.0), sample("other", 0, 2.0)])
    assert store.range([name], at(0), at(1)) == [sample(name, 0, 1.0)]
    assert store.latest([name])[name].value == 1.0
    assert store.means([name], at(0), at(1), 1)[0].point == name


def test_writing_again_overwrites(store: TelemetryStore) -> None:
    store.write([sample("P", 0, 1.0), sample("P", 1, 1.0)])
    store.write([sample("P", 0, 2.0), sample("P", 1, math.nan, Quality.BAD, "timeout")])
    first, second = store.range(["P"], at(0), at(10))
    assert first == sample("P", 0, 2.0)
    assert same(second, sample("P", 1, math.nan, Quality.BAD, "timeout"))


def test_whole_number_first_does_not_spoil_the_floats_after(store: TelemetryStore) -> None:
    store.write([sample("P", 0, 1)])
    store.write([sample("P", 1, 1.5)])
    assert [one.value for one in store.range(["P"], at(0), at(10))] == [1.0, 1.5]


def test_range_holds_its_start_and_not_its_end_in_order_of_time(store: TelemetryStore) -> None:
    store.write([sample(point, second, second) for second in (3, 1, 2, 0) for point in ("B", "A", "C")])
    read = store.range(["A", "B", "A", "missing"], at(1), at(3))
    assert sorted((one.point, one.value) for one in read) == [("A", 1.0), ("A", 2.0), ("B", 1.0), ("B", 2.0)]
    assert [one.value for one in read] == [1.0, 1.0, 2.0, 2.0]
    assert store.range(["A"], at(3), at(1)) == []


def test_latest_is_the_newest_whatever_its_quality(store: TelemetryStore) -> None:
    store.write([sample("A", 2, math.nan, Quality.BAD, "timeout"), sample("A", 1, 5.0), sample("B", 9, 6.0)])
    latest = store.latest(["A", "B", "missing"])
    assert set(latest) == {"A", "B"}
    assert same(latest["A"], sample("A", 2, math.nan, Quality.BAD, "timeout"))
    assert store.latest(["A", "B"], before=at(2)) == {"A": sample("A", 1, 5.0)}
    assert store.latest(["A"], before=at(1)) == {}


def test_newest_is_the_newest_of_any_point_even_ahead_of_the_wall(store: TelemetryStore) -> None:
    ahead = datetime(2061, 1, 1, tzinfo=UTC)
    store.write([sample("A", 5, 1.0), Sample("B", ahead, math.nan, Quality.BAD, "timeout"), sample("C", 1, 1.0)])
    assert store.newest() == ahead


def test_means_are_of_good_samples_over_steps_from_the_start(store: TelemetryStore) -> None:
    store.write(
        [
            sample("A", -1, 100.0),
            sample("A", 7, 1.0),
            sample("A", 16.999999, 2.0),
            sample("A", 17, 10.0),
            sample("A", 18, 1e6, Quality.BAD, "outside valid range"),
            sample("A", 19, 1e6, Quality.UNCERTAIN, "UncertainSensorCalibration"),
            sample("A", 20, math.nan, Quality.BAD, "timeout"),
            sample("A", 30, math.nan, Quality.BAD, "timeout"),
            sample("A", 37, 5.0),
            sample("A", 40, 1e6),
            sample("B", 17, 3.0),
        ]
    )
    means = store.means(["A", "B", "missing"], at(7), at(40), 10)
    assert sorted(means, key=lambda mean: (mean.point, mean.time)) == [
        Mean("A", at(7), 1.5, 2, 1.0, 2.0),
        Mean("A", at(17), 10.0, 1, 10.0, 10.0),
        Mean("A", at(37), 5.0, 1, 5.0, 5.0),
        Mean("B", at(17), 3.0, 1, 3.0, 3.0),
    ]
    assert [mean.time for mean in means] == sorted(mean.time for mean in means)


def test_times_of_any_zone_come_back_in_utc(store: TelemetryStore) -> None:
    shanghai = timezone(timedelta(hours=8))
    store.write([Sample("A", START.astimezone(shanghai), 1.0)])
    (read,) = store.range(["A"], START.astimezone(shanghai), at(1).astimezone(shanghai))
    assert read.time == START
    assert read.time.utcoffset() == timedelta(0)


def test_many_points_and_samples_at_once(store: TelemetryStore) -> None:
    names = [f"P-{number}" for number in range(230)]
    store.write([sample(name, second, second) for name in names for second in range(100)])
    assert len(store.range(names, at(0), at(100))) == 23_000
    assert {one.value for one in store.latest(names).values()} == {99.0}
    assert len(store.latest(names)) == 230


def test_store_opened_twice_sees_what_the_other_wrote(open_store: Callable[[], TelemetryStore]) -> None:
    one, other = open_store(), open_store()
    assert other.latest(["A"]) == {}
    one.write([sample("A", 0, 1.0, Quality.UNCERTAIN, "new word")])
    assert other.latest(["A"])["A"].reason == "new word"
    other.write([sample("B", 0, 1.0, Quality.BAD, "another word")])
    one.write([sample("C", 0, 1.0, Quality.BAD, "third word")])
    assert one.latest(["A", "B", "C"]) == other.latest(["A", "B", "C"])
    assert one.latest(["B"])["B"].reason == "another word"
