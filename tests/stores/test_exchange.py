from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from models.point import Point
from models.problem import BadInput, Unavailable
from models.quantity import Quantity
from models.sample import Quality, Sample
from stores.embedded import EmbeddedStore
from stores.exchange import export_file, import_file, read_file

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
END = START + timedelta(days=10)
POINTS = [Point(name, "J1", Quantity.PRESSURE, "m", "", "") for name in ("A", "压力, 2")]
NAMES = [point.name for point in POINTS]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path / "telemetry.sqlite")
    yield store
    store.close()


def some() -> list[Sample]:
    good = [Sample(name, START + timedelta(hours=hour), hour + 0.1) for hour in range(60) for name in NAMES]
    return [
        *good,
        Sample("A", END - timedelta(microseconds=1), 999.0, Quality.BAD, 'outside "valid" range, so'),
        Sample("A", START + timedelta(seconds=1), math.nan, Quality.BAD, "timeout"),
        Sample("A", START + timedelta(seconds=2), 1e-300, Quality.UNCERTAIN, ""),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_exported_is_imported_exactly(tmp_path: Path, store: EmbeddedStore, suffix: str) -> None:
    store.write(some())
    path = tmp_path / f"samples{suffix}"
    assert sum(export_file(path, store, NAMES, START, END)) == len(some())
    other = EmbeddedStore(tmp_path / "other.sqlite")
    for _ in range(2):
        assert sum(import_file(path, other, POINTS)) == len(some())
        assert repr(other.range(NAMES, START, END)) == repr(store.range(NAMES, START, END))
    other.close()
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix == ".part") == []


def test_csv_says_times_with_their_offset_and_parquet_is_what_others_read(tmp_path: Path, store: EmbeddedStore) -> None:
    store.write(some())
    for suffix in (".csv", ".parquet"):
        list(export_file(tmp_path / f"samples{suffix}", store, ["A"], START, START + timedelta(seconds=2)))
    with (tmp_path / "samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [datetime.fromisoformat(row["time"]) for row in rows] == [START, START + timedelta(seconds=1)]
    assert [(row["value"], row["quality"], row["reason"]) for row in rows] == [
        ("0.1", "good", ""),
        ("", "bad", "timeout"),
    ]
    table = parquet.read_table(tmp_path / "samples.parquet")
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")
    assert table["value"].to_pylist() == [0.1, None]


def test_times_of_any_offset_and_a_file_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("time,point,value\n2026-07-11T15:00:00+08:00,A,1\n2026-07-11 07:00:01Z,A,2\n", encoding="utf-8-sig")
    found = [sample for columns in read_file(path, POINTS) for sample in columns]
    assert found == [Sample("A", START, 1.0), Sample("A", START + timedelta(seconds=1), 2.0)]


def test_words_of_a_status_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("time,point,value\n2026-07-11T07:00:00Z,A,open\n2026-07-11T07:00:01Z,A,closed\n", encoding="utf-8")
    assert [one.value for columns in read_file(path, POINTS) for one in columns] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,point,value\n2026-07-11T07:00:00,A,1\n", ':2: reading of A: time "2026-07-11T07:00:00" is naive'),
        ("time,point,value\n2026-07-11T07:00:00Z,A,much\n", ':2: reading of A: value "much" is no number'),
        ("time,point,value\n2026-07-11T07:00:00Z,B,1\n", ": 1 points are not in points.csv: B"),
        ("time,point,value,quality\n2026-07-11T07:00:00Z,A,1,fine\n", 'quality "fine" is not known, expected good'),
        ("time,value\n2026-07-11T07:00:00Z,1\n", ":1: column point is missing"),
        ("time,point,value,colour\n2026-07-11T07:00:00Z,A,1,red\n", ':1: column "colour" is not known'),
        ("time,time,point,value\n2026-07-11T07:00:00Z,2026-07-11T07:00:00Z,A,1\n", ":1: column time stands twice"),
        ("time;point;value\n", ":1: column time is missing"),
        ("time,point,value\n1601-01-01T00:00:00Z,A,1\n", ": 1 times are not from 1970 on and before 2200"),
        ("", "is empty"),
    ],
)
def test_csv_that_is_wrong_is_said_with_its_line(tmp_path: Path, store: EmbeddedStore, text: str, said: str) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        list(import_file(path, store, POINTS))
    assert f"{path}" in str(caught.value)
    assert said in str(caught.value)
    assert store.newest() is None


def test_parquet_that_is_wrong_is_said(tmp_path: Path, store: EmbeddedStore) -> None:
    path = tmp_path / "samples.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(BadInput, match=r"samples\.parquet: is no Parquet file"):
        list(import_file(path, store, POINTS))
    naive = pa.table({"time": pa.array([0], pa.timestamp("us")), "point": ["A"], "value": [1.0]})
    parquet.write_table(naive, path)
    with pytest.raises(BadInput, match="expected a timestamp with a time zone"):
        list(import_file(path, store, POINTS))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"value": [[1.0], [2.0]]}, "Unsupported cast"),
        ({"point": ["A", None]}, "has samples without time or point"),
        ({"time": pa.array([0, 10**17], pa.timestamp("us", "UTC"))}, "1 times are not from 1970 on and before 2200"),
    ],
)
def test_parquet_whose_column_is_wrong_is_said(
    tmp_path: Path, store: EmbeddedStore, column: dict[str, Any], said: str
) -> None:
    good = {"time": pa.array([0, 1], pa.timestamp("us", "UTC")), "point": ["A", "A"], "value": [1.0, 2.0]}
    parquet.write_table(pa.table(good | column), tmp_path / "samples.parquet")
    with pytest.raises(BadInput, match=said):
        list(import_file(tmp_path / "samples.parquet", store, POINTS))
    assert store.newest() is None


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_sample_without_a_number_is_bad_though_the_file_calls_it_good(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"samples.{suffix}"
    nanoseconds = pa.array([1_000_000_001, 2_000_000_000], pa.timestamp("ns", "UTC"))
    table = pa.table({"time": nanoseconds, "point": ["A", "A"], "value": [None, 2.0], "quality": ["good", "good"]})
    if suffix == "parquet":
        parquet.write_table(table, path)
    else:
        path.write_text("time,point,value\n1970-01-01T00:00:01Z,A,\n1970-01-01T00:00:02Z,A,2\n", encoding="utf-8")
    first, second = [sample for columns in read_file(path, POINTS) for sample in columns]
    assert (first.quality, first.reason, first.time.second) == (Quality.BAD, "not a number", 1)
    assert (second.quality, second.reason, second.value) == (Quality.GOOD, "", 2.0)


@pytest.mark.parametrize("name", ["samples.xlsx", "samples"])
def test_file_of_another_kind_or_none_is_said(tmp_path: Path, store: EmbeddedStore, name: str) -> None:
    with pytest.raises(BadInput, match=r"expected one of \.csv, \.parquet"):
        list(import_file(tmp_path / name, store, POINTS))
    with pytest.raises(BadInput, match="is not there"):
        list(import_file(tmp_path / "missing.csv", store, POINTS))
    with pytest.raises(Unavailable, match="cannot be written"):
        list(export_file(tmp_path / "no folder" / "samples.csv", store, NAMES, START, END))
